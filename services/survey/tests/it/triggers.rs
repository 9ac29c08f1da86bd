//! Ticket events → one invitation or one recorded skip.

use chrono::TimeDelta;
use contracts::{
    customer::CustomerRegistered,
    notification::{Notice, NoticeDelivered, NoticeFailed, NoticeSuppressed},
    survey::SurveyInvited,
    ticketing::{TicketClosed, TicketReopened, TicketSnapshot},
};
use events::Outcome;
use kernel::{Clock, TraceContext};
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    admin, apps, builtin_trigger, change_trigger, invitations, invite, resolved, skips, ticket,
    token,
};

#[tokio::test]
async fn a_resolved_ticket_leads_to_exactly_one_invitation() {
    for app in apps().await {
        let ticket = ticket(&app);
        let mut envelope = app.envelope(resolved(&ticket));
        envelope.trace = TraceContext::from_parent(Some(
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        ));
        envelope.correlation_id = Some(kernel::new_id());
        app.deliver_envelope(&envelope).await;
        assert_eq!(app.deliver_envelope(&envelope).await, Outcome::Duplicate);
        let invited = invitations(&app).await;
        assert_eq!(invited.len(), 1);
        let subject = &invited[0].subject;
        assert_eq!(
            (subject.org.as_str(), subject.survey_key.as_str(), subject.survey_version),
            ("/acme/north", "csat_after_service", 1)
        );
        assert_eq!(
            (subject.handler.as_deref(), subject.tier.as_deref(), subject.customer_id),
            (Some("anna"), Some("vip"), ticket.customer_id)
        );
        assert_eq!(invited[0].locale, "zh-CN");
        assert_eq!(invited[0].expires_at, app.clock.now() + TimeDelta::days(14));
        let emitted = app.emitted().await;
        let event = emitted.iter().find(|e| e.is::<SurveyInvited>()).unwrap();
        assert_eq!(event.correlation_id, envelope.correlation_id);
        assert_eq!(event.causation_id, Some(envelope.id));
        let listed =
            admin(&app).get("/api/v1/invitations?state=sent&total=true").send().await.expect(200);
        assert_eq!(listed.body["total"], 1);
        // The same cycle told by another event: a recorded duplicate, not a second invitation.
        app.deliver(resolved(&ticket)).await;
        assert_eq!(
            (invitations(&app).await.len(), skips(&app).await),
            (1, vec!["duplicate".to_owned()])
        );
    }
}

#[tokio::test]
async fn whoever_is_not_asked_is_recorded_with_the_reason() {
    for app in apps().await {
        let first = ticket(&app);
        invite(&app, &first).await;
        let same_customer =
            |t: TicketSnapshot| TicketSnapshot { customer_id: first.customer_id, ..t };
        app.deliver(resolved(&same_customer(ticket(&app)))).await;
        app.deliver(resolved(&TicketSnapshot { customer_id: None, ..ticket(&app) })).await;
        app.deliver(resolved(&TicketSnapshot { kind: "internal".into(), ..ticket(&app) })).await;
        // Taken over from another system: no candidate at all.
        app.deliver(resolved(&TicketSnapshot { channel: "import".into(), ..ticket(&app) })).await;
        assert_eq!(skips(&app).await, ["cool_down", "no_customer", "internal"]);
        let customer = kernel::new_id();
        let told = crate::support::customer(customer, &["/acme/north"], 1);
        app.deliver(CustomerRegistered { customer: told }).await;
        let opt_out = format!("/api/v1/survey-opt-outs/{customer}");
        admin(&app).get(&opt_out).send().await.expect(404).done();
        let noted = admin(&app)
            .post("/api/v1/survey-opt-outs")
            .json(&json!({ "customer_id": customer }))
            .send()
            .await
            .expect(201);
        assert_eq!(
            (noted.header("location"), &noted.body["by"]),
            (Some(opt_out.as_str()), &json!("admin"))
        );
        admin(&app).get(&opt_out).send().await.expect(200).done();
        app.deliver(resolved(&TicketSnapshot { customer_id: Some(customer), ..ticket(&app) }))
            .await;
        assert_eq!(skips(&app).await.last().unwrap(), "opted_out");
        admin(&app).delete(&opt_out).send().await.expect(204).done();
        app.deliver(resolved(&TicketSnapshot { customer_id: Some(customer), ..ticket(&app) }))
            .await;
        app.clock.advance(TimeDelta::days(7));
        app.deliver(resolved(&same_customer(ticket(&app)))).await;
        assert_eq!(invitations(&app).await.len(), 3);
        let skipped = admin(&app).get("/api/v1/invitations?state=skipped").send().await.expect(200);
        let mut reasons: Vec<&str> = skipped.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["skip_reason"].as_str().unwrap())
            .collect();
        reasons.sort_unstable();
        assert_eq!(reasons, ["cool_down", "internal", "no_customer", "opted_out"]);
    }
}

