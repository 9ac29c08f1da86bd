//! Rights, organisations and bad input.

use kernel::Role;
use serde_json::json;

use crate::fixtures::{agent, evaluated, on_every_database};

#[tokio::test]
async fn every_route_asks_for_the_right_it_declares() {
    testkit::permission_walk(quality::module()).await;
}

#[tokio::test]
async fn bad_input_is_a_problem_with_a_code() {
    testkit::bad_input_walk(quality::module()).await;
}

#[tokio::test]
async fn another_organisation_sees_and_changes_nothing() {
    on_every_database!(async |app| {
        let (ticket, evaluation) = evaluated(&app, "amy", &[("integrity", json!(false))]).await;
        let body = json!({ "items": [{ "item": "integrity", "reason": "录音" }] });
        let path = format!("/api/v1/evaluations/{evaluation}/appeals");
        let appeal = agent(&app, "amy").post(&path).json(&body).send().await.expect(201).id();
        let own = app.as_user("ann", &[Role::Admin], "/acme");
        let inspection = own
            .get(&format!("/api/v1/inspections?ticket_id={}", ticket.ticket_id))
            .send()
            .await
            .expect(200);
        let inspection = inspection.body["items"][0]["id"].as_str().unwrap().to_owned();
        let list = own.get("/api/v1/rectifications").send().await.expect(200);
        let rectification = list.body["items"][0]["id"].as_str().unwrap().to_owned();
        let cards = own.get("/api/v1/scorecards").send().await.expect(200);
        let card = cards.body["items"][0]["id"].as_str().unwrap().to_owned();
        for org in ["/acme/south", "/acme/northeast", "/acm", "/other"] {
            let other = app.as_user("eve", &[Role::Admin], org);
            for path in [
                format!("inspections/{inspection}"),
                format!("evaluations/{evaluation}"),
                format!("appeals/{appeal}"),
                format!("rectifications/{rectification}"),
            ] {
                other
                    .get(&format!("/api/v1/{path}"))
                    .send()
                    .await
                    .expect_problem(404, "not-found")
                    .done();
            }
            for (path, body) in [
                (
                    format!("appeals/{appeal}/decision"),
                    json!({ "outcome": "rejected", "reason": "x" }),
                ),
                (format!("rectifications/{rectification}/done"), json!({ "evidence": "x" })),
                (format!("inspections/{inspection}/assign"), json!({ "inspector": "x" })),
            ] {
                other
                    .post(&format!("/api/v1/{path}"))
                    .json(&body)
                    .send()
                    .await
                    .expect_problem(404, "not-found")
                    .done();
            }
            for list in ["inspections", "evaluations", "appeals", "rectifications"] {
                let found =
                    other.get(&format!("/api/v1/{list}?total=true")).send().await.expect(200);
                assert_eq!(found.body["total"], 0, "{list} of {org}");
            }
        }
        // The enterprise's scorecard holds below it, but is changed only above.
        let below = app.as_user("eve", &[Role::Admin], "/acme/south");
        below.get(&format!("/api/v1/scorecards/{card}")).send().await.expect(200).done();
        below.post(&format!("/api/v1/scorecards/{card}/versions")).send().await.expect(404).done();
        let outside = json!({ "title": { "en": "x" }, "org": "/acme" });
        below
            .post("/api/v1/sampling-plans")
            .json(&outside)
            .send()
            .await
            .expect_problem(422, "invalid")
            .done();
    });
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    on_every_database!(async |app| {
        for name in ["amy", "bob", "cem"] {
            evaluated(&app, name, &[]).await;
        }
        let own = app.as_user("ann", &[Role::Admin], "/acme");
        let mut path = "/api/v1/evaluations?limit=2".to_owned();
        let mut seen = vec![];
        loop {
            let page = own.get(&path).send().await.expect(200);
            seen.extend(
                page.body["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|e| e["agent"].as_str().unwrap().to_owned()),
            );
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            let elsewhere =
                own.get(&format!("/api/v1/evaluations?state=final&cursor={cursor}")).send().await;
            elsewhere.expect_problem(400, "invalid-cursor").done();
            path = format!("/api/v1/evaluations?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, ["cem", "bob", "amy"]);
    });
}
