//! Scoring, publication and appeal.

use chrono::TimeDelta;
use contracts::{
    quality::{AppealDecided, AppealLodged, EvaluationPublished, RectificationWithdrawn},
    ticketing::TicketSnapshot,
};
use kernel::Role;
use serde_json::{Value, json};

use crate::fixtures::{
    admin, agent, answers, at, director, evaluated, evaluation, inspection_of, inspector,
    on_every_database, perfect, resolved, ticket,
};

#[tokio::test]
async fn answers_are_checked_saved_and_published_whole() {
    on_every_database!(async |app| {
        let risky = TicketSnapshot { breached: true, ..ticket(&app, "amy") };
        app.deliver(resolved(risky.clone())).await;
        let inspection =
            inspection_of(&app, risky.ticket_id).await["id"].as_str().unwrap().to_owned();
        let start = format!("/api/v1/inspections/{inspection}/evaluations");
        let ivy = inspector(&app, "ivy");
        let refused =
            json!({ "answers": answers(&[("courtesy", json!(6)), ("solution", json!("so-so"))]) });
        let refused =
            ivy.post(&start).json(&refused).send().await.expect_problem(422, "answer-out-of-range");
        assert_eq!(refused.problem_pointers(), ["/answers/3/value", "/answers/6/value"]);

        let draft =
            ivy.post(&start).json(&json!({ "answers": [perfect()[0]] })).send().await.expect(201);
        ivy.post(&start)
            .json(&json!({}))
            .send()
            .await
            .expect_problem(409, "already-evaluated")
            .done();
        let path = format!("/api/v1/evaluations/{}", draft.id());
        let reply = ivy
            .post(&format!("{path}/publish"))
            .send()
            .await
            .expect_problem(422, "answers-incomplete");
        assert_eq!(reply.problem_pointers().len(), 8);
        let ian = app.as_user("ian", &[Role::Admin], "/acme");
        let save = json!({ "answers": answers(&[("courtesy", json!(3))]) });
        let put = async |c: &testkit::Client, version| {
            c.put(&format!("{path}/answers")).json(&save).if_match(version).send().await
        };
        put(&ian, 1).await.expect_problem(403, "not-the-inspector").done();
        put(&ivy, 2).await.expect_problem(412, "precondition-failed").done();
        let saved = put(&ivy, 1).await.expect(200);
        assert_eq!((saved.version(), &saved.body["score"]), (2, &json!(95.0)));
        // Nobody but the author and those who lead see a draft.
        agent(&app, "amy").get(&path).send().await.expect(404).done();
        let published = ivy.post(&format!("{path}/publish")).send().await.expect(200);
        assert_eq!(
            published.body["appeal_until"], "2026-03-04T10:00:00Z",
            "end of the second working day"
        );
        put(&ivy, 3).await.expect_problem(409, "evaluation-published").done();
        ivy.post(&format!("{path}/publish"))
            .send()
            .await
            .expect_problem(409, "evaluation-published")
            .done();
        assert_eq!(agent(&app, "amy").get(&path).send().await.expect(200).body["score"], 95.0);
        agent(&app, "bob").get(&path).send().await.expect(404).done();
        let told = app.emitted_of::<EvaluationPublished>().await;
        assert_eq!((told.len(), told[0].score, told[0].fatal), (1, Some(95.0), false));
    });
}

#[tokio::test]
async fn nobody_judges_his_own_work() {
    on_every_database!(async |app| {
        let risky = TicketSnapshot { breached: true, ..ticket(&app, "ivy") };
        app.deliver(resolved(risky.clone())).await;
        let path = format!(
            "/api/v1/inspections/{}",
            inspection_of(&app, risky.ticket_id).await["id"].as_str().unwrap()
        );
        let ivy = inspector(&app, "ivy");
        ivy.post(&format!("{path}/claim")).send().await.expect_problem(403, "own-work").done();
        let start = ivy.post(&format!("{path}/evaluations")).json(&json!({})).send().await;
        start.expect_problem(403, "own-work").done();
    });
}

