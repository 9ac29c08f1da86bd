//! What is drawn: by risk exactly once, by quota reproducibly.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{
    quality::InspectionDrawn,
    ticketing::{TicketClosed, TicketImported, TicketReopened, TicketSnapshot},
};
use events::Outcome;
use serde_json::{Value, json};

use crate::fixtures::{
    admin, answered, director, inspection_of, inspector, on_every_database, resolved, ticket,
};

#[tokio::test]
async fn risk_draws_a_ticket_exactly_once_whatever_the_order() {
    on_every_database!(async |app| {
        let grave = TicketSnapshot {
            breached: true,
            complaint_level: Some("major".into()),
            ..ticket(&app, "amy")
        };
        // The answer comes before the ticket's own events; it comes twice, and another one follows.
        let answer = app.envelope(answered(&app, &grave, 1, None));
        assert_eq!(app.deliver_envelope(&answer).await, Outcome::Done);
        assert_eq!(app.deliver_envelope(&answer).await, Outcome::Duplicate);
        assert_eq!(
            inspection_of(&app, grave.ticket_id).await["reasons"],
            json!(["risk:low_score"])
        );
        let closed = TicketSnapshot { status: "closed".into(), version: 6, ..grave.clone() };
        app.deliver(TicketClosed { ticket: closed, reason: "auto".into() }).await;
        app.deliver(resolved(grave.clone())).await;
        app.deliver(answered(&app, &grave, 2, None)).await;
        let inspection = inspection_of(&app, grave.ticket_id).await;
        assert_eq!(
            inspection["reasons"],
            json!(["risk:low_score", "risk:breach", "risk:complaint_level"])
        );
        assert_eq!(inspection["agent"], "amy");
        let drawn = app.emitted_of::<InspectionDrawn>().await;
        assert_eq!(drawn.len(), 1);
        assert_eq!((drawn[0].reason.as_str(), &drawn[0].inspector), ("risk:low_score", &None));
        assert_eq!(drawn[0].inspected.agent.as_deref(), Some("amy"));
        // The built-in scorecard was published for the enterprise by that.
        let cards = director(&app)
            .get("/api/v1/scorecards?key=complaint_handling")
            .send()
            .await
            .expect(200);
        assert_eq!(cards.body["items"][0]["org"], "/acme");
        assert_eq!(cards.body["items"].as_array().unwrap().len(), 1);
    });
}

#[tokio::test]
async fn risk_draws_once_when_two_topics_tell_at_the_same_time() {
    on_every_database!(async |app| {
        for _ in 0..10 {
            let risky = TicketSnapshot { breached: true, ..ticket(&app, "amy") };
            let one = app.envelope(resolved(risky.clone()));
            let two = app.envelope(answered(&app, &risky, 1, None));
            let (one, two) = tokio::join!(app.try_deliver(&one), app.try_deliver(&two));
            assert_eq!((one.unwrap(), two.unwrap()), (Outcome::Done, Outcome::Done));
            let inspection = inspection_of(&app, risky.ticket_id).await;
            assert_eq!(inspection["reasons"].as_array().unwrap().len(), 2);
        }
        assert_eq!(app.emitted_of::<InspectionDrawn>().await.len(), 10);
    });
}

#[tokio::test]
async fn what_follows_from_a_ticket_stays_in_its_trace() {
    on_every_database!(async |app| {
        let risky = TicketSnapshot { breached: true, ..ticket(&app, "amy") };
        let mut event = app.envelope(resolved(risky));
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        event.trace.traceparent = Some(parent.to_owned());
        app.deliver_envelope(&event).await;
        let drawn = &app.emitted().await[0];
        assert!(
            drawn.trace.traceparent.as_ref().unwrap().contains("0af7651916cd43dd8448eb211c80319c")
        );
        assert_eq!(drawn.causation_id, Some(event.id));
        let rows =
            store::sql::all(&app.db, "SELECT traceparent FROM inspection", vec![]).await.unwrap();
        let kept: String = rows[0].try_get("", "traceparent").unwrap();
        assert!(kept.contains("0af7651916cd43dd8448eb211c80319c"));
    });
}

