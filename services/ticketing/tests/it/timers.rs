//! Warnings, breaches and escalation: each exactly once, whoever runs the jobs.

use std::collections::BTreeMap;

use serde_json::json;
use testkit::TestApp;

use crate::support::{
    act, advance, agent, answer, at, configure, count, matter, now, on_every_database, open,
    policy, read, resolve, time, timer, timers, told_times,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Events of timers so far as `metric type detail`, with how often each came.
async fn fired(app: &TestApp) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for event in app.emitted().await {
        let Some(metric) = event.data["metric"].as_str() else { continue };
        let detail = ["percent", "level"].iter().find_map(|f| event.data[f].as_i64()).unwrap_or(0);
        let kind = event.ty.split('.').nth(2).unwrap_or_default();
        *all.entry(format!("{metric} {kind} {detail}")).or_insert(0) += 1;
    }
    all
}

fn once(lines: &[&str]) -> BTreeMap<String, usize> {
    lines.iter().map(|line| ((*line).to_owned(), 1)).collect()
}

/// The trace id of the event, from its `traceparent`.
fn trace_of(event: &events::Envelope) -> String {
    let parent = event.trace.traceparent.clone().unwrap_or_default();
    parent.split('-').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn each_step_fires_once_and_in_the_trace_of_the_ticket() {
    on_every_database!(async |app| {
        configure(&app, "sla-policies/short", 0, &policy("always", json!(10), json!(100)))
            .await
            .done();
        let amy = agent(&app, "amy");
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let new = matter("repair", "x");
        let id = amy
            .post("/api/v1/tickets")
            .header("traceparent", &parent)
            .json(&new)
            .send()
            .await
            .expect(201)
            .id();
        app.run_jobs().await;
        assert_eq!(fired(&app).await, once(&[]));
        advance(&app, 5);
        app.run_jobs().await;
        assert_eq!(fired(&app).await, once(&["first_response timer_warned 50"]));
        app.run_jobs().await;
        advance(&app, 4);
        app.run_jobs().await;
        advance(&app, 1);
        app.run_jobs().await;
        let response = [
            "first_response escalated 1",
            "first_response timer_breached 0",
            "first_response timer_warned 50",
            "first_response timer_warned 90",
        ];
        assert_eq!(fired(&app).await, once(&response));
        let ticket = read(&amy, id).await;
        assert_eq!(
            (&ticket.body["breached"], &ticket.body["escalation_level"]),
            (&json!(true), &json!(1))
        );

        // Answered late: the timer stays breached, its last level still counts as owed no more.
        let late = answer(&amy, id, "sorry").await;
        assert_eq!(late.body["ticket"]["response_attained"], false);
        let response_timer = timer(&amy, id, "first_response").await;
        assert_eq!(response_timer["state"], "breached");
        assert_eq!(response_timer["fired"], json!(["breach", "escalate:1", "warn:50", "warn:90"]));

        // The service was down for hours: everything comes at once, in order, and once.
        advance(&app, 600);
        app.run_jobs().await;
        app.run_jobs().await;
        let mut all = response.to_vec();
        all.extend([
            "resolution escalated 1",
            "resolution escalated 3",
            "resolution timer_breached 0",
            "resolution timer_warned 50",
            "resolution timer_warned 90",
        ]);
        assert_eq!(fired(&app).await, once(&all));
        assert_eq!(read(&amy, id).await.body["escalation_level"], 3);
        for event in app.emitted().await.iter().filter(|e| e.data["metric"].is_string()) {
            assert_eq!(trace_of(event), TRACE, "{}", event.ty);
            assert_eq!(event.actor, "system");
        }
        assert_eq!(count(&app, "timer_fire").await, 9);
    });
}

#[tokio::test]
async fn several_runners_fire_each_step_once() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let mut ids = vec![];
        for n in 0..10 {
            ids.push(open(&amy, &matter("repair", &format!("t{n}"))).await.id());
        }
        advance(&app, 100_000);
        tokio::join!(app.run_jobs(), app.run_jobs(), app.run_jobs(), app.run_jobs());
        app.run_jobs().await;
        for id in ids {
            assert_eq!(told_times(&app, id, "timer_warned").await, 6);
            assert_eq!(told_times(&app, id, "timer_breached").await, 2);
            assert_eq!(told_times(&app, id, "escalated").await, 6);
        }
        assert_eq!(count(&app, "timer_fire").await, 140);
    });
}

#[tokio::test]
async fn who_acts_does_not_overtake_a_deadline() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("repair", "x")).await.id();
        // No job ran, yet the deadline of four hours has passed when the agent answers.
        advance(&app, 241);
        let reply = answer(&amy, id, "hello").await;
        assert_eq!(reply.body["ticket"]["response_attained"], false);
        assert_eq!(reply.body["ticket"]["breached"], true);
        assert_eq!(told_times(&app, id, "timer_breached").await, 1);
        // Answered in the very second of the deadline, it is breached; a second before, it is met.
        let second = open(&amy, &matter("repair", "y")).await.id();
        advance(&app, 239);
        assert_eq!(answer(&amy, second, "hello").await.body["ticket"]["response_attained"], true);
        app.run_jobs().await;
        assert_eq!(told_times(&app, second, "timer_breached").await, 0);
    });
}