#[tokio::test]
async fn an_appeal_accepted_in_part_is_scored_again_by_somebody_else() {
    on_every_database!(async |app| {
        let changes = [("integrity", json!(false)), ("courtesy", json!(3))];
        let (_, id) = evaluated(&app, "amy", &changes).await;
        let before = evaluation(&app, id).await;
        assert_eq!((&before["score"], &before["fatal"]), (&json!(0.0), &json!(true)));
        // Conduct is (0.5 + 0)/2: 20 + 50 + 20·0.25 + 10.
        assert_eq!(before["result"]["raw"], 85.0);
        assert_eq!(
            before["result"]["fail_reason"],
            json!({ "level": "form", "items": ["integrity"] })
        );

        let appeals = format!("/api/v1/evaluations/{id}/appeals");
        let appeal = json!({ "items": [{ "item": "integrity", "reason": "录音可证" }, { "item": "courtesy", "reason": "用语规范" }] });
        let lodge =
            async |c: testkit::Client, body: Value| c.post(&appeals).json(&body).send().await;
        lodge(agent(&app, "bob"), appeal.clone()).await.expect(404).done();
        lodge(director(&app), appeal.clone()).await.expect_problem(403, "not-the-agent").done();
        let unknown = json!({ "items": [{ "item": "nose", "reason": "x" }] });
        lodge(agent(&app, "amy"), unknown).await.expect_problem(422, "invalid").done();
        let lodged = lodge(agent(&app, "amy"), appeal.clone()).await.expect(201);
        lodge(agent(&app, "amy"), appeal).await.expect_problem(409, "already-appealed").done();
        assert_eq!(evaluation(&app, id).await["state"], "appealed");

        let decision = format!("/api/v1/appeals/{}/decision", lodged.id());
        let partly = json!({ "outcome": "partly", "reason": "录音属实", "changes": [{ "item": "integrity", "value": true }] });
        let decide =
            async |c: testkit::Client, body: &Value| c.post(&decision).json(body).send().await;
        let scorer = app.as_user("ivy", &[Role::Admin], "/acme");
        decide(scorer, &partly).await.expect_problem(409, "decider-is-scorer").done();
        decide(app.as_user("amy", &[Role::Director], "/acme"), &partly)
            .await
            .expect_problem(403, "own-work")
            .done();
        decide(agent(&app, "amy"), &partly).await.expect_problem(403, "forbidden").done();
        let beyond = json!({ "outcome": "partly", "reason": "x", "changes": [{ "item": "complete", "value": true }] });
        decide(director(&app), &beyond).await.expect_problem(422, "invalid").done();
        let misfit = json!({ "outcome": "partly", "reason": "x", "changes": [{ "item": "courtesy", "value": 7 }] });
        decide(director(&app), &misfit).await.expect_problem(422, "answer-out-of-range").done();
        let decided = decide(director(&app), &partly).await.expect(200);
        assert_eq!(
            (&decided.body["score_before"], &decided.body["score_after"]),
            (&json!(0.0), &json!(95.0))
        );
        decide(director(&app), &partly).await.expect_problem(409, "already-decided").done();
        let after = evaluation(&app, id).await;
        assert_eq!(
            (&after["state"], &after["score"], &after["fatal"]),
            (&json!("final"), &json!(95.0), &json!(false))
        );
        assert_eq!(app.emitted_of::<AppealLodged>().await.len(), 1);
        let told = app.emitted_of::<AppealDecided>().await;
        assert_eq!((told[0].outcome.as_str(), told[0].score_after), ("partly", Some(95.0)));
        assert!(app.emitted_of::<RectificationWithdrawn>().await.is_empty());
    });
}

