//! From an event to a partner's endpoint.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use contracts::{
    Event,
    customer::CustomerRegistered,
    notification::{NoticeDelivered, NoticeFailed},
    ticketing::TicketOpened,
};
use kernel::Role;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

use crate::bench::{self, Bench, LOCAL_WEBHOOKS, real_time, start_with};

async fn answering(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(response).mount(&server).await;
    server
}

async fn calls(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

fn verify(secret: &str, request: &Request) -> Result<(), standardwebhooks::WebhookError> {
    Webhook::new(secret).unwrap().verify(&request.body, &request.headers)
}

async fn endpoint_state(bench: &Bench, id: uuid::Uuid) -> Value {
    let admin = bench.app.as_role(Role::Admin, "/acme");
    admin.get(&format!("/api/v1/webhook-endpoints/{id}")).send().await.expect(200).body
}

#[tokio::test]
async fn the_public_library_verifies_and_nothing_sealed_leaves() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        real_time(&bench.app);
        let server = answering(ResponseTemplate::new(204)).await;
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let body = json!({ "name": "all", "url": format!("{}/hook", server.uri()) });
        let reply = admin.post("/api/v1/webhook-endpoints").json(&body).send().await.expect(201);
        let secret = reply.body["secret"].as_str().unwrap();
        let customer = bench::customer(&bench.app, "en", None);
        bench.app.deliver(CustomerRegistered { customer: customer.clone() }).await;
        bench.open_ticket(None).await;
        bench.app.run_jobs().await;
        let calls = calls(&server).await;
        assert_eq!(calls.len(), 2);
        for call in &calls {
            verify(secret, call).unwrap();
            assert!(Webhook::new("whsec_AAAA").unwrap().verify(&call.body, &call.headers).is_err());
            assert!(!call.headers.contains_key("baggage"), "baggage stays among our own services");
        }
        let bodies: Vec<Value> = calls.iter().map(|c| c.body_json().unwrap()).collect();
        let of = |ty: &str| bodies.iter().find(|b| b["type"] == ty).unwrap();
        let registered = of(CustomerRegistered::TYPE);
        assert_eq!(registered["specversion"], "1.0");
        assert_eq!(registered["subject"], customer.customer_id.to_string());
        assert_eq!(registered["data"]["customer"]["name"], "***");
        assert_eq!(registered["data"]["customer"]["phone"], "***");
        assert_eq!(registered["data"]["customer"]["email"], Value::Null);
        assert_eq!(of(TicketOpened::TYPE)["data"]["ticket"]["number"], "T2026-000123");
        // Its own notices by webhook are not told by webhook.
        for event in bench.app.emitted().await {
            bench.app.try_deliver(&event).await.unwrap();
        }
        assert_eq!(
            bench.notices("state=queued&channel=webhook").await.len(),
            1,
            "the suppressed mail's"
        );
    }
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign_for_a_day() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        real_time(&bench.app);
        let server = answering(ResponseTemplate::new(200)).await;
        let (id, old) = bench.endpoint(&server.uri()).await;
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let rotate = format!("/api/v1/webhook-endpoints/{id}/rotate");
        let first = admin.post(&rotate).header("idempotency-key", "r1").send().await.expect(201);
        let again = admin.post(&rotate).header("idempotency-key", "r1").send().await.expect(201);
        assert_eq!(first.body["secret"], again.body["secret"], "one rotation");
        let new = first.body["secret"].as_str().unwrap();
        assert_ne!(new, old);
        bench.open_ticket(None).await;
        bench.app.run_jobs().await;
        let call = &calls(&server).await[0];
        verify(&old, call).unwrap();
        verify(new, call).unwrap();
        bench.app.clock.advance(TimeDelta::hours(25));
        bench.open_ticket(None).await;
        bench.app.run_jobs().await;
        let call = &calls(&server).await[1];
        let signatures = call.headers["webhook-signature"].to_str().unwrap();
        assert_eq!(signatures.split(' ').count(), 1, "the old one has run out");
    }
}

