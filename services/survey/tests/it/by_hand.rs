//! Invitations that somebody of the staff passes on himself.

use chrono::TimeDelta;
use contracts::ticketing::{TicketReopened, TicketSnapshot};
use kernel::Role;
use serde_json::{Value, json};
use testkit::{Client, Reply, TestApp};
use uuid::Uuid;

use crate::support::{
    admin, apps, builtin_survey, builtin_trigger, change_trigger, dump, invitations, invite,
    resolved, skips, ticket,
};

fn agent(app: &TestApp) -> Client {
    app.as_role(Role::Agent, "/acme/north")
}

async fn by_hand(client: &Client, survey: Uuid, ticket: &TicketSnapshot, key: &str) -> Reply {
    let body = json!({ "ticket_id": ticket.ticket_id, "survey_id": survey });
    client.post("/api/v1/invitations").header("idempotency-key", key).json(&body).send().await
}

async fn answer(app: &TestApp, link: &Value) -> Reply {
    let token = link.as_str().unwrap().rsplit_once("/s/").unwrap().1;
    let url = format!("/api/v1/answers/{token}");
    app.anonymous().post(&url).json(&json!({ "answers": { "csat": 2 } })).send().await
}

#[tokio::test]
async fn an_agent_invites_and_nothing_is_sent() {
    for app in apps().await {
        invite(&app, &ticket(&app)).await;
        let survey = builtin_survey(&app).await;
        let trigger = builtin_trigger(&app).await;
        change_trigger(&app, json!({ "filters": { "kinds": ["repair"] } })).await;
        let ticket = ticket(&app);
        let unknown = by_hand(&agent(&app), survey, &ticket, "k0").await;
        unknown.expect_problem(409, "ticket-not-settled").done();
        app.deliver(resolved(&ticket)).await;

        let first = by_hand(&agent(&app), survey, &ticket, "k1").await.expect(201);
        let again = by_hand(&agent(&app), survey, &ticket, "k1").await.expect(201);
        assert_eq!(first.body, again.body, "one request, one link");
        let (told, link) = (&first.body["invitation"], &first.body["link"]);
        assert_eq!((&told["state"], &told["trigger_id"]), (&json!("sent"), &Value::Null));
        assert!(told["invited_by"].as_str().is_some_and(|by| !by.is_empty()), "{told}");
        let events = invitations(&app).await;
        assert_eq!((events.len(), events[1].by_hand), (2, true));
        let seen = admin(&app).get(first.header("location").unwrap()).send().await.expect(200);
        assert_eq!((&seen.body, seen.body.get("link")), (told, None));
        let token = link.as_str().unwrap().rsplit_once("/s/").unwrap().1.to_owned();
        for (column, values) in dump(&app).await {
            assert!(values.iter().all(|v| !v.contains(&token)), "the token stands in {column}");
        }

        // What the trigger on this survey calls a bad answer is one here too.
        assert_eq!(trigger["low_score"]["max"], 2);
        answer(&app, link).await.expect(201).done();
        let low = app.emitted_of::<contracts::survey::LowScoreRaised>().await;
        assert_eq!(low[0].subject.ticket_id, Some(ticket.ticket_id));
        by_hand(&agent(&app), survey, &ticket, "k2")
            .await
            .expect_problem(410, "invitation-used")
            .done();
    }
}

#[tokio::test]
async fn where_a_trigger_has_invited_it_is_a_further_link() {
    for app in apps().await {
        let ticket = ticket(&app);
        let mailed = invite(&app, &ticket).await;
        let survey = builtin_survey(&app).await;
        let passed_on = by_hand(&agent(&app), survey, &ticket, "k1").await.expect(201);
        assert!(!passed_on.body["link"].as_str().unwrap().contains(&mailed));
        assert_eq!(passed_on.body["invitation"]["invited_by"], Value::Null);
        assert_eq!(invitations(&app).await.len(), 1, "he is asked once");
        // Either link opens the invitation; one answer spends both.
        let url = format!("/api/v1/answers/{mailed}");
        app.anonymous().get(&url).send().await.expect(200).done();
        answer(&app, &passed_on.body["link"]).await.expect(201).done();
        app.anonymous().get(&url).send().await.expect_problem(410, "invitation-used").done();
        answer(&app, &passed_on.body["link"]).await.expect_problem(410, "invitation-used").done();
    }
}

#[tokio::test]
async fn a_waiting_one_goes_out_by_hand() {
    for app in apps().await {
        invite(&app, &ticket(&app)).await;
        change_trigger(&app, json!({ "delay_minutes": 60 })).await;
        let (ticket, survey) = (ticket(&app), builtin_survey(&app).await);
        app.deliver(resolved(&ticket)).await;
        let now = by_hand(&agent(&app), survey, &ticket, "k1").await.expect(201);
        app.clock.advance(TimeDelta::hours(2));
        app.run_jobs().await;
        let events = invitations(&app).await;
        assert_eq!((events.len(), events[1].by_hand), (2, true), "the job sends no second one");
        answer(&app, &now.body["link"]).await.expect(201).done();
    }
}

#[tokio::test]
async fn what_the_customer_and_the_rules_forbid_is_refused() {
    for app in apps().await {
        let first = ticket(&app);
        invite(&app, &first).await;
        let survey = builtin_survey(&app).await;
        let refused = async |ticket: &TicketSnapshot, code: &str, detail: &str| {
            let reply = by_hand(&agent(&app), survey, ticket, &kernel::new_id().to_string()).await;
            let reply = reply.expect_problem(409, code);
            assert!(
                reply.body["detail"].as_str().unwrap_or_default().contains(detail),
                "{}",
                reply.text
            );
        };
        let second = TicketSnapshot { customer_id: first.customer_id, ..ticket(&app) };
        app.deliver(resolved(&second)).await;
        assert_eq!(skips(&app).await, ["cool_down"]);
        refused(&second, "invitation-refused", "cool_down").await;
        let nobody = TicketSnapshot { customer_id: None, ..ticket(&app) };
        app.deliver(resolved(&nobody)).await;
        refused(&nobody, "invitation-refused", "no_customer").await;
        let own = TicketSnapshot { kind: "internal".into(), ..ticket(&app) };
        app.deliver(resolved(&own)).await;
        refused(&own, "invitation-refused", "internal").await;

        app.clock.advance(TimeDelta::days(8));
        let reply = by_hand(&agent(&app), survey, &second, "later").await.expect(201);
        assert_eq!(reply.body["invitation"]["customer_id"], json!(first.customer_id));

        let opt_out = json!({ "customer_id": first.customer_id });
        admin(&app).post("/api/v1/survey-opt-outs").json(&opt_out).send().await.expect(201).done();
        refused(&second, "invitation-refused", "opted_out").await;

        let open =
            TicketSnapshot { status: "open".into(), reopen_count: 1, version: 9, ..first.clone() };
        app.deliver(TicketReopened { ticket: open, reason: "not settled".into() }).await;
        refused(&first, "ticket-not-settled", "").await;
        let stranger = app.as_role(Role::Agent, "/acme/south");
        by_hand(&stranger, survey, &second, "s")
            .await
            .expect_problem(409, "ticket-not-settled")
            .done();
        let other = app.as_role(Role::Admin, "/other");
        by_hand(&other, survey, &second, "o").await.expect_problem(404, "not-found").done();
    }
}
