//! From the link to the response and the events that tell of it.

use chrono::TimeDelta;
use contracts::{
    survey::{LowScoreRaised, SurveyAnswered},
    ticketing::{TicketClosed, TicketResolved},
};
use futures::future::join_all;
use kernel::{Clock, Permission, Role, TraceContext};
use serde_json::json;
use uuid::Uuid;

use crate::support::{admin, apps, dump, follow_up, invitations, invite, resolved, ticket, token};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn a_bad_answer_is_told_and_followed_up() {
    for app in apps().await {
        let ticket = ticket(&app);
        let mut envelope = app.envelope(resolved(&ticket));
        envelope.trace = TraceContext::from_parent(Some(format!("00-{TRACE}-b7ad6b7169203331-01")));
        envelope.correlation_id = Some(kernel::new_id());
        app.deliver_envelope(&envelope).await;
        let token = token(&app, &invitations(&app).await[0]);
        let url = format!("/api/v1/answers/{token}");
        let asked = app.anonymous().get(&url).send().await.expect(200);
        assert_eq!(
            (&asked.body["survey"], &asked.body["locale"]),
            (&json!("csat_after_service"), &json!("zh-CN"))
        );
        let answers = json!({ "answers": {
            "csat": 1, "nps": 3, "reasons": ["slow", "attitude"], "settled": false,
            "comment": "太慢了，打我电话13812345678 <script>alert(1)</script>"
        }});
        let taken = app.anonymous().post(&url).json(&answers).send().await.expect(201);
        let response_id: Uuid = taken.body["response_id"].as_str().unwrap().parse().unwrap();
        assert_eq!(taken.body["dropped"], json!([]));

        let answered = app.emitted_of::<SurveyAnswered>().await;
        assert_eq!(
            (answered[0].response_id, answered[0].csat, answered[0].nps),
            (response_id, Some(1), Some(3))
        );
        assert_eq!(
            (answered[0].subject.handler.as_deref(), answered[0].subject.ticket_id),
            (Some("anna"), Some(ticket.ticket_id))
        );
        let low = app.emitted_of::<LowScoreRaised>().await;
        assert_eq!(
            (low[0].response_id, low[0].score, low[0].locale.as_str()),
            (response_id, 1, "zh-CN")
        );
        assert!(app.pii.open(&low[0].comment.clone().unwrap().0).unwrap().starts_with("太慢了"));
        // One trace and one matter from the ticket to the last consequence.
        for event in app.emitted().await {
            assert!(
                event.trace.traceparent.as_deref().unwrap_or_default().contains(TRACE),
                "{}",
                event.ty
            );
            assert_eq!(event.correlation_id, envelope.correlation_id, "{}", event.ty);
        }

        let opened = follow_up(&app, response_id);
        app.deliver(opened.clone()).await;
        let url = format!("/api/v1/responses/{response_id}");
        let seen = admin(&app).get(&url).send().await.expect(200);
        assert_eq!(seen.body["follow_up"]["ticket_number"], "T2026-000777");
        assert_eq!(
            (&seen.body["follow_up"]["state"], &seen.body["low"]),
            (&json!("open"), &json!(true))
        );
        assert_eq!(seen.body["answers"]["reasons"], json!(["slow", "attitude"]));
        assert!(
            seen.body["comment"].as_str().unwrap().contains("13812345678"),
            "the administrator may see it"
        );
        let masked = app.as_role(Role::Agent, "/acme/north").get(&url).send().await.expect(200);
        assert_eq!(masked.body["comment"], "太慢了，打我电话*********78 <script>alert(1)</script>");
        assert_eq!(masked.body["answers"]["comment"], masked.body["comment"]);
        app.deliver(TicketResolved {
            ticket: opened.ticket.clone(),
            resolution: "called".into(),
            sealed_resolution: None,
        })
        .await;
        app.deliver(TicketClosed { ticket: opened.ticket, reason: "confirmed".into() }).await;
        let seen = admin(&app).get(&url).send().await.expect(200);
        assert_eq!(seen.body["follow_up"]["state"], "closed");

        // Neither the token nor the respondent's words stand anywhere in the database.
        for (column, values) in dump(&app).await {
            for secret in [token.as_str(), "太慢了", "13812345678"] {
                assert!(values.iter().all(|v| !v.contains(secret)), "{secret} in {column}");
            }
        }
    }
}

