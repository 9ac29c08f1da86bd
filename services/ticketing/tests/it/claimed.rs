//! Who works on a ticket that somebody has claimed; what lowering it takes.

use serde_json::{Value, json};
use testkit::{Client, Reply, TestApp};
use uuid::Uuid;

use crate::support::{
    act, admin, advance, agent, configure, hear, history, lead, matter, now, on_every_database,
    open, policy, read, time, timer, told,
};

/// What only those who work on a ticket may do, with a body that would be accepted.
fn work() -> Vec<(&'static str, Value)> {
    let note = json!({ "direction": "internal", "body": "x", "then_status": "pending" });
    vec![
        ("articles", json!({ "direction": "outbound", "body": "已经给您退款" })),
        ("articles", note),
        ("pending", json!({})),
        ("hold", json!({})),
        ("resume", json!({})),
        ("resolve", json!({ "resolution": "x" })),
        ("close", json!({})),
        ("reopen", json!({ "reason": "x" })),
        ("cancel", json!({ "reason": "x" })),
        ("transfer", json!({ "queue": "general", "reason": "x" })),
        ("tasks", json!({ "department": "it", "title": "x" })),
    ]
}

async fn patch(client: &Client, id: Uuid, body: Value) -> Reply {
    let version = read(client, id).await.version();
    client.patch(&format!("/api/v1/tickets/{id}")).if_match(version).json(&body).send().await
}

/// A ticket that amy took and bob claimed.
async fn claimed(app: &TestApp, body: &Value) -> Uuid {
    let id = open(&agent(app, "amy"), body).await.id();
    act(&agent(app, "bob"), id, "claim", json!({})).await.expect(200).done();
    id
}

#[tokio::test]
async fn a_colleague_only_leaves_a_note() {
    on_every_database!(async |app| {
        let id = claimed(&app, &matter("complaint", "账单有误")).await;
        let cem = agent(&app, "cem");
        let before = (read(&cem, id).await.body, told(&app, id).await);
        for (action, body) in work() {
            act(&cem, id, action, body).await.expect_problem(403, "not-the-handler").done();
        }
        let priority = json!({ "priority": "low", "reason": "x" });
        patch(&cem, id, priority).await.expect_problem(403, "not-the-handler").done();
        assert_eq!((read(&cem, id).await.body, told(&app, id).await), before);

        // Notes, what the customer says, and urging are everybody's.
        let note = json!({ "direction": "internal", "body": "the customer called me" });
        act(&cem, id, "articles", note).await.expect(201).done();
        hear(&cem, id, "什么时候退款?").await.done();
        act(&cem, id, "urge", json!({})).await.expect(200).done();

        // So is a ticket that nobody has claimed.
        let free = open(&agent(&app, "amy"), &matter("repair", "x")).await.id();
        act(&cem, free, "hold", json!({})).await.expect(200).done();
    });
}

#[tokio::test]
async fn handler_first_responder_and_supervisor_work_on_it() {
    on_every_database!(async |app| {
        let id = claimed(&app, &matter("repair", "x")).await;
        for worker in [agent(&app, "bob"), agent(&app, "amy"), lead(&app)] {
            let answer = json!({ "direction": "outbound", "body": "我们正在核实" });
            act(&worker, id, "articles", answer).await.expect(201).done();
            act(&worker, id, "hold", json!({})).await.expect(200).done();
            act(&worker, id, "resume", json!({})).await.expect(200).done();
        }
        // The department is not the handler, yet ends what it was asked.
        let task = json!({ "department": "it", "title": "check" });
        let task = act(&agent(&app, "bob"), id, "tasks", task).await.expect(201).id();
        let done = format!("tasks/{task}/done");
        act(&agent(&app, "cem"), id, &done, json!({})).await.expect(200).done();
        // Passed on, it is everybody's again.
        let on = json!({ "queue": "general", "reason": "holiday" });
        act(&agent(&app, "bob"), id, "transfer", on).await.expect(200).done();
        act(&agent(&app, "cem"), id, "claim", json!({})).await.expect(200).done();
        // A queue's leader needs no right to assign.
        let queue = json!({ "name": { "zh": "综合受理", "en": "General" }, "supervisor": "dee" });
        configure(&app, "queues/general", 1, &queue).await.done();
        act(&agent(&app, "dee"), id, "hold", json!({})).await.expect(200).done();
    });
}