#[tokio::test]
async fn failures_are_retried_with_the_same_id_and_body() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let server = MockServer::start().await;
        let busy = ResponseTemplate::new(500).set_body_string("no\r\nway");
        Mock::given(method("POST")).respond_with(busy).up_to_n_times(1).mount(&server).await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
        let (id, _) = bench.endpoint(&server.uri()).await;
        bench.open_ticket(None).await;
        bench.app.run_jobs().await;
        assert!(!endpoint_state(&bench, id).await["failing_since"].is_null());
        bench.app.clock.advance(TimeDelta::seconds(7));
        bench.app.run_jobs().await;
        let calls = calls(&server).await;
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].headers["webhook-id"], calls[1].headers["webhook-id"]);
        assert_ne!(calls[0].headers["webhook-timestamp"], calls[1].headers["webhook-timestamp"]);
        assert_eq!(calls[0].body, calls[1].body);
        assert!(endpoint_state(&bench, id).await["failing_since"].is_null());

        let admin = bench.app.as_role(Role::Admin, "/acme");
        let url = format!("/api/v1/webhook-endpoints/{id}/attempts");
        let log = admin.get(&format!("{url}?limit=1&total=true")).send().await.expect(200).body;
        assert_eq!(
            (log["total"].as_i64(), log["items"][0]["outcome"].as_str()),
            (Some(2), Some("delivered"))
        );
        let next = format!("{url}?limit=1&cursor={}", log["next_cursor"].as_str().unwrap());
        let log = admin.get(&next).send().await.expect(200).body;
        assert_eq!(log["items"][0]["status"], 500);
        assert_eq!(log["items"][0]["response"], "no way");
        assert!(log["next_cursor"].is_null());
    }
}

#[tokio::test]
async fn redirects_are_failures_and_410_disables() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let target = answering(ResponseTemplate::new(200)).await;
        let redirect = ResponseTemplate::new(302).insert_header("location", target.uri());
        let server = answering(redirect).await;
        let gone = answering(ResponseTemplate::new(410)).await;
        let refusing = answering(ResponseTemplate::new(422)).await;
        let (a, _) = bench.endpoint(&server.uri()).await;
        let (b, _) = bench.endpoint(&gone.uri()).await;
        let (c, _) = bench.endpoint(&refusing.uri()).await;
        bench.open_ticket(None).await;
        bench.app.run_jobs().await;
        assert!(calls(&target).await.is_empty());
        let state = async |id: uuid::Uuid| {
            let rows = bench.notices(&format!("recipient={id}")).await;
            (rows[0]["state"].as_str().unwrap().to_owned(), rows[0]["attempts"].as_i64().unwrap())
        };
        assert_eq!(state(a).await, ("queued".into(), 1));
        assert_eq!(state(b).await, ("failed".into(), 1));
        assert_eq!(state(c).await, ("failed".into(), 1));
        assert_eq!(endpoint_state(&bench, b).await["state_reason"], "gone");
        assert_eq!(bench.app.emitted_of::<NoticeFailed>().await.len(), 2);
        // From now on it is told why nothing comes.
        bench.app.clock.advance(chrono::TimeDelta::seconds(1));
        bench.open_ticket(None).await;
        assert_eq!(
            bench.notices(&format!("recipient={b}")).await[0]["reason"],
            "endpoint_disabled"
        );
    }
}

#[tokio::test]
async fn a_throttling_endpoint_gets_its_pause() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let server = MockServer::start().await;
        let busy = ResponseTemplate::new(429).insert_header("retry-after", "120");
        Mock::given(method("POST")).respond_with(busy).up_to_n_times(1).mount(&server).await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
        bench.endpoint(&server.uri()).await;
        bench.open_ticket(None).await;
        bench.app.run_jobs().await;
        bench.open_ticket(None).await;
        bench.app.clock.advance(TimeDelta::seconds(119));
        bench.app.run_jobs().await;
        assert_eq!(calls(&server).await.len(), 1, "the whole lane waits");
        bench.app.clock.advance(TimeDelta::seconds(2));
        bench.app.run_jobs().await;
        assert_eq!(calls(&server).await.len(), 3);
    }
}

