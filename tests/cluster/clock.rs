//! Both replicas of ticketing live in another hour: deadlines are met all the same, neither early nor
//! late, and tokens are believed.

use std::time::{Duration, Instant};

use kefu_tests::cluster::{Cluster, get};
use reqwest::Method;
use serde_json::json;

const PROCESSES: [(&str, &str, f64); 2] =
    [("ticketing", "+1h", 3600.0), ("ticketing-2", "-1h", -3600.0)];

pub async fn an_hour_off(cluster: &Cluster) {
    let begun = Instant::now();
    let admin = cluster.user("admin", 0).await;
    // Within the hour that the clocks are off, and within seconds.
    let policy = json!({
        "name": { "zh": "限时", "en": "Quick" }, "order": 1, "exclusive": true, "when": { "kinds": ["repair"] }, "calendar": "always",
        "first_response_minutes": 30, "resolution_minutes": 0.1, "warn_percents": [50], "escalations": [],
    });
    let request = admin.request(Method::PUT, "/api/v1/sla-policies/quick");
    let answer = admin.send(request.header("if-match", "\"0\"").json(&policy)).await;
    assert!(answer.status < 300, "{}", answer.text);

    for (name, time, _) in PROCESSES {
        cluster.terminate(name).unwrap();
        // Timed waits of the broker's library do not end under the preloaded one: the shutdown takes
        // all of its grace time.
        let life = [("KEFU_FAKETIME", time), ("KEFU__SHUTDOWN__GRACE_SECS", "3")];
        cluster.start_service(name, &life).unwrap();
    }
    for (replica, (name, _, off)) in PROCESSES.into_iter().enumerate() {
        cluster.wait_ready(name, Duration::from_secs(60)).unwrap();
        let url = cluster.urls(replica).service("ticketing").to_owned();
        let metrics = get(&(url + "/metrics"), Duration::from_secs(10)).unwrap().1;
        let gauge = metrics.lines().find_map(|l| l.strip_prefix("kefu_clock_offset_seconds "));
        let told: f64 = gauge.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap();
        assert!((told - off).abs() < 2.0, "{name} is {off} off and says {told}");
        let agent = cluster.user("admin", replica).await;
        let ticket = json!({ "kind": "repair", "subject": format!("at {name}"), "channel": "api" });
        let body = agent.post("/api/v1/tickets", ticket).await.expect(201);
        let opened: chrono::DateTime<chrono::Utc> =
            body["opened_at"].as_str().unwrap_or_else(|| panic!("{body}")).parse().unwrap();
        let error = (opened - kefu_tests::now()).abs();
        assert!(error < chrono::TimeDelta::seconds(10), "{name}: opened {error} off");
    }
    let fired = "select count(*) from timer_fire f join timer t on t.id = f.timer_id where metric = 'resolution'";
    kefu_tests::eventually(
        "the resolution's steps have fired",
        Duration::from_secs(30),
        || async { (cluster.count("ticketing", fired) == 4).then_some(()) },
    )
    .await;
    let early = "select count(*) from timer_fire where fired_at < planned_at or planned_at > clock_timestamp()";
    assert_eq!(cluster.count("ticketing", early), 0, "fired early");
    let late = "select count(*) from timer_fire where fired_at > planned_at + interval '10 s'";
    assert_eq!(cluster.count("ticketing", late), 0, "fired late");
    let half_an_hour = "select count(*) from timer_fire f join timer t on t.id = f.timer_id where metric = 'first_response'";
    assert_eq!(cluster.count("ticketing", half_an_hour), 0, "fired an hour early");
    for (name, ..) in PROCESSES {
        let log = std::fs::read_to_string(cluster.log_of(name)).unwrap();
        assert!(log.contains("the clock was off"), "{name} says nothing about its clock");
        cluster.terminate(name).unwrap();
        cluster.start_service(name, &[]).unwrap();
        cluster.wait_ready(name, Duration::from_secs(60)).unwrap();
    }
    println!("clock: {:.1?}", begun.elapsed());
}
