//! Who may see and do what.

use kernel::Role;
use serde_json::json;

use crate::support::{admin, apps, builtin_survey, builtin_trigger, invite, ticket};

#[tokio::test]
async fn every_operation_asks_for_the_right_it_declares() {
    testkit::permission_walk(survey::module()).await;
}

#[tokio::test]
async fn every_operation_refuses_bad_input() {
    testkit::bad_input_walk(survey::module()).await;
}

#[tokio::test]
async fn another_unit_sees_nothing() {
    for app in apps().await {
        let token = invite(&app, &ticket(&app)).await;
        let taken = app
            .anonymous()
            .post(&format!("/api/v1/answers/{token}"))
            .json(&json!({ "answers": { "csat": 1 } }))
            .send()
            .await
            .expect(201);
        let response = taken.body["response_id"].as_str().unwrap().to_owned();
        let survey = builtin_survey(&app).await;
        let trigger = builtin_trigger(&app).await["id"].as_str().unwrap().to_owned();
        let invitation =
            admin(&app).get("/api/v1/invitations").send().await.expect(200).body["items"][0]["id"]
                .as_str()
                .unwrap()
                .to_owned();
        for org in ["/acme/south", "/acme/northeast", "/other"] {
            let stranger = app.as_role(Role::Admin, org);
            for path in [
                format!("/api/v1/surveys/{survey}"),
                format!("/api/v1/surveys/{survey}/versions"),
                format!("/api/v1/survey-triggers/{trigger}"),
                format!("/api/v1/invitations/{invitation}"),
                format!("/api/v1/responses/{response}"),
                format!("/api/v1/survey-results/{survey}"),
            ] {
                stranger.get(&path).send().await.expect_problem(404, "not-found").done();
            }
            stranger
                .delete(&format!("/api/v1/survey-triggers/{trigger}"))
                .if_match(1)
                .send()
                .await
                .expect(404)
                .done();
            stranger
                .post(&format!("/api/v1/surveys/{survey}/publish"))
                .send()
                .await
                .expect(404)
                .done();
            for list in ["surveys", "survey-triggers", "invitations", "responses"] {
                let page =
                    stranger.get(&format!("/api/v1/{list}?total=true")).send().await.expect(200);
                assert_eq!(page.body["total"], 0, "{list} as {org}");
            }
        }
        // The unit of the ticket sees its response, and the enterprise sees all.
        for org in ["/acme/north", "/acme"] {
            app.as_role(Role::Agent, org)
                .get(&format!("/api/v1/responses/{response}"))
                .send()
                .await
                .expect(200)
                .done();
        }
    }
}