#[tokio::test]
async fn a_paused_timer_is_silent_and_reopening_starts_the_next_cycle() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("repair", "x")).await.id();
        answer(&amy, id, "hello").await.done();
        act(&amy, id, "hold", json!({ "reason": "part ordered" })).await.expect(200).done();
        advance(&app, 5_000);
        app.run_jobs().await;
        assert_eq!(told_times(&app, id, "timer_warned").await, 0);
        act(&amy, id, "resume", json!({})).await.expect(200).done();
        resolve(&amy, id).await.done();
        advance(&app, 60);
        let reopened =
            act(&amy, id, "reopen", json!({ "reason": "still broken" })).await.expect(200);
        assert_eq!(
            (&reopened.body["reopen_count"], &reopened.body["resolved_at"]),
            (&json!(1), &json!(null))
        );
        let all = timers(&amy, id).await;
        let cycles: Vec<_> = all
            .iter()
            .map(|t| {
                (
                    t["metric"].as_str().unwrap(),
                    t["cycle"].as_i64().unwrap(),
                    t["state"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            cycles,
            [("first_response", 1, "met"), ("resolution", 1, "met"), ("resolution", 2, "running")]
        );
        assert_eq!(time(&all[2]["started_at"]), now(&app));
        // Cancelled: nothing fires any more.
        act(&amy, id, "cancel", json!({})).await.expect(200).done();
        advance(&app, 50_000);
        app.run_jobs().await;
        assert_eq!(told_times(&app, id, "timer_warned").await, 0);
    });
}

#[tokio::test]
async fn another_priority_brings_another_policy_back_to_the_start() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let patch = async |id, priority: &str| {
            let version = read(&amy, id).await.version();
            let path = format!("/api/v1/tickets/{id}");
            amy.patch(&path)
                .if_match(version)
                .json(&json!({ "priority": priority }))
                .send()
                .await
                .expect(200)
        };
        let opened = now(&app);
        let id = open(&amy, &matter("repair", "x")).await.id();
        advance(&app, 10);
        act(&amy, id, "pending", json!({})).await.expect(200).done();
        advance(&app, 30);
        act(&amy, id, "resume", json!({})).await.expect(200).done();
        assert_eq!(patch(id, "high").await.body["priority"], "high");
        let resolution = timer(&amy, id, "resolution").await;
        assert_eq!(
            (&resolution["policy"], time(&resolution["started_at"])),
            (&json!("high"), opened)
        );
        assert_eq!(
            time(&resolution["due_at"]),
            opened + chrono::TimeDelta::minutes(480 + 30),
            "the pause is kept"
        );
        assert_eq!(timer(&amy, id, "first_response").await["policy"], "high");

        // Under the new terms both deadlines have long passed: recorded, and nobody is told.
        advance(&app, 600);
        let before = app.emitted().await.len();
        let mut low = matter("repair", "y");
        low["priority"] = json!("low");
        let slow = open(&amy, &low).await.id();
        advance(&app, 400);
        let changed = patch(slow, "urgent").await;
        assert_eq!(changed.body["breached"], true);
        app.run_jobs().await;
        for metric in ["first_response", "resolution"] {
            let t = timer(&amy, slow, metric).await;
            assert_eq!(
                (&t["state"], &t["policy"]),
                (&json!("breached"), &json!("urgent")),
                "{metric}"
            );
        }
        assert_eq!(told_times(&app, slow, "timer_breached").await, 0);
        assert_eq!(
            told_times(&app, slow, "timer_warned").await,
            2,
            "of the former terms: half and three quarters of eight hours"
        );
        assert!(app.emitted().await.len() > before);
        // Saved without a difference, nothing happens.
        let version = read(&amy, slow).await.version();
        assert_eq!(patch(slow, "urgent").await.version(), version);
    });
}

#[tokio::test]
async fn timers_keep_the_calendar_they_started_with() {
    on_every_database!(async |app| {
        configure(&app, "sla-policies/day", 0, &policy("weekdays", json!(60), json!(120)))
            .await
            .done();
        app.clock.set(at("2026-03-06T09:00:00Z"));
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("repair", "x")).await.id();
        let spec = json!({ "name": { "zh": "工作日", "en": "Weekdays" },
            "spec": { "zone": "Asia/Shanghai", "week": { "mon": ["13:00-18:00"] } } });
        configure(&app, "calendars/weekdays", 1, &spec).await.done();
        let pause = act(&amy, id, "hold", json!({})).await.expect(200);
        assert_eq!(pause.body["status"], "on_hold");
        act(&amy, id, "resume", json!({})).await.expect(200).done();
        assert_eq!(
            time(&timer(&amy, id, "resolution").await["due_at"]),
            at("2026-03-09T02:00:00Z")
        );
        let later = open(&amy, &matter("repair", "y")).await.id();
        let own = timer(&amy, later, "resolution").await;
        assert_eq!(
            (own["calendar_version"].as_i64(), time(&own["due_at"])),
            (Some(2), at("2026-03-09T07:00:00Z"))
        );
    });
}
