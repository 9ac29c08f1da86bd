//! Subtrees in SQL.

use http::org_filter;
use kernel::OrgPath;
use sea_orm::{
    ConnectionTrait, ExprTrait,
    sea_query::{Expr, Query},
};

use crate::bed;

#[actix_web::test]
async fn a_caller_sees_his_subtree_only() {
    for test in bed::databases().await {
        let orgs = [
            "/acme",
            "/acme/north",
            "/acme/north/s1",
            "/acme/north-1",
            "/acme/north_1",
            "/acme/northeast",
            "/acme/north0",
            "/acme-x",
            "/other",
        ];
        for org in orgs {
            let insert = "INSERT INTO note (id, org, text, version) VALUES ($1, $2, '', 1)";
            store::sql::execute(&test.db, insert, vec![kernel::new_id().into(), org.into()])
                .await
                .unwrap();
        }
        let seen = async |org: &str| {
            let org = OrgPath::parse(org).unwrap();
            let select = Query::select()
                .column("org")
                .from("note")
                .cond_where(org_filter(&org, Expr::col("org")))
                .and_where(Expr::col("version").eq(1))
                .order_by("org", sea_orm::Order::Asc)
                .to_owned();
            let rows = test.db.query_all(&select).await.unwrap();
            let mut found: Vec<String> =
                rows.iter().map(|r| r.try_get("", "org").unwrap()).collect();
            found.sort();
            let mut expected: Vec<&str> = orgs.into_iter().filter(|o| org.covers(o)).collect();
            expected.sort_unstable();
            assert_eq!(found, expected);
            found.len()
        };
        assert_eq!(seen("/acme").await, 7);
        assert_eq!(seen("/acme/north").await, 2);
        assert_eq!(seen("/acme/south").await, 0);
    }
}