#[tokio::test]
async fn an_appeal_accepted_in_full_withdraws_the_rectification() {
    on_every_database!(async |app| {
        let (ticket, id) = evaluated(&app, "amy", &[("integrity", json!(false))]).await;
        let body = json!({ "items": [{ "item": "integrity", "reason": "录音可证" }] });
        let path = format!("/api/v1/evaluations/{id}/appeals");
        let appeal = agent(&app, "amy").post(&path).json(&body).send().await.expect(201).id();
        let accepted = json!({ "outcome": "accepted", "reason": "属实", "changes": [{ "item": "integrity", "value": true }] });
        let decided = director(&app)
            .post(&format!("/api/v1/appeals/{appeal}/decision"))
            .json(&accepted)
            .send()
            .await
            .expect(200);
        assert_eq!(decided.body["score_after"], 100.0);
        let list = format!("/api/v1/rectifications?ticket_id={}", ticket.ticket_id);
        let list = director(&app).get(&list).send().await.expect(200);
        assert_eq!(list.body["items"][0]["state"], "withdrawn");
        assert_eq!(app.emitted_of::<RectificationWithdrawn>().await.len(), 1);
    });
}

#[tokio::test]
async fn the_limit_of_an_appeal_is_kept_and_makes_final() {
    on_every_database!(async |app| {
        let (_, id) = evaluated(&app, "amy", &[("integrity", json!(false))]).await;
        let (_, other) = evaluated(&app, "bob", &[("integrity", json!(false))]).await;
        let limit = at("2026-03-04T10:00:00Z");
        app.clock.set(limit);
        app.run_jobs().await;
        assert_eq!(evaluation(&app, id).await["state"], "published");
        let body = json!({ "items": [{ "item": "integrity", "reason": "录音可证" }] });
        let in_time = agent(&app, "bob")
            .post(&format!("/api/v1/evaluations/{other}/appeals"))
            .json(&body)
            .send()
            .await;
        in_time.expect(201).done();
        app.clock.set(limit + TimeDelta::microseconds(1));
        let path = format!("/api/v1/evaluations/{id}/appeals");
        let late = async || agent(&app, "amy").post(&path).json(&body).send().await;
        late().await.expect_problem(409, "appeal-expired").done();
        app.run_jobs().await;
        let last = evaluation(&app, id).await;
        assert_eq!(
            (&last["state"], &last["final_reason"]),
            (&json!("final"), &json!("unappealed"))
        );
        assert_eq!(evaluation(&app, other).await["state"], "appealed", "an appeal stops the clock");
        late().await.expect_problem(409, "appeal-expired").done();
    });
}

#[tokio::test]
async fn evidence_is_asked_for_where_the_scorecard_says_so() {
    on_every_database!(async |app| {
        let form = json!({ "mode": "points", "sections": [{ "key": "s", "title": { "en": "s" }, "items": [
            { "key": "a", "title": { "en": "a" }, "answer": { "type": "yes_no" }, "evidence_required": true },
        ] }] });
        let card = json!({ "key": "strict", "title": { "en": "strict" }, "form": form });
        let card = admin(&app).post("/api/v1/scorecards").json(&card).send().await.expect(201).id();
        admin(&app)
            .post(&format!("/api/v1/scorecards/{card}/publish"))
            .send()
            .await
            .expect(200)
            .done();
        let plan = json!({ "title": { "en": "p" }, "risk": {}, "scorecard_id": card, "inspectors": ["ivy"] });
        admin(&app).post("/api/v1/sampling-plans").json(&plan).send().await.expect(201).done();
        let risky = TicketSnapshot { breached: true, ..ticket(&app, "amy") };
        app.deliver(resolved(risky.clone())).await;
        let inspection =
            inspection_of(&app, risky.ticket_id).await["id"].as_str().unwrap().to_owned();
        let ivy = inspector(&app, "ivy");
        let start = ivy.post(&format!("/api/v1/inspections/{inspection}/evaluations"));
        let started = start
            .json(&json!({ "answers": [{ "item": "a", "value": true }] }))
            .send()
            .await
            .expect(201);
        let path = format!("/api/v1/evaluations/{}", started.id());
        let publish = async || ivy.post(&format!("{path}/publish")).send().await;
        publish().await.expect_problem(422, "answers-incomplete").done();
        let with =
            json!({ "answers": [{ "item": "a", "value": true, "evidence": "第 3 条回复" }] });
        ivy.put(&format!("{path}/answers")).json(&with).if_match(1).send().await.expect(200).done();
        publish().await.expect(200).done();
    });
}