#[tokio::test]
async fn history_and_good_service_are_not_drawn() {
    on_every_database!(async |app| {
        let old =
            TicketSnapshot { breached: true, channel: "import".into(), ..ticket(&app, "amy") };
        app.deliver(TicketImported { ticket: old.clone(), source: "servicenow".into() }).await;
        app.deliver(answered(&app, &old, 1, None)).await;
        let closed = TicketSnapshot { status: "closed".into(), version: 6, ..old };
        app.deliver(TicketClosed { ticket: closed, reason: "auto".into() }).await;
        let good = ticket(&app, "amy");
        app.deliver(resolved(good.clone())).await;
        app.deliver(answered(&app, &good, 3, None)).await;
        let all = director(&app).get("/api/v1/inspections?total=true").send().await.expect(200);
        assert_eq!(all.body["total"], 0);
        assert!(app.emitted().await.is_empty());
    });
}

#[tokio::test]
async fn the_agent_is_who_served_at_the_time() {
    on_every_database!(async |app| {
        let served = ticket(&app, "amy");
        app.deliver(resolved(served.clone())).await;
        // Reopened and handed to somebody else, who has not resolved it yet.
        let later = TicketSnapshot {
            handler: Some("bob".into()),
            resolved_at: None,
            status: "open".into(),
            version: 8,
            ..served.clone()
        };
        app.deliver(TicketReopened { ticket: later, reason: "again".into() }).await;
        app.deliver(answered(&app, &served, 1, None)).await;
        assert_eq!(inspection_of(&app, served.ticket_id).await["agent"], "amy");
    });
}

#[tokio::test]
async fn risk_rules_and_inspectors_come_from_the_nearest_plan() {
    on_every_database!(async |app| {
        let plan =
            json!({ "title": { "en": "all" }, "risk": { "low_score": false }, "org": "/acme" });
        admin(&app).post("/api/v1/sampling-plans").json(&plan).send().await.expect(201).done();
        let near = json!({ "title": { "en": "north" }, "risk": { "low_score_max": 3 }, "inspectors": ["amy", "ivy"], "org": "/acme/north" });
        admin(&app).post("/api/v1/sampling-plans").json(&near).send().await.expect(201).done();
        let north = ticket(&app, "amy");
        app.deliver(answered(&app, &north, 3, None)).await;
        let south = TicketSnapshot { org: "/acme/south".into(), ..ticket(&app, "amy") };
        app.deliver(answered(&app, &south, 1, None)).await;
        let drawn = app.emitted_of::<InspectionDrawn>().await;
        assert_eq!(drawn.len(), 1, "the south has no rule for low scores");
        assert_eq!(drawn[0].inspector.as_deref(), Some("ivy"), "never the agent herself");
    });
}