#[tokio::test]
async fn a_kind_rules_who_else_may() {
    on_every_database!(async |app| {
        let kind = |who: Value| {
            json!({ "name": { "zh": "报修", "en": "Repair" }, "default_priority": "normal",
                "reopen_days": 5, "act_on_claimed": who })
        };
        let id = claimed(&app, &matter("repair", "x")).await;
        let cem = agent(&app, "cem");
        act(&cem, id, "hold", json!({})).await.expect_problem(403, "not-the-handler").done();
        configure(&app, "ticket-kinds/repair", 1, &kind(json!(["team"]))).await.done();
        act(&cem, id, "hold", json!({})).await.expect(200).done();
        let above = app.as_user("eve", &[kernel::Role::Agent], "/acme");
        act(&above, id, "resume", json!({})).await.expect_problem(403, "not-the-handler").done();
        configure(&app, "ticket-kinds/repair", 2, &kind(json!([]))).await.done();
        for other in [agent(&app, "amy"), cem, lead(&app)] {
            act(&other, id, "resume", json!({}))
                .await
                .expect_problem(403, "not-the-handler")
                .done();
        }
        act(&agent(&app, "bob"), id, "resume", json!({})).await.expect(200).done();
        let shown = admin(&app).get("/api/v1/ticket-kinds/repair").send().await.expect(200);
        assert_eq!(shown.body["act_on_claimed"], json!([]));
        let wrong = kind(json!(["team", "anybody"]));
        let put = admin(&app).put("/api/v1/ticket-kinds/repair").if_match(3).json(&wrong);
        let refused = put.send().await.expect_problem(422, "invalid");
        assert_eq!(refused.problem_pointers(), ["/act_on_claimed/1"]);
    });
}

#[tokio::test]
async fn lowering_needs_a_reason_and_a_right() {
    on_every_database!(async |app| {
        let mut grave = matter("complaint", "x");
        grave["complaint_level"] = json!("major");
        let id = claimed(&app, &grave).await;
        let (bob, lea) = (agent(&app, "bob"), lead(&app));
        let lowered = [
            json!({ "priority": "normal" }),
            json!({ "complaint_level": "general" }),
            json!({ "complaint_level": null }),
            json!({ "priority": "urgent", "complaint_level": "general" }),
        ];
        for change in lowered {
            for client in [&bob, &lea] {
                let refused =
                    patch(client, id, change.clone()).await.expect_problem(422, "invalid");
                assert_eq!(refused.problem_pointers(), ["/reason"]);
            }
            let mut told_why = change.clone();
            told_why["reason"] = json!("  ");
            patch(&lea, id, told_why.clone()).await.expect_problem(422, "invalid").done();
            told_why["reason"] = json!("误判");
            patch(&bob, id, told_why).await.expect_problem(403, "lowering-not-allowed").done();
        }
        // Raising needs neither; nor does what changes nothing.
        let raise = json!({ "priority": "urgent", "complaint_level": "critical" });
        patch(&bob, id, raise.clone()).await.expect(200).done();
        patch(&bob, id, raise).await.expect(200).done();
        let lower = json!({ "priority": "high", "complaint_level": "general", "reason": "误判" });
        let done = patch(&lea, id, lower).await.expect(200);
        assert_eq!(
            (&done.body["priority"], &done.body["complaint_level"]),
            (&json!("high"), &json!("general"))
        );
        let rows = lea.get(&format!("/api/v1/tickets/{id}/history?limit=200")).send().await;
        let rows = rows.expect(200).body["items"].as_array().unwrap().clone();
        let row = rows.iter().rfind(|row| row["field"] == "priority").unwrap();
        assert_eq!((&row["actor"], &row["reason"]), (&json!("lea"), &json!("误判")));
    });
}

