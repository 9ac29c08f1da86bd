//! From opening to closing, and what timers make of it.

use contracts::ticketing::{TicketOpened, TicketReplied};
use kernel::Permission;
use serde_json::json;

use crate::support::{
    act, advance, agent, answer, at, configure, count, hear, history, lead, matter, now,
    on_every_database, open, policy, read, resolve, time, timer, told,
};

#[tokio::test]
async fn a_matter_is_taken_answered_resolved_and_closed() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let new = json!({ "kind": "complaint", "subject": "账单有误", "body": "多扣了 30 元", "channel": "phone",
            "complaint_level": "major", "category": "billing" });
        let opened = open(&amy, &new).await;
        let id = opened.id();
        assert_eq!(opened.header("location"), Some(format!("/api/v1/tickets/{id}").as_str()));
        assert_eq!(opened.body["number"], "T2026-000001");
        assert_eq!(opened.body["status"], "new");
        assert_eq!(opened.body["priority"], "high");
        assert_eq!(opened.body["queue"], "general");
        assert_eq!(opened.body["first_responder"], "amy");
        assert_eq!(opened.body["handler"], json!(null));
        assert_eq!(app.emitted_of::<TicketOpened>().await[0].ticket.number, "T2026-000001");

        let claimed = act(&agent(&app, "bob"), id, "claim", json!({})).await.expect(200);
        assert_eq!(
            (&claimed.body["status"], &claimed.body["handler"]),
            (&json!("open"), &json!("bob"))
        );
        assert_eq!(claimed.body["first_responder"], "amy", "set once, for good");
        act(&amy, id, "claim", json!({})).await.expect_problem(409, "already-claimed").done();

        act(&lead(&app), id, "assign", json!({ "handler": "cem", "reason": "expert" }))
            .await
            .expect(200)
            .done();
        answer(&agent(&app, "cem"), id, "我们正在核实").await.done();
        let done = resolve(&agent(&app, "cem"), id).await;
        assert_eq!(done.body["first_responder"], "amy");
        assert_eq!(done.body["resolution_attained"], true);
        assert_eq!(done.body["response_attained"], true);
        let closed = act(&amy, id, "close", json!({ "reason": "confirmed" })).await.expect(200);
        assert_eq!(closed.body["status"], "closed");
        assert_eq!(time(&closed.body["closed_at"]), now(&app));
        let expected =
            ["opened", "assigned", "status_changed", "assigned", "replied", "resolved", "closed"];
        assert_eq!(told(&app, id).await, expected);
        let history = history(&amy, id).await;
        for line in [
            "opened: - → T2026-000001",
            "status: new → open",
            "handler: bob → cem",
            "status: resolved → closed",
        ] {
            assert!(history.iter().any(|h| h == line), "{line} is missing in {history:#?}");
        }
    });
}

#[tokio::test]
async fn nothing_changes_a_final_ticket() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        for how in ["closed", "cancelled"] {
            let id = open(&amy, &matter("repair", how)).await.id();
            if how == "closed" {
                resolve(&amy, id).await.done();
                act(&amy, id, "close", json!({})).await.expect(200).done();
            } else {
                act(&amy, id, "cancel", json!({ "reason": "wrong number" }))
                    .await
                    .expect(200)
                    .done();
            }
            let before = read(&amy, id).await;
            let note = json!({ "direction": "internal", "body": "x" });
            let reply = json!({ "direction": "outbound", "body": "x" });
            for (action, body) in [
                ("claim", json!({})),
                ("pending", json!({})),
                ("hold", json!({})),
                ("resume", json!({})),
                ("resolve", json!({ "resolution": "x" })),
                ("close", json!({})),
                ("reopen", json!({ "reason": "x" })),
                ("cancel", json!({})),
                ("urge", json!({})),
                ("transfer", json!({ "queue": "general", "reason": "x" })),
                ("articles", note),
                ("articles", reply),
                ("tasks", json!({ "department": "it", "title": "x" })),
            ] {
                act(&amy, id, action, body).await.expect_problem(409, "ticket-final").done();
            }
            act(&lead(&app), id, "assign", json!({ "handler": "bob" }))
                .await
                .expect_problem(409, "ticket-final")
                .done();
            let path = format!("/api/v1/tickets/{id}");
            let patch = amy
                .patch(&path)
                .if_match(before.version())
                .json(&json!({ "subject": "y" }))
                .send()
                .await;
            patch.expect_problem(409, "ticket-final").done();
            assert_eq!(read(&amy, id).await.body, before.body);
        }
    });
}

