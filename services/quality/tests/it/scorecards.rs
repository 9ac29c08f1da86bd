//! Versions of scorecards, and what is refused.

use serde_json::{Value, json};

use crate::fixtures::{admin, inspection_of, inspector, on_every_database, resolved, ticket};

fn form() -> Value {
    json!({
        "mode": "weighted",
        "sections": [{
            "key": "s", "title": { "zh": "态度" }, "weight": 1,
            "items": [{ "key": "polite", "title": { "zh": "礼貌", "en": "polite" }, "answer": { "type": "yes_no" } },
                      { "key": "speed", "title": { "en": "speed" }, "answer": { "type": "range", "min": 0, "max": 10 }, "na_allowed": true }],
        }],
    })
}

#[tokio::test]
async fn versions_are_numbered_and_a_published_one_never_changes() {
    on_every_database!(async |app| {
        let admin = admin(&app);
        let new = json!({ "key": "chat", "title": { "zh": "在线客服" }, "form": form() });
        let card = admin
            .post("/api/v1/scorecards")
            .json(&new)
            .header("idempotency-key", "k1")
            .send()
            .await
            .expect(201);
        let again = admin
            .post("/api/v1/scorecards")
            .json(&new)
            .header("idempotency-key", "k1")
            .send()
            .await
            .expect(201);
        assert_eq!(card.id(), again.id());
        admin
            .post("/api/v1/scorecards")
            .json(&new)
            .send()
            .await
            .expect_problem(409, "key-taken")
            .done();
        let path = format!("/api/v1/scorecards/{}", card.id());
        assert_eq!(
            (card.version(), &card.body["draft"], &card.body["latest_published"]),
            (1, &json!(1), &Value::Null)
        );

        let mut edited = form();
        edited["sections"][0]["weight"] = json!(7);
        let edit = json!({ "form": edited });
        let v1 = format!("{path}/versions/1");
        admin.put(&v1).json(&edit).send().await.expect_problem(428, "precondition-required").done();
        admin
            .put(&v1)
            .json(&edit)
            .if_match(9)
            .send()
            .await
            .expect_problem(412, "precondition-failed")
            .done();
        let changed = admin.put(&v1).json(&edit).if_match(1).send().await.expect(200);
        assert_eq!(changed.version(), 2);
        admin
            .post(&format!("{path}/versions"))
            .send()
            .await
            .expect_problem(409, "draft-exists")
            .done();
        let published = admin.post(&format!("{path}/publish")).send().await.expect(200);
        assert_eq!(published.body["latest_published"], 1);

        admin
            .put(&v1)
            .json(&edit)
            .if_match(3)
            .send()
            .await
            .expect_problem(409, "version-published")
            .done();
        admin
            .post(&format!("{path}/publish"))
            .send()
            .await
            .expect_problem(409, "nothing-to-publish")
            .done();
        let draft = admin.post(&format!("{path}/versions")).send().await.expect(201);
        assert_eq!(draft.body["draft"], 2);
        let two = admin.get(draft.header("location").unwrap()).send().await.expect(200);
        assert_eq!(two.body["form"]["sections"][0]["weight"], 7.0, "a copy of the newest");
        assert_eq!(admin.get(&v1).send().await.expect(200).body["state"], "published");
    });
}

#[tokio::test]
async fn what_cannot_give_a_score_or_makes_no_sense_is_refused() {
    on_every_database!(async |app| {
        let admin = admin(&app);
        let create = async |key: &str, form: &Value| {
            let body = json!({ "key": key, "title": { "en": "t" }, "form": form });
            admin.post("/api/v1/scorecards").json(&body).send().await
        };
        let mut zero = form();
        zero["sections"][0]["weight"] = json!(0);
        let card = create("zero", &zero).await.expect(201).id();
        let publish = format!("/api/v1/scorecards/{card}/publish");
        admin.post(&publish).send().await.expect_problem(422, "weights-sum-to-zero").done();

        let mut wrong = form();
        wrong["sections"][0]["items"][1] = json!({ "key": "polite", "title": {}, "weight": -1,
            "answer": { "type": "scale", "min": 5, "max": 5 } });
        let reply = create("wrong", &wrong).await.expect_problem(422, "invalid");
        let at = "/form/sections/0/items/1";
        for pointer in ["key", "title", "weight", "answer"] {
            assert!(
                reply.problem_pointers().contains(&format!("{at}/{pointer}").as_str()),
                "{}",
                reply.text
            );
        }
        let mut unknown = form();
        unknown["sections"][0]["colour"] = json!("red");
        create("unknown", &unknown).await.expect(422).done();
        let mut kind = form();
        kind["sections"][0]["items"][0]["answer"] = json!({ "type": "stars" });
        create("kind", &kind).await.expect(422).done();
    });
}

#[tokio::test]
async fn only_a_published_version_can_be_used() {
    on_every_database!(async |app| {
        let admin = admin(&app);
        let body = json!({ "key": "chat", "title": { "en": "t" }, "form": form() });
        let card = admin.post("/api/v1/scorecards").json(&body).send().await.expect(201).id();
        let risky = contracts::ticketing::TicketSnapshot { breached: true, ..ticket(&app, "amy") };
        app.deliver(resolved(risky.clone())).await;
        let inspection =
            inspection_of(&app, risky.ticket_id).await["id"].as_str().unwrap().to_owned();
        let ivy = inspector(&app, "ivy");
        let path = format!("/api/v1/inspections/{inspection}/evaluations");
        let start = async |body: Value| ivy.post(&path).json(&body).send().await;
        start(json!({ "scorecard_id": card }))
            .await
            .expect_problem(409, "version-not-published")
            .done();
        let draft = json!({ "scorecard_id": card, "scorecard_version": 1 });
        start(draft.clone()).await.expect_problem(409, "version-not-published").done();
        let unknown = json!({ "scorecard_id": kernel::new_id() });
        start(unknown).await.expect_problem(422, "invalid").done();
        admin.post(&format!("/api/v1/scorecards/{card}/publish")).send().await.expect(200).done();
        let started = start(draft).await.expect(201);
        assert_eq!(started.body["scorecard_version"], 1);
        // Nothing answered is no score, not 0.
        assert_eq!(started.body["score"], Value::Null);
    });
}