#[tokio::test]
async fn cancelling_a_complaint_with_a_level_needs_the_right_to_lower() {
    on_every_database!(async |app| {
        let mut grave = matter("complaint", "x");
        grave["complaint_level"] = json!("critical");
        let (amy, cem, lea) = (agent(&app, "amy"), agent(&app, "cem"), lead(&app));
        let why = json!({ "reason": "误判" });
        // Claimed or not, a colleague's or one's own.
        let ids = [open(&amy, &grave).await.id(), claimed(&app, &grave).await];
        for id in ids {
            let before = (read(&lea, id).await.body, told(&app, id).await);
            act(&amy, id, "cancel", why.clone())
                .await
                .expect_problem(403, "cancelling-not-allowed")
                .done();
            assert_eq!((read(&lea, id).await.body, told(&app, id).await), before);
        }
        act(&cem, ids[0], "cancel", why.clone())
            .await
            .expect_problem(403, "cancelling-not-allowed")
            .done();
        for id in ids {
            let done = act(&lea, id, "cancel", why.clone()).await.expect(200);
            assert_eq!(done.body["status"], "cancelled");
        }
        // Final is final, whoever asks; and one without a level is anybody's.
        act(&amy, ids[0], "cancel", why.clone()).await.expect_problem(409, "ticket-final").done();
        let plain = open(&amy, &matter("complaint", "x")).await.id();
        act(&cem, plain, "cancel", why).await.expect(200).done();
    });
}

#[tokio::test]
async fn lowering_does_not_rescue_a_timer_past_its_last_warning() {
    on_every_database!(async |app| {
        let mut urgent = policy("always", json!(10), json!(100));
        urgent["when"] = json!({ "priorities": ["urgent"] });
        configure(&app, "sla-policies/short", 0, &urgent).await.done();
        let lea = lead(&app);
        let low = json!({ "priority": "low", "reason": "the customer says there is no hurry" });
        let mut body = matter("repair", "x");
        body["priority"] = json!("urgent");

        // Past 90 %, and also where it waits: the deadline stays, and it breaks and is told.
        let opened = now(&app);
        let late = claimed(&app, &body).await;
        act(&agent(&app, "bob"), late, "articles", json!({ "direction": "outbound", "body": "x" }))
            .await
            .expect(201)
            .done();
        let paused = claimed(&app, &body).await;
        let early = claimed(&app, &body).await;
        advance(&app, 89);
        assert_eq!(patch(&lea, early, low.clone()).await.expect(200).body["priority"], "low");
        assert_eq!(timer(&lea, early, "resolution").await["policy"], "low", "in time, it moves");
        advance(&app, 1);
        act(&lea, paused, "hold", json!({})).await.expect(200).done();
        advance(&app, 5);
        for id in [late, paused] {
            assert_eq!(patch(&lea, id, low.clone()).await.expect(200).body["priority"], "low");
            assert_eq!(timer(&lea, id, "resolution").await["policy"], "short");
            let kept = "timer.resolution: - → due time kept".to_owned();
            assert!(history(&lea, id).await.contains(&kept));
        }
        let due = time(&timer(&lea, late, "resolution").await["due_at"]);
        assert_eq!(due, opened + chrono::TimeDelta::minutes(100));
        advance(&app, 5);
        act(&lea, paused, "resume", json!({})).await.expect(200).done();
        app.run_jobs().await;
        assert_eq!(timer(&lea, late, "resolution").await["state"], "breached");
        assert!(told(&app, late).await.contains(&"timer_breached".to_owned()));
        let resumed = time(&timer(&lea, paused, "resolution").await["due_at"]);
        assert_eq!(resumed, opened + chrono::TimeDelta::minutes(110), "its pause and no more");
    });
}
