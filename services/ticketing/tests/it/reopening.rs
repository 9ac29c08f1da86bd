//! What follows a resolution: the customer's word, automatic closing, a bad score.

use contracts::{
    Sealed,
    survey::{LowScoreRaised, SurveySubject},
    ticketing::TicketClosed,
};
use events::Outcome;
use kernel::TraceContext;
use serde_json::{Value, json};
use testkit::TestApp;
use uuid::Uuid;

use crate::support::{
    ORG, act, advance, agent, answer, at, count, hear, known_customer, matter, now,
    on_every_database, open, read, resolve, time, timer, told,
};

#[tokio::test]
async fn the_customers_word_reopens_within_the_window() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("demand", "x")).await.id();
        answer(&amy, id, "hello").await.done();
        resolve(&amy, id).await.done();
        // Resolved on Monday: three business days end on Thursday at 18:00 in Shanghai.
        app.clock.set(at("2026-03-05T10:00:00Z"));
        let reply = hear(&amy, id, "still broken").await;
        let ticket = &reply.body["ticket"];
        assert_eq!(
            (&reply.body["follow_up"], &ticket["status"], &ticket["reopen_count"]),
            (&json!(false), &json!("open"), &json!(1))
        );
        for field in ["resolved_at", "auto_close_at", "resolution", "resolution_attained"] {
            assert_eq!(ticket[field], Value::Null, "{field}");
        }
        assert_eq!(
            (&ticket["handler"], &ticket["first_responder"]),
            (&json!("amy"), &json!("amy"))
        );
        let cycle = timer(&amy, id, "resolution").await;
        assert_eq!((&cycle["cycle"], time(&cycle["started_at"])), (&json!(2), now(&app)));
        let told = told(&app, id).await;
        assert_eq!(told[told.len() - 3..], ["resolved", "reopened", "replied"]);
        // Its first response was given long ago.
        assert_eq!(timer(&amy, id, "first_response").await["state"], "met");
    });
}

#[tokio::test]
async fn later_or_after_closing_it_opens_a_linked_follow_up() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let customer = known_customer(&app).await;
        let new = json!({ "kind": "demand", "subject": "空调", "customer_id": customer, "category": "hvac" });
        for closed in [false, true] {
            app.clock.set(at("2026-03-02T01:00:00Z"));
            let id = open(&amy, &new).await.id();
            resolve(&amy, id).await.done();
            if closed {
                act(&amy, id, "close", json!({})).await.expect(200).done();
            } else {
                app.clock.set(at("2026-03-05T10:00:01Z"));
            }
            let before = read(&amy, id).await;
            let bob = agent(&app, "bob");
            let reply = hear(&bob, id, "坏了 again").await;
            assert_eq!(read(&amy, id).await.body, before.body, "the old one stays as it is");
            let follow_up = &reply.body["ticket"];
            assert_eq!(
                (&reply.body["follow_up"], &follow_up["status"]),
                (&json!(true), &json!("new"))
            );
            for (field, value) in [
                ("parent_id", json!(id)),
                ("subject", json!("空调")),
                ("kind", json!("demand")),
                ("category", json!("hvac")),
                ("customer_id", json!(customer)),
                ("first_responder", json!("amy")),
                ("handler", Value::Null),
            ] {
                assert_eq!(follow_up[field], value, "{field}");
            }
            let article = &reply.body["article"];
            assert_eq!(
                (&article["ticket_id"], &article["author_kind"], &article["direction"]),
                (&follow_up["id"], &json!("customer"), &json!("inbound"))
            );
            let children =
                amy.get(&format!("/api/v1/tickets?parent_id={id}")).send().await.expect(200);
            assert_eq!(children.body["items"].as_array().unwrap().len(), 1);
        }
    });
}

