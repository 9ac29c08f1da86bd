//! The monthly report equals what is counted by hand, and stays as it was published.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use contracts::{
    quality::ReportPublished,
    ticketing::{TicketOpened, TicketSnapshot},
};
use kernel::Clock;
use serde_json::{Value, json};

use crate::fixtures::{
    agent, answered, at, director, evaluated, inspector, on_every_database, resolved, supervisor,
    ticket,
};

/// Value, numerator, denominator.
type Figure = (Option<f64>, Option<f64>, Option<f64>);

fn figures(report: &Value) -> BTreeMap<String, Figure> {
    let figure = |f: &Value| {
        let key = f["key"].as_str().unwrap().to_owned();
        (key, (f["value"].as_f64(), f["numerator"].as_f64(), f["denominator"].as_f64()))
    };
    report["figures"].as_array().unwrap().iter().map(figure).collect()
}

#[tokio::test]
async fn the_figures_equal_a_count_by_hand_and_stay() {
    on_every_database!(async |app| {
        app.clock.set(at("2026-03-10T01:00:00Z"));
        // North: two evaluated complaints (both breached), one good repair, one still open.
        let (_, fatal) = evaluated(&app, "amy", &[("integrity", json!(false))]).await;
        let (happy, _) = evaluated(&app, "bob", &[("courtesy", json!(3))]).await;
        let repair = TicketSnapshot {
            kind: "repair".into(),
            resolution_attained: Some(false),
            opened_at: app.clock.now() - TimeDelta::minutes(120),
            first_responded_at: Some(app.clock.now()),
            response_attained: Some(false),
            ..ticket(&app, "amy")
        };
        app.deliver(resolved(repair)).await;
        let open = TicketSnapshot {
            resolved_at: None,
            first_responded_at: None,
            response_attained: None,
            resolution_attained: None,
            status: "open".into(),
            ..ticket(&app, "amy")
        };
        app.deliver(TicketOpened { ticket: open }).await;
        // South, and another enterprise.
        for org in ["/acme/south", "/other"] {
            app.deliver(resolved(TicketSnapshot { org: org.into(), ..ticket(&app, "zoe") })).await;
        }
        app.deliver(answered(&app, &happy, 5, Some(10))).await;
        app.deliver(answered(&app, &happy, 4, Some(3))).await;
        app.deliver(answered(&app, &happy, 3, None)).await;
        let body = json!({ "items": [{ "item": "integrity", "reason": "录音" }] });
        let path = format!("/api/v1/evaluations/{fatal}/appeals");
        agent(&app, "amy").post(&path).json(&body).send().await.expect(201).done();

        let reports = "/api/v1/service-reports";
        let north = json!({ "org": "/acme/north", "period": "2026-03" });
        let first = director(&app).post(reports).json(&north).send().await.expect(201);
        let f = figures(&first.body);
        assert_eq!(f["opened"].0, Some(4.0));
        assert_eq!((f["resolved"].0, f["closed"].0), (Some(3.0), Some(0.0)));
        assert_eq!(f["complaint_rate"], (Some(75.0), Some(3.0), Some(4.0)));
        // 10, 10, 120 and 60, 60, 120 minutes.
        assert_eq!(
            (f["first_response_median"].0, f["first_response_p90"].0),
            (Some(10.0), Some(98.0))
        );
        assert_eq!((f["resolution_median"].0, f["resolution_p90"].0), (Some(60.0), Some(108.0)));
        assert_eq!((f["sla_response"].1, f["sla_response"].2), (Some(2.0), Some(3.0)));
        assert_eq!((f["sla_resolution"].1, f["sla_resolution"].2), (Some(2.0), Some(3.0)));
        assert_eq!((f["satisfaction"].1, f["satisfaction"].2), (Some(2.0), Some(3.0)));
        assert_eq!(f["nps"], (Some(0.0), Some(0.0), Some(2.0)));
        // One is appealed, the other can still be.
        assert_eq!(f["inspection_score"], (None, None, Some(0.0)));
        assert_eq!(f["appeal_rate"], (Some(50.0), Some(1.0), Some(2.0)));
        assert_eq!(f["appeal_success"], (None, Some(0.0), Some(0.0)));
        assert_eq!(f["rectification_on_time"], (None, Some(0.0), Some(0.0)));

        app.clock.set(at("2026-04-01T01:00:00Z"));
        let second = director(&app).post(reports).json(&north).send().await.expect(201);
        assert_eq!(second.body["version"], 2);
        let f = figures(&second.body);
        assert_eq!(f["inspection_score"], (Some(95.0), Some(95.0), Some(1.0)));
        assert_eq!(f["fatal_rate"], (Some(0.0), Some(0.0), Some(1.0)));
        assert_eq!(f["rectification_on_time"], (Some(0.0), Some(0.0), Some(1.0)));
        let kept = supervisor(&app).get(first.header("location").unwrap()).send().await.expect(200);
        assert_eq!(kept.body, first.body, "a published report does not change");

        let whole = director(&app)
            .post(reports)
            .json(&json!({ "period": "2026-03" }))
            .send()
            .await
            .expect(201);
        assert_eq!(
            (&whole.body["org"], figures(&whole.body)["resolved"].0),
            (&json!("/acme"), Some(4.0))
        );
        let told: Vec<i32> =
            app.emitted_of::<ReportPublished>().await.iter().map(|r| r.version).collect();
        assert_eq!(told, [1, 2, 1]);
        let list = supervisor(&app)
            .get(&format!("{reports}?period=2026-03&total=true"))
            .send()
            .await
            .expect(200);
        assert_eq!(list.body["total"], 2, "the whole enterprise is above the supervisor");
    });
}

