//! Several policies that fit one ticket.

use contracts::{customer::CustomerRegistered, ticketing::TimerWarned};
use serde_json::{Value, json};
use testkit::TestApp;
use uuid::Uuid;

use crate::support::{
    act, advance, agent, configure, customer, now, on_every_database, open, read, time, timer,
};

/// A complaint of a key account.
async fn key_account(app: &TestApp, priority: &str) -> Uuid {
    let customer = customer(Some("vip"));
    let id = customer.customer_id;
    app.deliver(CustomerRegistered { customer }).await;
    let new =
        json!({ "kind": "complaint", "subject": "x", "priority": priority, "customer_id": id });
    open(&agent(app, "amy"), &new).await.id()
}

fn keys(timer: &Value) -> Vec<&str> {
    timer["policies"].as_array().unwrap().iter().map(|p| p["key"].as_str().unwrap()).collect()
}

/// Warns of complaints of key accounts at one more share, and says nothing else.
fn warns_at(percent: u32) -> Value {
    json!({
        "name": { "zh": "重点客户投诉", "en": "Complaints of key accounts" }, "order": 5, "calendar": "always",
        "when": { "tiers": ["vip"], "kinds": ["complaint"] }, "warn_percents": [percent],
    })
}

#[tokio::test]
async fn the_strictest_target_of_all_that_fit_counts() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        for (priority, response, resolution) in [
            ("urgent", (15, "urgent"), (240, "urgent")),
            ("high", (30, "vip"), (480, "vip")),
            ("low", (30, "vip"), (480, "vip")),
        ] {
            let id = key_account(&app, priority).await;
            for (metric, (minutes, by)) in
                [("first_response", response), ("resolution", resolution)]
            {
                let timer = timer(&amy, id, metric).await;
                let due = now(&app) + chrono::TimeDelta::minutes(minutes);
                assert_eq!(
                    (time(&timer["due_at"]), &timer["policy"]),
                    (due, &json!(by)),
                    "{priority}"
                );
                let mut all = keys(&timer);
                assert_eq!(all[0], by);
                all.sort_unstable();
                let mut both = [priority, "vip"];
                both.sort_unstable();
                assert_eq!(all, both);
            }
        }
        // Unless the enterprise orders that one shall stand.
        let vip = json!({
            "name": { "zh": "重点客户", "en": "Key accounts" }, "order": 10, "exclusive": true, "calendar": "always",
            "when": { "tiers": ["vip"] }, "first_response_minutes": 20, "resolution_minutes": 600,
        });
        assert_eq!(configure(&app, "sla-policies/vip", 1, &vip).await.body["exclusive"], true);
        let id = key_account(&app, "urgent").await;
        let response = timer(&amy, id, "first_response").await;
        assert_eq!((&response["target_seconds"], keys(&response)), (&json!(1200.0), vec!["vip"]));
    });
}

#[tokio::test]
async fn one_more_policy_adds_a_warning_and_timers_keep_what_they_started_with() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        configure(&app, "sla-policies/vip-complaints", 0, &warns_at(60)).await.done();
        let id = key_account(&app, "urgent").await;
        let pinned = timer(&amy, id, "resolution").await;
        assert_eq!(keys(&pinned), ["urgent", "vip-complaints", "vip"]);
        assert_eq!(pinned["policies"][1]["version"], 1);
        assert_eq!(pinned["target_seconds"], 240.0 * 60.0, "it has no target of its own");

        configure(&app, "sla-policies/vip-complaints", 1, &warns_at(65)).await.done();
        // Paused and resumed it is computed anew, by what it started with.
        act(&amy, id, "hold", json!({})).await.expect(200).done();
        act(&amy, id, "resume", json!({})).await.expect(200).done();
        assert_eq!(timer(&amy, id, "resolution").await["policies"], pinned["policies"]);
        advance(&app, 239);
        app.run_jobs().await;
        let warned = async || -> Vec<i32> {
            let all = app.emitted_of::<TimerWarned>().await;
            let of = |t: &TimerWarned| t.ticket.ticket_id == id && t.metric == "resolution";
            all.iter().filter(|t| of(t)).map(|t| t.percent).collect()
        };
        assert_eq!(warned().await, [50, 60, 75, 90]);

        let next = key_account(&app, "high").await;
        let fresh = timer(&amy, next, "resolution").await;
        assert_eq!(fresh["policies"][1], json!({ "key": "vip-complaints", "version": 2 }));
        // Chosen anew, the policies that fit now count, and their present versions.
        let path = format!("/api/v1/tickets/{next}");
        let version = read(&amy, next).await.version();
        let urgent = json!({ "priority": "urgent" });
        amy.patch(&path).if_match(version).json(&urgent).send().await.expect(200).done();
        let chosen = timer(&amy, next, "resolution").await;
        assert_eq!(keys(&chosen), ["urgent", "vip-complaints", "vip"]);
        // A former version of the program, running beside this one, knows of one policy only.
        let chosen_there =
            "UPDATE timer SET policy = 'low', policy_version = 1 WHERE ticket_id = $1";
        store::sql::execute(&app.db, chosen_there, vec![next.into()]).await.unwrap();
        assert_eq!(keys(&timer(&amy, next, "resolution").await), ["low"]);
    });
}

#[tokio::test]
async fn of_targets_on_different_calendars_the_one_due_first_is_the_strictest() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let hours = json!({
            "name": { "zh": "工作时间", "en": "Office hours" }, "order": 50, "calendar": "weekdays",
            "when": { "kinds": ["repair"] }, "first_response_minutes": 120,
        });
        configure(&app, "sla-policies/hours", 0, &hours).await.done();
        let new = json!({ "kind": "repair", "subject": "x" });
        // Monday morning two office hours end before four hours round the clock, on Friday evening
        // they do not.
        for (at, by) in [("2026-03-02T02:00:00Z", "hours"), ("2026-03-06T09:30:00Z", "normal")] {
            app.clock.set(at.parse().unwrap());
            let id = open(&amy, &new).await.id();
            let response = timer(&amy, id, "first_response").await;
            assert_eq!(response["policy"], by, "{at}");
        }
    });
}
