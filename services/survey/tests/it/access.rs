//! Who may see and do what.

use contracts::{
    customer::{CustomerChanged, CustomerRegistered},
    ticketing::TicketSnapshot,
};
use kernel::Role;
use serde_json::{Value, json};
use testkit::{Client, TestApp};
use uuid::Uuid;

use crate::support::{
    admin, apps, builtin_survey, builtin_trigger, customer, invite, resolved, ticket,
};

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

/// What a unit's administrator gets who reads, deletes and enters an opt-out, without what is
/// different in every answer.
async fn tried(app: &TestApp, org: &str, customer: Uuid) -> [(u16, Value); 3] {
    let client = app.as_role(Role::Admin, org);
    let path = format!("/api/v1/survey-opt-outs/{customer}");
    let body = json!({ "customer_id": customer });
    [
        client.get(&path).send().await,
        client.delete(&path).send().await,
        client.post("/api/v1/survey-opt-outs").json(&body).send().await,
    ]
    .map(|reply| {
        let mut body = reply.body.clone();
        if let Some(members) = body.as_object_mut() {
            members.retain(|member, _| !["instance", "trace_id"].contains(&member.as_str()));
        }
        (reply.status, body)
    })
}

#[tokio::test]
async fn an_opt_out_is_seen_and_changed_by_the_units_of_the_customer_alone() {
    for app in apps().await {
        let id = kernel::new_id();
        app.deliver(CustomerRegistered { customer: customer(id, &["/acme/north"], 1) }).await;
        let north = app.as_role(Role::Admin, "/acme/north");
        let body = json!({ "customer_id": id });
        north.post("/api/v1/survey-opt-outs").json(&body).send().await.expect(201).done();

        let path = format!("/api/v1/survey-opt-outs/{id}");
        for org in ["/acme/south", "/acme/northeast", "/acme/north/shop1", "/other"] {
            let real = tried(&app, org, id).await;
            assert_eq!(real.each_ref().map(|(status, _)| *status), [404, 404, 422], "{org}");
            assert_eq!(real[2].1["errors"][0]["pointer"], "/customer_id");
            let unknown = tried(&app, org, kernel::new_id()).await;
            assert_eq!(real, unknown, "{org}: answered as one that does not exist");
        }
        for client in [&north, &admin(&app)] {
            client.get(&path).send().await.expect(200).done();
        }
        let unknown = tried(&app, "/acme", kernel::new_id()).await;
        assert_eq!(unknown.map(|(status, _)| status), [404, 404, 422]);

        // Once the other unit has brought the customer in too, it is theirs as well; what is older
        // does not count.
        let both = customer(id, &["/acme/north", "/acme/south"], 3);
        app.deliver(CustomerChanged { customer: both, changed: vec!["orgs".into()] }).await;
        let older = customer(id, &["/acme/north"], 2);
        app.deliver(CustomerChanged { customer: older, changed: vec![] }).await;
        let south = app.as_role(Role::Admin, "/acme/south");
        south.get(&path).send().await.expect(200).done();
        south.delete(&path).send().await.expect(204).done();
        north.get(&path).send().await.expect(404).done();
    }
}

#[tokio::test]
async fn a_customer_of_whom_only_tickets_are_known_is_their_units() {
    for app in apps().await {
        let ticket = ticket(&app);
        let id = ticket.customer_id.unwrap();
        app.deliver(resolved(&ticket)).await;
        assert_eq!(tried(&app, "/acme/south", id).await.map(|(status, _)| status), [404, 404, 422]);
        assert_eq!(tried(&app, "/acme/north", id).await.map(|(status, _)| status), [404, 404, 201]);
        // What is told of the customer then counts, and tickets no more.
        app.deliver(CustomerRegistered { customer: customer(id, &["/acme/east"], 1) }).await;
        app.deliver(resolved(&TicketSnapshot { version: 4, ..ticket })).await;
        assert_eq!(tried(&app, "/acme/north", id).await[0].0, 404);
        assert_eq!(tried(&app, "/acme/east", id).await[0].0, 200);
    }
}

#[tokio::test]
async fn a_neighbours_survey_is_not_to_be_had_by_hand() {
    for app in apps().await {
        let ticket = ticket(&app);
        invite(&app, &ticket).await;
        let south = app.as_role(Role::Admin, "/acme/south");
        let survey = json!({ "key": "south_only", "template": "csat_after_service" });
        let survey = south.post("/api/v1/surveys").json(&survey).send().await.expect(201).id();
        let publish = format!("/api/v1/surveys/{survey}/publish");
        south.post(&publish).send().await.expect(201).done();
        let north = app.as_role(Role::Agent, "/acme/north");
        let by_hand = async |client: &Client, survey: Uuid| {
            let body = json!({ "ticket_id": ticket.ticket_id, "survey_id": survey });
            client.post("/api/v1/invitations").json(&body).send().await
        };
        by_hand(&north, survey).await.expect_problem(404, "not-found").done();
        by_hand(&north, kernel::new_id()).await.expect_problem(404, "not-found").done();
        by_hand(&north, builtin_survey(&app).await).await.expect(201).done();
    }
}

#[tokio::test]
async fn who_inspects_blind_learns_no_name() {
    for app in apps().await {
        let ticket = ticket(&app);
        invite(&app, &ticket).await;
        let survey = builtin_survey(&app).await;
        let second = TicketSnapshot {
            ticket_id: kernel::new_id(),
            customer_id: Some(kernel::new_id()),
            ..ticket.clone()
        };
        crate::support::change_trigger(&app, json!({ "enabled": false })).await;
        app.deliver(resolved(&second)).await;
        let anna = app.as_user("anna", &[Role::Agent], "/acme/north");
        let body = json!({ "ticket_id": second.ticket_id, "survey_id": survey });
        let link = anna.post("/api/v1/invitations").json(&body).send().await.expect(201);
        let token = link.body["link"].as_str().unwrap().rsplit_once("/s/").unwrap().1.to_owned();
        let answer = json!({ "answers": { "csat": 1 } });
        let url = format!("/api/v1/answers/{token}");
        let answered = app.anonymous().post(&url).json(&answer).send().await.expect(201);
        let response = answered.body["response_id"].as_str().unwrap().to_owned();

        let lead = app.as_role(Role::Supervisor, "/acme/north");
        let ian = app.as_user("ian", &[Role::Inspector], "/acme/north");
        for path in [
            "/api/v1/invitations".to_owned(),
            "/api/v1/responses".to_owned(),
            format!("/api/v1/responses/{response}"),
        ] {
            let seen = lead.get(&path).send().await.expect(200).text;
            assert!(seen.contains("\"anna\""), "{seen}");
            let blind = ian.get(&path).send().await.expect(200).text;
            for name in ["anna", "ben", "mia"] {
                assert!(!blind.contains(&format!("\"{name}\"")), "{name} in {blind}");
            }
        }
        let figures = format!("/api/v1/survey-results/{survey}");
        let org = app.as_user("ida", &[Role::Inspector], "/acme");
        org.get(&format!("{figures}?by=kind")).send().await.expect(200).done();
        org.get(&format!("{figures}?by=handler")).send().await.expect(403).done();
    }
}
