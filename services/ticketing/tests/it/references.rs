//! References of other systems: unique for who brings them.

use kernel::{Permission, Role};
use serde_json::{Value, json};
use testkit::{Client, Reply, TestApp};

use crate::support::{agent, count, on_every_database, open};

fn order(reference: &str, source: Option<&str>) -> Value {
    let mut body = json!({ "kind": "repair", "subject": "x", "external_ref": reference });
    if let Some(source) = source {
        body["external_source"] = json!(source);
    }
    body
}

fn partner(app: &TestApp, id: &str, org: &str) -> Client {
    app.as_client(id, &[Permission::TicketCreate, Permission::TicketRead], org)
}

async fn refused(client: &Client, body: &Value) -> Reply {
    let reply = client.post("/api/v1/tickets").json(body).send().await;
    reply.expect_problem(409, "duplicate-external-ref")
}

fn number(reply: &Reply) -> String {
    reply.body["number"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn partners_number_as_they_like() {
    on_every_database!(async |app| {
        let mall = partner(&app, "mall", "/acme/north");
        let shop = partner(&app, "shop", "/acme/north");
        let south = partner(&app, "south-shop", "/acme/south");
        let body = order("ORDER-1", None);
        let mut own = vec![];
        for client in [&mall, &shop, &south] {
            own.push(number(&open(client, &body).await));
        }
        for (client, number) in [&mall, &shop, &south].into_iter().zip(&own) {
            let detail = refused(client, &body).await.body["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(number), "{detail}");
            for other in own.iter().filter(|other| *other != number) {
                assert!(!detail.contains(other), "{detail}");
            }
        }
        assert_eq!(count(&app, "ticket").await, 3);
        let found = mall.get("/api/v1/tickets?external_ref=ORDER-1").send().await.expect(200);
        assert_eq!(found.body["items"].as_array().unwrap().len(), 2, "of the own unit");
        // One that has come to another unit is not told of what it no longer sees.
        let moved = partner(&app, "mall", "/acme/south");
        assert!(!refused(&moved, &body).await.text.contains("T2026"));
    });
}

#[tokio::test]
async fn a_named_source_has_its_own_references_whoever_brings_them() {
    on_every_database!(async |app| {
        let gateway = partner(&app, "gateway-1", "/acme/north");
        let mail = order("m-1", Some("mail"));
        let first = number(&open(&gateway, &mail).await);
        open(&gateway, &order("m-1", Some("wechat"))).await.done();
        open(&gateway, &order("m-1", None)).await.done();
        for other in [&partner(&app, "gateway-2", "/acme/north"), &agent(&app, "amy")] {
            let detail = refused(other, &mail).await.body["detail"].clone();
            assert!(detail.as_str().unwrap().contains(&first), "{detail}");
        }
        // Another unit's source of the same name is another source.
        let south = app.as_user("sue", &[Role::Agent], "/acme/south");
        assert_eq!(open(&south, &mail).await.body["external_source"], "mail");
        let bad = [
            (json!({ "external_source": "mail" }), "/external_ref"),
            (json!({ "external_source": "Mail box", "external_ref": "x" }), "/external_source"),
        ];
        for (more, pointer) in bad {
            let mut body = json!({ "kind": "repair", "subject": "x" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let reply = south.post("/api/v1/tickets").json(&body).send().await;
            assert_eq!(reply.expect_problem(422, "invalid").problem_pointers(), [pointer]);
        }
    });
}

/// Takes the schema back to what it was before references had a scope.
const BEFORE: [&str; 4] = [
    "DROP INDEX ticket_external_scope",
    "ALTER TABLE ticket DROP COLUMN external_source",
    "CREATE UNIQUE INDEX ticket_external ON ticket (root, external_ref, channel) WHERE external_ref IS NOT NULL",
    "DELETE FROM seaql_migrations WHERE version IN ('m0107_external', 'm0108_external')",
];

#[tokio::test]
async fn references_from_before_the_upgrade_still_count() {
    on_every_database!(async |app| {
        let body = order("ORDER-1", None);
        let first = number(&open(&partner(&app, "mall", "/acme/north"), &body).await);
        for statement in BEFORE {
            store::sql::execute(&app.db, statement, vec![]).await.unwrap();
        }
        let app = app.restart().await;
        let again = refused(&partner(&app, "mall", "/acme/north"), &body).await;
        assert!(again.text.contains(&first), "{}", again.text);
        open(&partner(&app, "shop", "/acme/north"), &body).await.done();
    });
}
