//! What goes wrong at the door: each a problem with a stable code, and nothing half-written.

use kefu_tests::{
    api::Caller,
    stack::{Options, Stack},
};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_gets_a_problem_and_leaves_nothing_behind() {
    let stack = Stack::suite(Options::default()).await;
    let admin = stack.user("admin").await;
    let before = figures(&admin).await;
    bodies(&admin).await;
    addresses(&admin).await;
    tokens(&stack).await;
    others(&stack, &admin).await;
    let rows = json!({ "source": "test", "rows": [{ "source_key": "1", "name": "" }, { "source_key": "2", "name": "x", "kind": "robot" }] });
    let report = admin.post("/api/v1/customer-imports", rows).await.expect(200);
    assert_eq!(report["errors"], 2, "{report}");
    // One customer and one ticket of the other branch were made on purpose.
    assert_eq!(figures(&admin).await, (before.0 + 1, before.1 + 1));
}

async fn figures(admin: &Caller) -> (u64, u64) {
    let total = async |path: &str| admin.get(path).await.expect(200)["total"].as_u64().unwrap();
    (
        total("/api/v1/customers?limit=1&total=true").await,
        total("/api/v1/tickets?limit=1&total=true").await,
    )
}

async fn bodies(admin: &Caller) {
    let raw = async |body: String| {
        let request = admin
            .request(Method::POST, "/api/v1/tickets")
            .header("content-type", "application/json")
            .body(body);
        admin.send(request).await
    };
    assert_eq!(raw("{\"kind\":".into()).await.problem(400), "malformed-body");
    let unknown =
        raw(json!({ "kind": "complaint", "subject": "x", "colour": "red" }).to_string()).await;
    assert_eq!(unknown.problem(422), "invalid");
    assert_eq!(unknown.body["errors"][0]["pointer"], "/colour");
    let typed = raw(json!({ "kind": "complaint", "subject": 7 }).to_string()).await;
    assert_eq!(typed.problem(422), "invalid");
    assert_eq!(typed.body["errors"][0]["pointer"], "/subject");
    let huge = raw(
        json!({ "kind": "complaint", "subject": "x", "body": "x".repeat(3 << 20) }).to_string()
    )
    .await;
    assert_eq!(huge.problem(413), "body-too-large");
    let kind = raw(json!({ "kind": "poem", "subject": "x" }).to_string()).await;
    assert_eq!((kind.status, &kind.body["errors"][0]["pointer"]), (422, &json!("/kind")));
    let stranger = raw(json!({ "kind": "complaint", "subject": "x", "customer_id": "01890000-0000-7000-8000-000000000000" }).to_string()).await;
    assert_eq!(
        (stranger.status, &stranger.body["errors"][0]["pointer"]),
        (422, &json!("/customer_id"))
    );
    let media = admin
        .send(
            admin
                .request(Method::POST, "/api/v1/tickets")
                .header("content-type", "text/plain")
                .body("hello"),
        )
        .await;
    assert_eq!(media.problem(415), "unsupported-media-type");
    let key = json!({ "kind": "robot", "name": "" });
    assert_eq!(admin.post("/api/v1/customers", key).await.status, 422);
}

async fn addresses(admin: &Caller) {
    for (path, status, code) in [
        ("/api/v1/tickets?cursor=nonsense", 400, "invalid-cursor"),
        ("/api/v1/tickets?limit=0", 400, "invalid-query"),
        ("/api/v1/tickets?limit=100000", 400, "invalid-query"),
        ("/api/v1/tickets?colour=red", 400, "invalid-query"),
        ("/api/v1/tickets/not-an-id", 400, "invalid-path"),
        ("/api/v1/tickets/01890000-0000-7000-8000-000000000000", 404, "not-found"),
        ("/api/v1/customers/01890000-0000-7000-8000-000000000000", 404, "not-found"),
        ("/api/v1/notices/01890000-0000-7000-8000-000000000000", 404, "not-found"),
        ("/api/v1/nothing-here", 404, "not-found"),
    ] {
        assert_eq!(admin.get(path).await.problem(status), code, "{path}");
    }
}

async fn tokens(stack: &Stack) {
    let nobody = Caller::anonymous(&stack.urls);
    assert_eq!(nobody.get("/api/v1/tickets").await.problem(401), "unauthenticated");
    let forged = nobody
        .request(Method::GET, "/api/v1/tickets")
        .bearer_auth("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.");
    assert_eq!(nobody.send(forged).await.problem(401), "unauthenticated");
    let token = "A".repeat(43);
    assert_eq!(nobody.get(&format!("/api/v1/answers/{token}")).await.status, 404);
}

/// Another branch's records are not there for the caller.
async fn others(stack: &Stack, admin: &Caller) {
    let customer = json!({ "kind": "person", "name": "Northerner", "org": "/acme/north" });
    let customer = admin.post("/api/v1/customers", customer).await.expect(201);
    let ticket = json!({ "kind": "consultation", "subject": "north", "org": "/acme/north" });
    let ticket = admin.post_once("/api/v1/tickets", "one-key", &ticket).await;
    let other = admin
        .post_once(
            "/api/v1/tickets",
            "one-key",
            &json!({ "kind": "complaint", "subject": "other" }),
        )
        .await;
    assert_eq!(other.problem(422), "idempotency-key-reused");
    let ticket = ticket.expect(201)["id"].as_str().unwrap().to_owned();
    let south = stack.user("chen.jie").await;
    let (ticket_path, customer_path) = (
        format!("/api/v1/tickets/{ticket}"),
        format!("/api/v1/customers/{}", customer["id"].as_str().unwrap()),
    );
    assert_eq!(south.get(&ticket_path).await.problem(404), "not-found");
    assert_eq!(south.get(&customer_path).await.problem(404), "not-found");
    assert_eq!(
        south.post(&format!("{ticket_path}/claim"), json!({})).await.problem(404),
        "not-found"
    );
    let patch = |etag: Option<&str>| {
        let request =
            admin.request(Method::PATCH, &ticket_path).json(&json!({ "subject": "changed" }));
        match etag {
            Some(etag) => request.header("if-match", etag),
            None => request,
        }
    };
    assert_eq!(admin.send(patch(None)).await.problem(428), "precondition-required");
    assert_eq!(admin.send(patch(Some("\"99\""))).await.problem(412), "precondition-failed");
    assert_eq!(admin.send(patch(Some("nonsense"))).await.problem(400), "invalid-header");
    let unchanged = admin.get(&ticket_path).await.expect(200);
    assert_eq!((&unchanged["subject"], &unchanged["version"]), (&json!("north"), &json!(1)));
}