#[tokio::test]
async fn days_of_failure_disable_and_a_replay_makes_up_for_it() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let server = MockServer::start().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(500)).mount(&server).await;
        let (id, _) = bench.endpoint(&server.uri()).await;
        for _ in 0..6 {
            bench.open_ticket(None).await;
            bench.app.run_jobs().await;
            bench.app.clock.advance(TimeDelta::hours(25));
        }
        bench.app.run_jobs().await;
        let state = endpoint_state(&bench, id).await;
        assert_eq!(
            (state["state"].as_str(), state["state_reason"].as_str()),
            (Some("disabled"), Some("failing"))
        );
        let replay = format!("/api/v1/webhook-endpoints/{id}/replay");
        let admin = bench.app.as_role(Role::Admin, "/acme");
        admin
            .post(&replay)
            .json(&json!({}))
            .send()
            .await
            .expect_problem(409, "endpoint-disabled")
            .done();
        bench.app.clock.advance(TimeDelta::days(3));
        for _ in 0..3 {
            bench.app.run_jobs().await;
            bench.app.clock.advance(TimeDelta::hours(13));
        }
        let open = bench.notices(&format!("recipient={id}&state=queued")).await;
        assert!(open.is_empty(), "nothing waits for a disabled endpoint");

        server.reset().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
        let enable =
            json!({ "name": "ERP", "url": server.uri(), "event_types": [], "state": "active" });
        let url = format!("/api/v1/webhook-endpoints/{id}");
        admin
            .put(&url)
            .json(&enable)
            .send()
            .await
            .expect_problem(428, "precondition-required")
            .done();
        admin
            .put(&url)
            .json(&enable)
            .if_match(1)
            .send()
            .await
            .expect_problem(412, "precondition-failed")
            .done();
        let version = state["version"].as_i64().unwrap();
        admin.put(&url).json(&enable).if_match(version).send().await.expect(200).done();
        let reply = admin.post(&replay).json(&json!({})).send().await.expect(200);
        assert_eq!(reply.body, json!({ "count": 6, "more": false }));
        bench.app.run_jobs().await;
        assert_eq!(calls(&server).await.len(), 6);
        assert_eq!(bench.app.emitted_of::<NoticeDelivered>().await.len(), 6);

        let one = bench.notices(&format!("recipient={id}&limit=1")).await[0]["id"].clone();
        let reply = admin.post(&replay).json(&json!({ "notice_id": one })).send().await.expect(200);
        assert_eq!(reply.body["count"], 1);
        bench.app.run_jobs().await;
        assert_eq!(calls(&server).await.len(), 7);
    }
}

#[tokio::test]
async fn a_hanging_endpoint_delays_nobody_else() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let hanging =
            answering(ResponseTemplate::new(200).set_delay(Duration::from_secs(30))).await;
        let quick = answering(ResponseTemplate::new(200)).await;
        bench.endpoint(&hanging.uri()).await;
        let (id, _) = bench.endpoint(&quick.uri()).await;
        for _ in 0..20 {
            bench.open_ticket(None).await;
        }
        let began = Instant::now();
        let job = bench.app.run_jobs();
        let watch = async {
            loop {
                if bench.notices(&format!("recipient={id}&state=delivered")).await.len() == 20 {
                    return began.elapsed();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let (took, ()) = tokio::join!(watch, job);
        assert!(took < Duration::from_secs(4), "the neighbour waited {took:?}");
        assert_eq!(calls(&hanging).await.len(), 4, "no more than its lane holds");
    }
}

#[tokio::test]
async fn private_addresses_are_not_called() {
    for db in testkit::databases().await {
        // http is allowed here so that it is the address alone that is refused.
        let bench = start_with(db, "[notification.webhooks]\nallow_http = true").await;
        let server = answering(ResponseTemplate::new(200)).await;
        let port = server.address().port();
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let url = "/api/v1/webhook-endpoints";
        for literal in
            ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "169.254.169.254"]
        {
            let body = json!({ "name": "x", "url": format!("http://{literal}:{port}/") });
            let reply = admin.post(url).json(&body).send().await.expect_problem(422, "invalid");
            assert_eq!(reply.problem_pointers(), ["/url"], "{literal}");
        }
        // A name is judged when it is called, by every address that it resolves to.
        bench.endpoint(&format!("http://localhost:{port}/")).await;
        bench.open_ticket(None).await;
        bench.app.run_jobs().await;
        assert!(calls(&server).await.is_empty());
        let row = &bench.notices("channel=webhook").await[0];
        assert_eq!(row["state"], "queued");
        assert!(row["last_error"].as_str().unwrap().contains("not a public one"), "{row}");
    }
}

