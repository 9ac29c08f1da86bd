//! A person is forgotten: his words go, his marks stay in the figures, he is asked no more.

use chrono::TimeDelta;
use contracts::{customer::CustomerErased, ticketing::TicketSnapshot};
use kernel::Clock;
use serde_json::{Value, json};

use crate::support::{admin, apps, dump, invite, resolved, skips, ticket};

#[tokio::test]
async fn who_was_erased_is_not_asked_and_leaves_his_marks_only() {
    for app in apps().await {
        let (answered, waiting) = (ticket(&app), ticket(&app));
        let token = invite(&app, &answered).await;
        let url = format!("/api/v1/answers/{token}");
        let said = json!({ "answers": { "csat": 1, "comment": "zhangsan was here" } });
        app.anonymous().post(&url).json(&said).send().await.expect(201).done();
        let open = invite(&app, &waiting).await;
        assert!(dump(&app).await["ticket.subject"].iter().all(|subject| !subject.is_empty()));
        for who in [&answered, &waiting] {
            let erased = CustomerErased {
                customer_id: who.customer_id.unwrap(),
                former_ids: vec![],
                number: "C1".into(),
                org: who.org.clone(),
                version: 2,
                erased_at: app.clock.now(),
            };
            app.deliver(erased).await;
        }
        let kept = async || dump(&app).await["ticket.subject"].clone();
        assert_eq!(kept().await, ["", ""], "what the tickets were about is gone");
        // What is told of the ticket later does not bring it back.
        app.deliver(resolved(&TicketSnapshot { version: 9, ..answered.clone() })).await;
        assert_eq!(kept().await, ["", ""]);
        let list = admin(&app).get("/api/v1/responses").send().await.expect(200);
        let response = &list.body["items"][0];
        assert_eq!((&response["csat"], &response["comment"]), (&json!(1), &Value::Null));
        let one = format!("/api/v1/responses/{}", response["id"].as_str().unwrap());
        let one = admin(&app).get(&one).send().await.expect(200);
        assert_eq!(
            one.body["answers"],
            json!({ "csat": 1 }),
            "his words are gone, his mark is not"
        );
        let link = format!("/api/v1/answers/{open}");
        app.anonymous().get(&link).send().await.expect_problem(404, "invitation-unknown").done();
        let later = TicketSnapshot { customer_id: waiting.customer_id, ..ticket(&app) };
        app.clock.advance(TimeDelta::days(30));
        app.deliver(resolved(&later)).await;
        assert_eq!(skips(&app).await, ["duplicate", "opted_out"]);
    }
}