#[tokio::test]
async fn the_same_request_opens_one_ticket() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let send = async |subject: &str| {
            let body = matter("repair", subject);
            amy.post("/api/v1/tickets").header("idempotency-key", "k-1").json(&body).send().await
        };
        let first = send("a").await.expect(201);
        let again = send("a").await.expect(201);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(
            (again.id(), again.version(), again.header("location")),
            (first.id(), 1, first.header("location"))
        );
        send("b").await.expect_problem(422, "idempotency-key-reused").done();
        assert_eq!(
            (count(&app, "ticket").await, app.emitted_of::<TicketOpened>().await.len()),
            (1, 1)
        );
    });
}

#[tokio::test]
async fn a_message_never_opens_two_tickets() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        open(&amy, &matter("repair", "the configuration is there now")).await.done();
        let new = json!({ "kind": "repair", "subject": "s", "channel": "email", "external_ref": "<m1@x>" });
        let statuses = futures::future::join_all(
            (0..8).map(|_| amy.post("/api/v1/tickets").json(&new).send()),
        )
        .await;
        assert_eq!(statuses.iter().filter(|r| r.status == 201).count(), 1);
        for refused in statuses.into_iter().filter(|r| r.status != 201) {
            refused.expect_problem(409, "duplicate-external-ref").done();
        }
        let mut phone = new.clone();
        phone["channel"] = json!("phone");
        open(&amy, &phone).await.done();
        let elsewhere = app.as_user("eve", &[kernel::Role::Agent], "/other");
        open(&elsewhere, &new).await.done();
        assert_eq!(count(&app, "ticket").await, 4);
    });
}

#[tokio::test]
async fn only_a_person_is_first_responder_and_gives_the_first_response() {
    on_every_database!(async |app| {
        let partner = app.as_client(
            "crm",
            &[Permission::TicketCreate, Permission::TicketWrite, Permission::TicketRead],
            crate::support::ORG,
        );
        let opened = open(&partner, &matter("repair", "from the CRM")).await;
        let id = opened.id();
        assert_eq!(opened.body["first_responder"], json!(null));
        act(&partner, id, "claim", json!({})).await.expect_problem(403, "forbidden").done();
        answer(&partner, id, "we have your message").await.done();
        assert_eq!(
            timer(&partner, id, "first_response").await["state"],
            "running",
            "automation never counts"
        );
        advance(&app, 10);
        let bob = agent(&app, "bob");
        let written = answer(&bob, id, "hello").await;
        assert_eq!(written.body["ticket"]["first_responder"], "bob");
        assert_eq!(written.body["ticket"]["handler"], "bob");
        assert_eq!(time(&written.body["ticket"]["first_responded_at"]), now(&app));
        let response = timer(&bob, id, "first_response").await;
        assert_eq!((&response["state"], time(&response["ended_at"])), (&json!("met"), now(&app)));
        let first = read(&bob, id).await;
        advance(&app, 10);
        let second = answer(&lead(&app), id, "and more").await;
        for field in ["first_responder", "first_responded_at", "handler"] {
            assert_eq!(second.body["ticket"][field], first.body[field], "{field}");
        }
        let firsts: Vec<bool> =
            app.emitted_of::<TicketReplied>().await.iter().map(|e| e.first_response).collect();
        assert_eq!(firsts, [false, true, false]);
    });
}

