//! A person is forgotten: his tickets keep their figures and lose their words.

use contracts::{
    ERASED, Sealed,
    customer::{CustomerErased, CustomerSnapshot},
    survey::{LowScoreRaised, SurveySubject},
};
use serde_json::{Value, json};
use testkit::TestApp;
use uuid::Uuid;

use crate::support::*;

fn erased(app: &TestApp, id: Uuid) -> CustomerErased {
    CustomerErased {
        customer_id: id,
        former_ids: vec![],
        number: "C000001".into(),
        org: ORG.into(),
        version: 5,
        erased_at: now(app),
    }
}

#[tokio::test]
async fn words_go_and_what_comes_late_brings_none_back() {
    on_every_database!(async |app| {
        let agent = agent(&app, "anna");
        let known = customer(None);
        let id = known.customer_id;
        customer_changes(&app, known.clone()).await;
        let mut body = matter("complaint", "张三 lost his parcel");
        body["customer_id"] = json!(id);
        body["body"] = json!("call zhangsan at 13911112222");
        body["external_ref"] = json!("zhangsan@example.org");
        let ticket = open(&agent, &body).await.id();
        let other = open(&agent, &matter("complaint", "somebody else's zhangsan")).await.id();
        act(&agent, ticket, "claim", json!({})).await.expect(200).done();
        act(&agent, ticket, "urge", json!({ "note": "张三" })).await.expect(200).done();
        answer(&agent, ticket, "dear 张三").await.done();
        resolve(&agent, ticket).await.done();
        let version = read(&agent, ticket).await.version();

        app.deliver(erased(&app, id)).await;
        let seen = read(&agent, ticket).await;
        assert_eq!(
            (&seen.body["subject"], &seen.body["resolution"]),
            (&json!(ERASED), &json!(ERASED))
        );
        assert_eq!(
            (&seen.body["status"], &seen.body["external_ref"]),
            (&json!("resolved"), &Value::Null)
        );
        assert!(seen.version() > version, "caches learn of it");
        for part in ["articles", "history?limit=200"] {
            let all =
                agent.get(&format!("/api/v1/tickets/{ticket}/{part}")).send().await.expect(200);
            assert!(!all.text.contains("张三") && !all.text.contains("zhangsan"), "{}", all.text);
        }
        for table in ["urge", "article", "ticket", "history"] {
            let text = if table == "urge" {
                "note"
            } else if table == "article" {
                "body"
            } else if table == "ticket" {
                "subject"
            } else {
                "new_value"
            };
            let query = format!("SELECT COUNT(*) AS n FROM {table} WHERE {text} LIKE '%张三%'");
            let row = store::sql::one(&app.db, &query, vec![]).await.unwrap().unwrap();
            assert_eq!(row.try_get::<i64>("", "n").unwrap(), 0, "{table}");
        }
        let found = agent.get("/api/v1/tickets?q=zhangsan").send().await.expect(200);
        let found: Vec<_> =
            found.body["items"].as_array().unwrap().iter().map(|t| t["id"].clone()).collect();
        assert_eq!(found, [json!(other)], "only the other one is found");
        let by_number = seen.body["number"].as_str().unwrap();
        let found = agent.get(&format!("/api/v1/tickets?q={by_number}")).send().await.expect(200);
        assert_eq!(found.body["items"].as_array().unwrap().len(), 1);

        // A snapshot from before, a bad answer from before, and a new matter.
        customer_changes(&app, CustomerSnapshot { version: 4, ..known }).await;
        let score = LowScoreRaised {
            response_id: kernel::new_id(),
            subject: SurveySubject {
                org: ORG.into(),
                survey_key: "s".into(),
                survey_version: 1,
                ticket_id: Some(ticket),
                ticket_number: None,
                kind: None,
                customer_id: Some(id),
                tier: None,
                handler: None,
                first_responder: None,
                account_manager: None,
            },
            score: 1,
            comment: Some(Sealed(app.pii.seal("张三 was here"))),
            locale: "en".into(),
        };
        app.deliver(score).await;
        let query = "SELECT COUNT(*) AS n FROM article WHERE body LIKE '%张三%'";
        let row = store::sql::one(&app.db, query, vec![]).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "n").unwrap(), 0, "the follow-up has no words of his");
        agent.post("/api/v1/tickets").json(&body).send().await.expect(422).done();
    });
}

#[tokio::test]
async fn erased_before_he_was_known_he_stays_unknown() {
    on_every_database!(async |app| {
        let known = customer(None);
        app.deliver(erased(&app, known.customer_id)).await;
        customer_changes(&app, known.clone()).await;
        let mut body = matter("complaint", "x");
        body["customer_id"] = json!(known.customer_id);
        agent(&app, "anna").post("/api/v1/tickets").json(&body).send().await.expect(422).done();
    });
}