#[tokio::test]
async fn a_quota_draw_is_reproducible_even_and_leaves_out_what_is_inspected() {
    on_every_database!(async |app| {
        let mut inspected = BTreeSet::new();
        for n in 0..24 {
            let agent = ["amy", "bob", "cem"][n % 3];
            let t = TicketSnapshot { breached: n < 3, ..ticket(&app, agent) };
            if n < 3 {
                inspected.insert(t.ticket_id.to_string());
            }
            app.deliver(resolved(t)).await;
        }
        let admin = admin(&app);
        let plan = json!({ "title": { "zh": "月度抽检" }, "quota_per_agent": 2, "inspectors": ["ivy", "ian"] });
        let plan = admin.post("/api/v1/sampling-plans").json(&plan).send().await.expect(201).id();
        let path = format!("/api/v1/sampling-plans/{plan}");
        let draw = json!({ "period": "2026-03", "seed": 42 });
        let drawn = admin.post(&format!("{path}/draw")).json(&draw).send().await.expect(201);
        let items = drawn.body["items"].as_array().unwrap();
        assert_eq!(
            (items.len(), &drawn.body["frame_size"], &drawn.body["seed"]),
            (6, &json!(21), &json!(42))
        );
        assert_eq!(drawn.body["frame_hash"].as_str().unwrap().len(), 64);
        for item in items {
            assert!(!inspected.contains(item["ticket_id"].as_str().unwrap()));
            assert_eq!(item["reason"], "quota");
        }
        let rerun =
            admin.get(&format!("{path}/draws/{}/rerun", drawn.id())).send().await.expect(200);
        assert_eq!(rerun.body["same"], true);
        assert_eq!(rerun.body["items"], drawn.body["items"]);

        let mine =
            admin.get(&format!("/api/v1/inspections?plan_id={plan}")).send().await.expect(200);
        let mut load: BTreeMap<&str, u32> = BTreeMap::new();
        for i in mine.body["items"].as_array().unwrap() {
            *load.entry(i["inspector"].as_str().unwrap()).or_default() += 1;
        }
        assert_eq!(load, [("ian", 3), ("ivy", 3)].into());
        // The quota of the month is used up: another draw finds nobody who is owed one.
        let second = admin.post(&format!("{path}/draw")).json(&draw).send().await.expect(201);
        assert_eq!(
            (second.body["items"].as_array().unwrap().len(), &second.body["frame_size"]),
            (0, &json!(15))
        );
        let empty =
            admin.post(&format!("{path}/draw")).json(&json!({ "period": "2026-02" })).send().await;
        empty.expect_problem(409, "empty-frame").done();
        let future =
            admin.post(&format!("{path}/draw")).json(&json!({ "period": "2026-04" })).send().await;
        future.expect_problem(422, "period-not-begun").done();
        let list = admin.get(&format!("{path}/draws?limit=1&total=true")).send().await.expect(200);
        assert_eq!(
            (&list.body["total"], list.body["items"].as_array().unwrap().len()),
            (&json!(2), 1)
        );
    });
}

#[tokio::test]
async fn the_inspector_is_blind_until_publication() {
    on_every_database!(async |app| {
        let risky = TicketSnapshot { breached: true, ..ticket(&app, "amy") };
        app.deliver(resolved(risky.clone())).await;
        let seen = inspection_of(&app, risky.ticket_id).await;
        assert_eq!((&seen["agent"], &seen["blind"]), (&json!("amy"), &json!(false)));
        let path = format!("/api/v1/inspections/{}", seen["id"].as_str().unwrap());
        let (ivy, ian) = (inspector(&app, "ivy"), inspector(&app, "ian"));
        let blind = ivy.get(&path).send().await.expect(200);
        assert_eq!((&blind.body["agent"], &blind.body["blind"]), (&Value::Null, &json!(true)));
        assert!(!blind.text.contains("amy"));
        // Nor can the filter be used to find out.
        let found = ivy.get("/api/v1/inspections?agent=amy").send().await.expect(200);
        assert_eq!(found.body["items"], json!([]));

        let assign = format!("{path}/assign");
        ivy.post(&assign)
            .json(&json!({ "inspector": "ivy" }))
            .send()
            .await
            .expect_problem(403, "forbidden")
            .done();
        director(&app)
            .post(&assign)
            .json(&json!({ "inspector": "amy" }))
            .send()
            .await
            .expect_problem(403, "own-work")
            .done();
        let claimed = ivy.post(&format!("{path}/claim")).send().await.expect(200);
        assert_eq!(claimed.body["inspector"], "ivy");
        ian.post(&format!("{path}/claim")).send().await.expect(404).done();
        ian.get(&path).send().await.expect(404).done();

        let started =
            ivy.post(&format!("{path}/evaluations")).json(&json!({})).send().await.expect(201);
        assert_eq!(started.body["agent"], Value::Null);
        let evaluation = format!("/api/v1/evaluations/{}", started.id());
        ian.get(&evaluation).send().await.expect_problem(404, "not-found").done();
        let all = json!({ "answers": crate::fixtures::perfect() });
        ivy.put(&format!("{evaluation}/answers"))
            .json(&all)
            .if_match(1)
            .send()
            .await
            .expect(200)
            .done();
        let published = ivy.post(&format!("{evaluation}/publish")).send().await.expect(200);
        assert_eq!(published.body["agent"], "amy");
        assert_eq!(ivy.get(&path).send().await.expect(200).body["agent"], "amy");
        assert_eq!(ian.get(&evaluation).send().await.expect(200).body["score"], 100.0);
    });
}