#[tokio::test]
async fn of_twenty_answers_at_once_one_is_taken() {
    for app in apps().await {
        let token = invite(&app, &ticket(&app)).await;
        let url = format!("/api/v1/answers/{token}");
        let client = app.anonymous();
        let posts = (0..20)
            .map(|i| client.post(&url).json(&json!({ "answers": { "csat": i % 5 + 1 } })).send());
        let replies = join_all(posts).await;
        assert_eq!(replies.iter().filter(|r| r.status == 201).count(), 1);
        for reply in replies.into_iter().filter(|r| r.status != 201) {
            reply.expect_problem(410, "invitation-used").done();
        }
        let listed = admin(&app).get("/api/v1/responses?total=true").send().await.expect(200);
        assert_eq!(listed.body["total"], 1);
        assert_eq!(app.emitted_of::<SurveyAnswered>().await.len(), 1);
        client.get(&url).send().await.expect_problem(410, "invitation-used").done();
    }
}

#[tokio::test]
async fn an_expired_or_unknown_link_is_refused() {
    for app in apps().await {
        let token = invite(&app, &ticket(&app)).await;
        let url = format!("/api/v1/answers/{token}");
        let answers = json!({ "answers": { "csat": 5 } });
        app.clock.advance(TimeDelta::days(14));
        app.anonymous()
            .post(&url)
            .json(&answers)
            .send()
            .await
            .expect_problem(410, "invitation-expired")
            .done();
        app.anonymous().get(&url).send().await.expect_problem(410, "invitation-expired").done();
        for unknown in ["A".repeat(43), "x".to_owned(), "%00".to_owned(), "..%2f..".to_owned()] {
            let reply = app
                .anonymous()
                .post(&format!("/api/v1/answers/{unknown}"))
                .json(&answers)
                .send()
                .await;
            assert!(
                matches!(reply.problem_code(), "invitation-unknown" | "invalid-path"),
                "{}",
                reply.text
            );
        }
        assert!(app.emitted_of::<SurveyAnswered>().await.is_empty());
    }
}

#[tokio::test]
async fn a_hidden_answer_does_not_count_and_a_wrong_one_is_named() {
    for app in apps().await {
        let token = invite(&app, &ticket(&app)).await;
        let url = format!("/api/v1/answers/{token}");
        let before = dump(&app).await;
        for (answers, pointers) in [
            (json!({}), vec!["/answers/csat"]),
            (json!({ "csat": 6 }), vec!["/answers/csat"]),
            (
                json!({ "csat": 2, "reasons": ["none of these"], "nps": 11 }),
                vec!["/answers/nps", "/answers/reasons"],
            ),
            (json!({ "csat": 2, "a/b": 1 }), vec!["/answers/a~1b"]),
            (json!({ "csat": 2, "comment": "x".repeat(2_001) }), vec!["/answers/comment"]),
        ] {
            let refused = app
                .anonymous()
                .post(&url)
                .json(&json!({ "answers": answers }))
                .send()
                .await
                .expect_problem(422, "invalid");
            assert_eq!(refused.problem_pointers(), pointers);
        }
        assert_eq!(dump(&app).await, before, "nothing half-written");
        let answers = json!({ "answers": { "csat": 5, "reasons": ["slow"] }, "locale": "en" });
        let taken = app.anonymous().post(&url).json(&answers).send().await.expect(201);
        assert_eq!(taken.body["dropped"], json!(["reasons"]));
        let seen = admin(&app)
            .get(&format!("/api/v1/responses/{}", taken.body["response_id"].as_str().unwrap()))
            .send()
            .await
            .expect(200);
        assert_eq!(
            (&seen.body["answers"], &seen.body["locale"], &seen.body["low"]),
            (&json!({ "csat": 5 }), &json!("en"), &json!(false))
        );
        assert!(app.emitted_of::<LowScoreRaised>().await.is_empty());
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_restart() {
    for db in testkit::databases().await {
        let app = testkit::TestApp::start(survey::module(), db).await;
        let token = invite(&app, &ticket(&app)).await;
        let app = app.restart().await;
        let url = format!("/api/v1/answers/{token}");
        app.anonymous()
            .post(&url)
            .json(&json!({ "answers": { "csat": 4 } }))
            .send()
            .await
            .expect(201)
            .done();
        let app = app.restart().await;
        app.anonymous().get(&url).send().await.expect_problem(410, "invitation-used").done();
        let reader = app.as_client("crm", &[Permission::SurveyRead], "/acme");
        let listed = reader.get("/api/v1/responses?low=false").send().await.expect(200);
        assert_eq!(listed.body["items"][0]["answered_at"], json!(app.clock.now()));
    }
}
