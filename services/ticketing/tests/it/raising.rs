//! Urges, repeated complaints, key accounts.

use contracts::{customer::CustomerRegistered, ticketing::TicketEscalated};
use serde_json::{Value, json};

use crate::support::{
    act, advance, agent, answer, customer, customer_changes, known_customer, matter, now,
    on_every_database, open, read, time, timer, told, told_times,
};

#[tokio::test]
async fn the_second_urge_within_a_day_raises() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("demand", "x")).await.id();
        answer(&amy, id, "noted").await.done();
        let urge =
            async || act(&amy, id, "urge", json!({ "note": "快一点" })).await.expect(200).body;
        let what = |t: &Value| {
            (
                t["urge_count"].as_i64().unwrap(),
                t["priority"].as_str().unwrap().to_owned(),
                t["escalation_level"].as_i64().unwrap(),
            )
        };
        assert_eq!(what(&urge().await), (1, "low".into(), 0));
        advance(&app, 24 * 60 + 1);
        assert_eq!(
            what(&urge().await),
            (2, "low".into(), 0),
            "the first one is more than a day old"
        );
        advance(&app, 24 * 60);
        let raised = urge().await;
        assert_eq!(what(&raised), (3, "normal".into(), 1));
        // The day that the new priority allows has passed: recorded, and nobody is told.
        assert_eq!(raised["breached"], true);
        app.run_jobs().await;
        assert_eq!(
            (told_times(&app, id, "escalated").await, told_times(&app, id, "timer_breached").await),
            (1, 0)
        );

        let second = open(&amy, &matter("repair", "y")).await.id();
        act(&amy, second, "urge", json!({})).await.expect(200).done();
        advance(&app, 30);
        let raised = act(&amy, second, "urge", json!({})).await.expect(200).body;
        assert_eq!(what(&raised), (2, "high".into(), 1));
        assert_eq!(timer(&amy, second, "resolution").await["policy"], "high");
        assert_eq!(told(&app, second).await, ["opened", "urged", "changed", "escalated", "urged"]);
        for expected in [(3, "urgent", 2), (4, "urgent", 3), (5, "urgent", 3)] {
            let raised = act(&amy, second, "urge", json!({})).await.expect(200).body;
            assert_eq!(what(&raised), (expected.0, expected.1.to_owned(), expected.2));
        }
        let levels: Vec<_> = app
            .emitted_of::<TicketEscalated>()
            .await
            .into_iter()
            .filter(|e| e.ticket.ticket_id == second)
            .map(|e| (e.level, e.target, e.reason))
            .collect();
        let expected = [(1, "supervisor"), (2, "department_head"), (3, "director")];
        assert_eq!(
            levels,
            expected.map(|(level, target)| (level, target.to_owned(), "urged".to_owned()))
        );
    });
}

#[tokio::test]
async fn urges_at_the_same_time_all_count_and_a_repeated_request_does_not() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("repair", "x")).await.id();
        let urge = |key: &str| {
            amy.post(&format!("/api/v1/tickets/{id}/urge"))
                .header("idempotency-key", key)
                .json(&json!({}))
                .send()
        };
        for _ in 0..3 {
            urge("same").await.expect(200).done();
        }
        assert_eq!(read(&amy, id).await.body["urge_count"], 1);
        let keys: Vec<String> = (0..6).map(|n| format!("k{n}")).collect();
        let all = futures::future::join_all(keys.iter().map(|key| urge(key))).await;
        assert!(all.iter().all(|r| r.status == 200));
        let ticket = read(&amy, id).await.body;
        assert_eq!((&ticket["urge_count"], &ticket["escalation_level"]), (&json!(7), &json!(3)));
    });
}

#[tokio::test]
async fn a_repeated_complaint_is_linked_and_escalated_at_once() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let (who, other) = (known_customer(&app).await, known_customer(&app).await);
        let complaint = |customer: uuid::Uuid, category: &str| json!({ "kind": "complaint", "subject": "又漏水", "category": category, "customer_id": customer });
        let first = open(&amy, &complaint(who, "leak")).await;
        assert_eq!(
            (&first.body["repeat_of"], &first.body["escalation_level"]),
            (&Value::Null, &json!(0))
        );
        advance(&app, 7 * 24 * 60);
        let mut repair = complaint(who, "leak");
        repair["kind"] = json!("repair");
        for no_repeat in [complaint(other, "leak"), complaint(who, "noise"), repair] {
            assert_eq!(open(&amy, &no_repeat).await.body["repeat_of"], Value::Null, "{no_repeat}");
        }
        let again = open(&amy, &complaint(who, "leak")).await;
        assert_eq!(
            (again.body["repeat_of"].clone(), &again.body["escalation_level"]),
            (first.body["id"].clone(), &json!(1))
        );
        assert_eq!(told(&app, again.id()).await, ["opened", "escalated"]);
        let event = app.emitted_of::<TicketEscalated>().await.pop().unwrap();
        assert_eq!((event.reason.as_str(), event.target.as_str()), ("repeat", "supervisor"));
        // One that was cancelled is none, and a week later it is a new matter.
        act(&amy, again.id(), "cancel", json!({})).await.expect(200).done();
        advance(&app, 1);
        assert_eq!(open(&amy, &complaint(who, "leak")).await.body["repeat_of"], Value::Null);
    });
}

#[tokio::test]
async fn a_new_tier_reaches_the_tickets_that_are_worked_on() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let mut known = customer(None);
        app.deliver(CustomerRegistered { customer: known.clone() }).await;
        let new = json!({ "kind": "repair", "subject": "x", "customer_id": known.customer_id });
        let opened = now(&app);
        let id = open(&amy, &new).await.id();
        let cancelled = open(&amy, &new).await.id();
        act(&amy, cancelled, "cancel", json!({})).await.expect(200).done();
        advance(&app, 10);
        known.tier = Some("vip".into());
        known.account_manager = Some("max".into());
        known.version = 3;
        customer_changes(&app, known.clone()).await;
        let ticket = read(&amy, id).await;
        assert_eq!(
            (&ticket.body["tier"], &ticket.body["account_manager"]),
            (&json!("vip"), &json!("max"))
        );
        let resolution = timer(&amy, id, "resolution").await;
        assert_eq!(
            (&resolution["policy"], time(&resolution["due_at"])),
            (&json!("vip"), opened + chrono::TimeDelta::hours(8))
        );
        assert_eq!(told(&app, id).await, ["opened", "changed"]);
        assert_eq!(read(&amy, cancelled).await.body["tier"], Value::Null);
        // An older word changes nothing, nor does the same one again.
        let mut old = known.clone();
        (old.version, old.tier) = (2, Some("basic".into()));
        customer_changes(&app, old).await;
        known.version = 4;
        customer_changes(&app, known.clone()).await;
        assert_eq!(read(&amy, id).await.version(), ticket.version());
        let next = open(&amy, &new).await;
        assert_eq!(
            (&next.body["tier"], &timer(&amy, next.id(), "resolution").await["policy"]),
            (&json!("vip"), &json!("vip"))
        );
        // The standard of a tier may name its policy.
        (known.version, known.tier) = (5, Some("basic".into()));
        known.standard.as_mut().unwrap().sla_policy = Some("low".into());
        customer_changes(&app, known).await;
        assert_eq!(
            timer(&amy, id, "resolution").await["policy"],
            "normal",
            "`low` is for low priority only"
        );
    });
}
