//! Drafts, published versions, and what keeps a survey from being published.

use serde_json::{Value, json};

use crate::support::{admin, apps};

fn definition() -> Value {
    json!({
        "title": { "default": "Hi", "zh-cn": "您好" },
        "pages": [{ "name": "p", "elements": [
            { "type": "rating", "name": "q1", "isRequired": true },
            { "type": "rating", "name": "q2", "rateMin": 0, "rateMax": 10 },
            { "type": "comment", "name": "q3", "visibleIf": "{q1} <= 2" },
            { "type": "matrixdynamic", "name": "m", "columns": [{ "name": "x" }] }
        ]}]
    })
}

#[tokio::test]
async fn a_published_version_never_changes() {
    for app in apps().await {
        let admin = admin(&app);
        let new = json!({ "key": "own", "definition": definition(), "metrics": { "csat": "q1", "nps": "q2", "comment": "q3" } });
        let created = admin
            .post("/api/v1/surveys")
            .json(&new)
            .header("idempotency-key", "k1")
            .send()
            .await
            .expect(201);
        let again = admin
            .post("/api/v1/surveys")
            .json(&new)
            .header("idempotency-key", "k1")
            .send()
            .await
            .expect(201);
        assert_eq!(created.id(), again.id());
        let survey = format!("/api/v1/surveys/{}", created.id());
        assert_eq!(created.header("location"), Some(survey.as_str()));
        assert_eq!(created.body["current_version"], Value::Null);
        admin
            .post("/api/v1/surveys")
            .json(&new)
            .send()
            .await
            .expect_problem(409, "survey-key-taken")
            .done();

        let publish = format!("{survey}/publish");
        let first = admin.post(&publish).send().await.expect(201);
        assert_eq!((&first.body["version"], &first.body["definition"]), (&json!(1), &definition()));
        // Unknown element types are kept in the definition and reported.
        assert_eq!(first.body["issues"][0]["code"], "unknown-element");
        assert_eq!(first.body["issues"][0]["pointer"], "/pages/0/elements/3/type");
        let canonical = serde_json::to_string(&definition()).unwrap();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes());
        assert_eq!(
            first.body["hash"],
            hex::encode(hash),
            "serde_json sorts members: the canonical form"
        );
        let same = admin.post(&publish).send().await.expect(200);
        assert_eq!(same.body, first.body);

        let seen = admin.get(&survey).send().await.expect(200);
        let mut changed = definition();
        changed["pages"][0]["elements"][0]["title"] = json!("Really?");
        let draft = json!({ "definition": changed, "metrics": { "csat": "q1" } });
        let put = format!("{survey}/draft");
        admin
            .put(&put)
            .json(&draft)
            .send()
            .await
            .expect_problem(428, "precondition-required")
            .done();
        admin
            .put(&put)
            .if_match(99)
            .json(&draft)
            .send()
            .await
            .expect_problem(412, "precondition-failed")
            .done();
        let after = admin.put(&put).if_match(seen.version()).json(&draft).send().await.expect(200);
        assert_eq!(after.version(), seen.version() + 1);
        let second = admin.post(&publish).send().await.expect(201);
        assert_eq!(second.body["version"], 2);
        assert_ne!(second.body["hash"], first.body["hash"]);
        let kept = admin.get(&format!("{survey}/versions/1")).send().await.expect(200);
        assert_eq!(kept.body, first.body);
        let versions = admin.get(&format!("{survey}/versions")).send().await.expect(200);
        assert_eq!(versions.body["items"].as_array().unwrap().len(), 2);
        admin
            .get(&format!("{survey}/versions/3"))
            .send()
            .await
            .expect_problem(404, "not-found")
            .done();
    }
}

#[tokio::test]
async fn what_cannot_work_is_not_published() {
    for app in apps().await {
        let admin = admin(&app);
        let survey =
            admin.post("/api/v1/surveys").json(&json!({ "key": "bad" })).send().await.expect(201);
        let url = format!("/api/v1/surveys/{}", survey.id());
        let mut version = survey.version();
        for (elements, metrics, pointers) in [
            (json!([]), json!({}), vec!["/definition"]),
            (
                json!([{ "type": "comment", "name": "a", "visibleIf": "{a} ~ 1" }]),
                json!({}),
                vec!["/definition/elements/0/visibleIf"],
            ),
            (
                json!([{ "type": "comment", "name": "a", "visibleIf": "{gone} = 1" }]),
                json!({}),
                vec!["/definition"],
            ),
            (
                json!([{ "type": "rating", "name": "a", "rateMax": 7 }, { "type": "comment", "name": "b" }]),
                json!({ "csat": "a", "nps": "none", "comment": "a" }),
                vec!["/metrics/csat", "/metrics/nps", "/metrics/comment"],
            ),
        ] {
            let draft = json!({ "definition": { "elements": elements }, "metrics": metrics });
            let saved = admin
                .put(&format!("{url}/draft"))
                .if_match(version)
                .json(&draft)
                .send()
                .await
                .expect(200);
            version = saved.version();
            assert!(!saved.body["issues"].as_array().unwrap().is_empty(), "{draft}");
            let refused =
                admin.post(&format!("{url}/publish")).send().await.expect_problem(422, "invalid");
            assert_eq!(refused.problem_pointers(), pointers, "{draft}");
        }
        let trigger = json!({ "name": "t", "survey_id": survey.id(), "event": "ticket_resolved" });
        admin
            .post("/api/v1/survey-triggers")
            .json(&trigger)
            .send()
            .await
            .expect_problem(409, "survey-not-published")
            .done();
        let long = json!({ "definition": { "elements": [], "x": "y".repeat(300_000) } });
        admin
            .put(&format!("{url}/draft"))
            .if_match(version)
            .json(&long)
            .send()
            .await
            .expect_problem(422, "invalid")
            .done();
    }
}

#[tokio::test]
async fn a_survey_starts_from_a_template() {
    for app in apps().await {
        let admin = admin(&app);
        let templates = admin.get("/api/v1/survey-templates").send().await.expect(200);
        assert_eq!(templates.body["items"][0]["key"], "csat_after_service");
        let new = json!({ "key": "mine", "template": "csat_after_service" });
        let survey = admin.post("/api/v1/surveys").json(&new).send().await.expect(201);
        assert_eq!(survey.body["issues"], json!([]));
        admin
            .post(&format!("/api/v1/surveys/{}/publish", survey.id()))
            .send()
            .await
            .expect(201)
            .done();
        let unknown = json!({ "key": "x", "template": "none" });
        let refused = admin
            .post("/api/v1/surveys")
            .json(&unknown)
            .send()
            .await
            .expect_problem(422, "invalid");
        assert_eq!(refused.problem_pointers(), ["/template"]);
        // The enterprise's built-in survey came with the first write, and its key is taken.
        let taken = json!({ "key": "csat_after_service" });
        admin
            .post("/api/v1/surveys")
            .json(&taken)
            .send()
            .await
            .expect_problem(409, "survey-key-taken")
            .done();
        let list = admin.get("/api/v1/surveys?total=true&limit=1").send().await.expect(200);
        assert_eq!(
            (&list.body["total"], list.body["items"].as_array().unwrap().len()),
            (&json!(2), 1)
        );
        let cursor = list.body["next_cursor"].as_str().unwrap().to_owned();
        let rest = admin
            .get("/api/v1/surveys")
            .query(&[("cursor", cursor.as_str())])
            .send()
            .await
            .expect(200);
        assert_eq!(rest.body["items"].as_array().unwrap().len(), 1);
    }
}