#[tokio::test]
async fn addresses_with_spaces_or_control_characters_are_refused() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let url = "/api/v1/webhook-endpoints";
        for address in ["https://example.org/\r\nX: y", "https://example.org/\t", " https://a.org/"]
        {
            let body = json!({ "name": "x", "url": address });
            let reply = admin.post(url).json(&body).send().await.expect_problem(422, "invalid");
            assert_eq!(reply.problem_pointers(), ["/url"], "{address:?}");
        }
    }
}

#[tokio::test]
async fn an_endpoint_hears_only_of_its_own_subtree() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let server = answering(ResponseTemplate::new(200)).await;
        let url = "/api/v1/webhook-endpoints";
        let south = bench.app.as_user("sofia", &[Role::Admin], "/acme/south");
        let hook = |name: &str, more: Value| {
            let mut body = json!({ "name": name, "url": format!("{}/{name}", server.uri()) });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        south.post(url).json(&hook("south", json!({}))).send().await.expect(201).done();
        let outside = hook("x", json!({ "org": "/acme/north" }));
        let reply = south.post(url).json(&outside).send().await.expect_problem(422, "invalid");
        assert_eq!(reply.problem_pointers(), ["/org"]);
        let bad = hook("x", json!({ "event_types": ["kefu.tickets.opened.v1"] }));
        let reply = south.post(url).json(&bad).send().await.expect_problem(422, "invalid");
        assert_eq!(reply.problem_pointers(), ["/event_types/0"]);
        let north = bench.app.as_user("nora", &[Role::Admin], "/acme/north");
        let only = hook("north", json!({ "event_types": ["kefu.ticket.opened.v1"] }));
        let id = north.post(url).json(&only).send().await.expect(201).id();
        bench.open_ticket(None).await;
        bench.app.run_jobs().await;
        let paths: Vec<String> =
            calls(&server).await.iter().map(|c| c.url.path().to_owned()).collect();
        assert_eq!(paths, ["/north"]);
        let at = format!("{url}/{id}");
        south.get(&at).send().await.expect_problem(404, "not-found").done();
        south.delete(&at).if_match(1).send().await.expect_problem(404, "not-found").done();
        south.post(&format!("{at}/rotate")).send().await.expect_problem(404, "not-found").done();
        south.get(&format!("{at}/attempts")).send().await.expect_problem(404, "not-found").done();
        let listed = south.get(&format!("{url}?total=true")).send().await.expect(200).body;
        assert_eq!(listed["total"], 1);
        assert!(listed["items"][0].get("secret").is_none());
        north.delete(&at).if_match(1).send().await.expect(204).done();
        north.get(&at).send().await.expect_problem(404, "not-found").done();
        bench.open_ticket(None).await;
        bench.app.run_jobs().await;
        assert_eq!(calls(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn a_test_event_goes_the_usual_way() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        real_time(&bench.app);
        let server = MockServer::start().await;
        let ok = ResponseTemplate::new(200);
        Mock::given(method("POST")).and(path("/hook")).respond_with(ok).mount(&server).await;
        let (id, secret) = bench.endpoint(&format!("{}/hook", server.uri())).await;
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let test = format!("/api/v1/webhook-endpoints/{id}/test");
        let reply = admin.post(&test).send().await.expect(201);
        bench.app.run_jobs().await;
        let call = &calls(&server).await[0];
        verify(&secret, call).unwrap();
        assert_eq!(call.body_json::<Value>().unwrap()["type"], "kefu.webhook.test.v1");
        let notice = admin.get(reply.header("location").unwrap()).send().await.expect(200).body;
        assert_eq!(notice["notice"]["state"], "delivered");
        assert_eq!(notice["log"][0]["status"], 200);
    }
}