#[tokio::test]
async fn a_supervisor_makes_and_reads_the_report_of_their_own_unit() {
    on_every_database!(async |app| {
        app.deliver(resolved(ticket(&app, "amy"))).await;
        let reports = "/api/v1/service-reports";
        let sue = supervisor(&app);
        let month = json!({ "period": "2026-03" });
        let own = sue.post(reports).json(&month).send().await.expect(201);
        assert_eq!(own.body["org"], "/acme/north");
        assert_eq!(figures(&own.body)["resolved"].0, Some(1.0));
        sue.get(own.header("location").unwrap()).send().await.expect(200).done();
        for org in ["/acme", "/acme/south"] {
            let body = json!({ "period": "2026-03", "org": org });
            sue.post(reports).json(&body).send().await.expect_problem(422, "invalid").done();
        }
        let other = app.as_user("sam", &[kernel::Role::Supervisor], "/acme/south");
        other.get(own.header("location").unwrap()).send().await.expect(404).done();
        agent(&app, "amy").post(reports).json(&month).send().await.expect(403).done();
    });
}

#[tokio::test]
async fn what_cannot_be_reported_is_refused() {
    on_every_database!(async |app| {
        let post = async |c: testkit::Client, body: Value| {
            c.post("/api/v1/service-reports").json(&body).send().await
        };
        post(director(&app), json!({ "period": "2026-04" }))
            .await
            .expect_problem(422, "period-not-begun")
            .done();
        post(director(&app), json!({ "period": "2026-13" }))
            .await
            .expect_problem(422, "invalid")
            .done();
        let elsewhere = json!({ "period": "2026-02", "org": "/other" });
        post(director(&app), elsewhere).await.expect_problem(422, "invalid").done();
        let nowhere = json!({ "period": "2026-02", "org": "/acme/nowhere" });
        let refused = post(director(&app), nowhere).await.expect_problem(422, "invalid");
        assert_eq!(refused.body["errors"][0]["pointer"], "/org");
        assert_eq!(refused.body["errors"][0]["code"], "unknown-unit");
        post(inspector(&app, "ivy"), json!({ "period": "2026-02" }))
            .await
            .expect_problem(403, "forbidden")
            .done();
        let empty = post(director(&app), json!({ "period": "2026-02" })).await.expect(201);
        for (key, (value, ..)) in figures(&empty.body) {
            let counted = ["opened", "resolved", "closed"].contains(&key.as_str());
            assert_eq!(value, counted.then_some(0.0), "{key}");
        }
    });
}