#[tokio::test]
async fn a_reopened_ticket_is_a_new_cycle_and_unsends_what_waits() {
    for app in apps().await {
        invite(&app, &ticket(&app)).await;
        change_trigger(
            &app,
            json!({ "delay_minutes": 60, "cool_down_days": 0, "cool_down_across_days": 0 }),
        )
        .await;
        let ticket = ticket(&app);
        app.deliver(resolved(&ticket)).await;
        app.run_jobs().await;
        assert_eq!(invitations(&app).await.len(), 1, "not due yet");
        let again = TicketSnapshot { reopen_count: 1, ..ticket.clone() };
        app.deliver(TicketReopened { ticket: again.clone(), reason: "not fixed".into() }).await;
        app.clock.advance(TimeDelta::minutes(61));
        app.run_jobs().await;
        assert_eq!(
            (invitations(&app).await.len(), skips(&app).await),
            (1, vec!["reopened".to_owned()])
        );
        app.deliver(resolved(&again)).await;
        app.clock.advance(TimeDelta::minutes(61));
        app.run_jobs().await;
        app.run_jobs().await;
        let invited = invitations(&app).await;
        assert_eq!(invited.len(), 2);
        app.anonymous()
            .get(&format!("/s/{}", token(&app, &invited[1])))
            .send()
            .await
            .expect(200)
            .done();
    }
}

#[tokio::test]
async fn triggers_are_configured_over_the_api() {
    for app in apps().await {
        invite(&app, &ticket(&app)).await;
        let builtin = builtin_trigger(&app).await;
        assert_eq!(builtin["low_score"], json!({ "question": "csat", "max": 2 }));
        let url = format!("/api/v1/survey-triggers/{}", builtin["id"].as_str().unwrap());
        admin(&app).get(&url).send().await.expect(200).done();
        let new = json!({
            "name": "VIP closed", "survey_id": builtin["survey_id"], "event": "ticket_closed", "org": "/acme/north",
            "filters": { "tiers": ["vip"], "kinds": ["complaint"] }, "cool_down_days": 0, "cool_down_across_days": 0
        });
        let created =
            admin(&app).post("/api/v1/survey-triggers").json(&new).send().await.expect(201);
        assert_eq!(
            (&created.body["expires_days"], &created.body["enabled"]),
            (&json!(14), &json!(true))
        );
        let closed = |ticket| TicketClosed { ticket, reason: "confirmed".into() };
        app.deliver(closed(ticket(&app))).await;
        app.deliver(closed(TicketSnapshot { tier: None, ..ticket(&app) })).await;
        app.deliver(closed(TicketSnapshot { org: "/acme/south".into(), ..ticket(&app) })).await;
        assert_eq!(invitations(&app).await.len(), 2);

        for (change, pointer) in [
            (json!({ "expires_days": 0 }), "/expires_days"),
            (json!({ "survey_id": Uuid::nil() }), "/survey_id"),
            (json!({ "low_score": { "question": "comment", "max": 2 } }), "/low_score/question"),
            (json!({ "org": "/other" }), "/org"),
        ] {
            let mut bad = new.clone();
            bad.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let refused = admin(&app)
                .post("/api/v1/survey-triggers")
                .json(&bad)
                .send()
                .await
                .expect_problem(422, "invalid");
            assert_eq!(refused.problem_pointers(), [pointer]);
        }
        admin(&app)
            .delete(&url)
            .if_match(9)
            .send()
            .await
            .expect_problem(412, "precondition-failed")
            .done();
        admin(&app).delete(&url).if_match(1).send().await.expect(204).done();
        app.deliver(resolved(&ticket(&app))).await;
        assert_eq!(invitations(&app).await.len(), 2, "deleted, and not made again");
    }
}

fn notice(ticket: &TicketSnapshot, cause_id: Uuid) -> Notice {
    Notice {
        delivery_id: kernel::new_id(),
        org: ticket.org.clone(),
        workflow: "survey_invitation".into(),
        channel: "email".into(),
        recipient_kind: "customer".into(),
        recipient: ticket.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        customer_id: ticket.customer_id,
        ticket_id: Some(ticket.ticket_id),
        cause_id,
    }
}

#[tokio::test]
async fn what_becomes_of_an_invitation_is_heard_from_notification() {
    for app in apps().await {
        let (a, b, c) = (ticket(&app), ticket(&app), ticket(&app));
        for ticket in [&a, &b, &c] {
            invite(&app, ticket).await;
        }
        let emitted = app.emitted().await;
        let causes: Vec<Uuid> =
            emitted.iter().filter(|e| e.is::<SurveyInvited>()).map(|e| e.id).collect();
        app.deliver(NoticeDelivered {
            notice: notice(&a, causes[0]),
            attempts: 1,
            delivered_at: app.clock.now(),
        })
        .await;
        app.deliver(NoticeFailed {
            notice: notice(&b, causes[1]),
            attempts: 5,
            error: "550 anna@example.com".into(),
        })
        .await;
        app.deliver(NoticeSuppressed { notice: notice(&c, causes[2]), reason: "opted_out".into() })
            .await;
        // About something else: nothing to do with surveys.
        app.deliver(NoticeFailed {
            notice: notice(&a, kernel::new_id()),
            attempts: 5,
            error: "x".into(),
        })
        .await;
        let state = async |t: &TicketSnapshot| {
            let url = format!("/api/v1/invitations?ticket_id={}", t.ticket_id);
            admin(&app).get(&url).send().await.expect(200).body["items"][0].clone()
        };
        assert!(
            state(&a).await["delivered_at"].is_string() && state(&a).await["bounced_at"].is_null()
        );
        assert_eq!(state(&b).await["bounce_reason"], "failed");
        assert_eq!(state(&c).await["bounce_reason"], "opted_out");
        app.clock.advance(TimeDelta::days(30));
        app.deliver(resolved(&TicketSnapshot { customer_id: c.customer_id, ..ticket(&app) })).await;
        assert_eq!(skips(&app).await, ["opted_out"]);
    }
}