#[tokio::test]
async fn an_answer_that_pauses_fulfils_first() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("repair", "which model?")).await.id();
        advance(&app, 20);
        let asks =
            json!({ "direction": "outbound", "body": "which model?", "then_status": "pending" });
        let reply = act(&amy, id, "articles", asks.clone()).await.expect(201);
        assert_eq!(reply.body["ticket"]["status"], "pending");
        assert_eq!(reply.body["ticket"]["status_reason"], "customer");
        assert_eq!(reply.version(), 2, "one save");
        assert_eq!(timer(&amy, id, "first_response").await["state"], "met");
        let paused = timer(&amy, id, "resolution").await;
        assert_eq!(
            (&paused["state"], &paused["due_at"], &paused["next_fire_at"]),
            (&json!("paused"), &json!(null), &json!(null))
        );
        assert_eq!(time(&paused["pauses"][0]["from"]), now(&app));

        // Asked once more, it goes on waiting in the same pause.
        advance(&app, 60);
        let again = act(&amy, id, "articles", asks).await.expect(201);
        assert_eq!(again.body["ticket"]["status"], "pending");
        assert_eq!(timer(&amy, id, "resolution").await["pauses"].as_array().unwrap().len(), 1);

        // The customer's word ends the pause, which does not count.
        advance(&app, 120);
        let heard = hear(&amy, id, "model 7").await;
        assert_eq!(
            (&heard.body["ticket"]["status"], &heard.body["ticket"]["status_reason"]),
            (&json!("open"), &json!(null))
        );
        let running = timer(&amy, id, "resolution").await;
        assert_eq!(running["state"], "running");
        assert_eq!(time(&running["due_at"]), now(&app) + chrono::TimeDelta::minutes(1_440 - 20));
    });
}

#[tokio::test]
async fn a_pause_over_a_weekend_moves_the_deadline_by_business_time_only() {
    on_every_database!(async |app| {
        let by_day = policy("weekdays", json!(null), json!(240));
        configure(&app, "sla-policies/day", 0, &by_day).await.done();
        // Friday 17:00 in Shanghai; an hour is left of the business day.
        app.clock.set(at("2026-03-06T09:00:00Z"));
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("repair", "x")).await.id();
        let due = |t: &serde_json::Value| time(&t["due_at"]);
        assert_eq!(
            due(&timer(&amy, id, "resolution").await),
            at("2026-03-09T04:00:00Z"),
            "Monday 12:00"
        );
        app.clock.set(at("2026-03-06T09:30:00Z"));
        act(&amy, id, "pending", json!({ "kind": "vendor", "reason": "spare part" }))
            .await
            .expect(200)
            .done();
        app.clock.set(at("2026-03-09T02:00:00Z"));
        app.run_jobs().await;
        act(&amy, id, "resume", json!({})).await.expect(200).done();
        // Half an hour on Friday and one on Monday were paused; the weekend counts for nothing.
        let resumed = timer(&amy, id, "resolution").await;
        assert_eq!(due(&resumed), at("2026-03-09T05:30:00Z"), "Monday 13:30");
        assert_eq!(resumed["fired"], json!([]));
        // A second pause keeps the first one's credit; one outside business hours adds nothing.
        app.clock.set(at("2026-03-09T10:00:00Z"));
        act(&amy, id, "hold", json!({})).await.expect(200).done();
        assert_eq!(timer(&amy, id, "resolution").await["state"], "breached");
    });
}

#[tokio::test]
async fn pauses_outside_business_hours_add_nothing() {
    on_every_database!(async |app| {
        configure(&app, "sla-policies/day", 0, &policy("weekdays", json!(null), json!(600)))
            .await
            .done();
        app.clock.set(at("2026-03-06T09:00:00Z"));
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("repair", "x")).await.id();
        let before = timer(&amy, id, "resolution").await["due_at"].clone();
        for (from, to) in
            [("06T10:00", "07T03:00"), ("07T04:00", "08T05:00"), ("08T06:00", "09T01:00")]
        {
            app.clock.set(at(&format!("2026-03-{from}:00Z")));
            act(&amy, id, "hold", json!({})).await.expect(200).done();
            app.clock.set(at(&format!("2026-03-{to}:00Z")));
            act(&amy, id, "resume", json!({})).await.expect(200).done();
        }
        let after = timer(&amy, id, "resolution").await;
        assert_eq!(after["due_at"], before);
        assert_eq!(after["pauses"].as_array().unwrap().len(), 3);
    });
}