#[tokio::test]
async fn nobody_objects_and_the_ticket_closes_itself() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let new = matter("consultation", "x");
        let id = amy
            .post("/api/v1/tickets")
            .header("traceparent", parent)
            .json(&new)
            .send()
            .await
            .expect(201)
            .id();
        let resolved = resolve(&amy, id).await;
        assert_eq!(
            time(&resolved.body["auto_close_at"]),
            at("2026-03-05T10:00:00Z"),
            "Thursday, 18:00"
        );
        app.clock.set(at("2026-03-05T09:59:59Z"));
        app.run_jobs().await;
        assert_eq!(read(&amy, id).await.body["status"], "resolved");
        app.clock.set(at("2026-03-05T10:00:00Z"));
        tokio::join!(app.run_jobs(), app.run_jobs());
        app.run_jobs().await;
        let closed = read(&amy, id).await.body;
        assert_eq!((&closed["status"], time(&closed["closed_at"])), (&json!("closed"), now(&app)));
        let events = app.emitted_of::<TicketClosed>().await;
        assert_eq!((events.len(), events[0].reason.as_str()), (1, "auto"));
        let all = app.emitted().await;
        let event = all.last().unwrap();
        let trace = TraceContext::from_parent(event.trace.traceparent.clone());
        assert!(trace.traceparent.is_some_and(|t| t.contains("4bf92f3577b34da6a3ce929d0e0e4736")));
    });
}

fn low_score(
    ticket: Option<Uuid>,
    customer: Option<Uuid>,
    comment: Option<Sealed>,
) -> LowScoreRaised {
    LowScoreRaised {
        response_id: kernel::new_id(),
        subject: SurveySubject {
            org: ORG.into(),
            survey_key: "after-service".into(),
            survey_version: 1,
            ticket_id: ticket,
            ticket_number: ticket.map(|_| "T2026-000001".into()),
            kind: Some("repair".into()),
            customer_id: customer,
            tier: None,
            handler: Some("bob".into()),
            first_responder: Some("amy".into()),
            account_manager: None,
        },
        score: 1,
        comment,
        locale: "zh-CN".into(),
    }
}

async fn follow_ups(app: &TestApp) -> Vec<Value> {
    let found = agent(app, "amy").get("/api/v1/tickets?kind=complaint").send().await.expect(200);
    found.body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_bad_score_opens_one_follow_up() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let customer = known_customer(&app).await;
        let id = open(&amy, &json!({ "kind": "repair", "subject": "x", "customer_id": customer }))
            .await
            .id();
        resolve(&amy, id).await.done();
        let event =
            low_score(Some(id), Some(customer), Some(Sealed(app.pii.seal("师傅迟到了两小时"))));
        let envelope = app.envelope(event.clone());
        assert_ne!(app.deliver_envelope(&envelope).await, Outcome::Duplicate);
        assert_eq!(app.deliver_envelope(&envelope).await, Outcome::Duplicate);
        // The same answer in another envelope, as after a restored backup of the sender.
        app.deliver(event.clone()).await;
        let found = follow_ups(&app).await;
        assert_eq!(found.len(), 1);
        let ticket = &found[0];
        for (field, value) in [
            ("parent_id", json!(id)),
            ("customer_id", json!(customer)),
            ("priority", json!("high")),
            ("channel", json!("survey")),
            ("first_responder", json!("amy")),
            ("handler", json!("amy")),
            ("origin", json!({ "kind": "survey_response", "id": event.response_id })),
            ("opened_by", json!("system")),
        ] {
            assert_eq!(ticket[field], value, "{field}");
        }
        assert!(ticket["subject"].as_str().unwrap().contains("T2026-000001"));
        let follow_up: Uuid = ticket["id"].as_str().unwrap().parse().unwrap();
        let articles =
            amy.get(&format!("/api/v1/tickets/{follow_up}/articles")).send().await.expect(200);
        assert_eq!(articles.body["items"][0]["body"], "师傅迟到了两小时");
        let opened = app
            .emitted()
            .await
            .into_iter()
            .rfind(|e| e.is::<contracts::ticketing::TicketOpened>())
            .unwrap();
        assert_eq!(opened.causation_id, Some(envelope.id));
        assert_eq!(read(&amy, id).await.body["status"], "resolved");
    });
}

#[tokio::test]
async fn a_bad_score_without_ticket_customer_or_readable_words_is_not_lost() {
    on_every_database!(async |app| {
        app.deliver(low_score(None, None, None)).await;
        app.deliver(low_score(
            Some(kernel::new_id()),
            Some(kernel::new_id()),
            Some(Sealed("garbage".into())),
        ))
        .await;
        let found = follow_ups(&app).await;
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|t| t["first_responder"] == "amy" && t["status"] == "new"));
        assert_eq!(count(&app, "article").await, 0);
        // Both are due for an answer like any other complaint.
        advance(&app, 61);
        app.run_jobs().await;
        assert!(follow_ups(&app).await.iter().all(|t| t["breached"] == true));
    });
}
