//! [`testkit::TestApp`] on both databases.

use chrono::TimeDelta;
use events::Outcome;
use kernel::{Clock, Permission, Role};
use serde_json::json;
use testkit::TestApp;

use crate::notes::{self, NoteWritten};

#[tokio::test]
async fn a_module_can_be_driven_by_hand() {
    for db in testkit::databases().await {
        let app = TestApp::start(notes::module(), db).await;
        assert_eq!(app.clock.now().to_rfc3339(), "2026-03-02T01:00:00+00:00");
        let agent = app.as_role(Role::Agent, "/acme");
        let note =
            agent.post("/api/v1/notes").json(&json!({ "text": "hello" })).send().await.expect(201);
        assert_eq!(app.emitted_of::<NoteWritten>().await[0].note_id, note.id());

        let event = app.emitted().await.remove(0);
        assert_eq!(app.deliver_envelope(&event).await, Outcome::Done);
        assert_eq!(app.deliver_envelope(&event).await, Outcome::Duplicate);
        let path = format!("/api/v1/notes/{}", note.id());
        assert_eq!(agent.get(&path).send().await.expect(200).body["seen"], 1);
        app.as_role(Role::Agent, "/other")
            .get(&path)
            .send()
            .await
            .expect_problem(404, "not-found")
            .done();

        let unknown = NoteWritten { note_id: kernel::new_id(), org: "/acme".into() };
        assert!(app.try_deliver(&app.envelope(unknown)).await.is_err());

        app.run_jobs().await;
        app.run_job("tick").await;
        app.clock.advance(TimeDelta::hours(1));
        let ticks = store::sql::one(&app.db, "SELECT n FROM tick", vec![]).await.unwrap().unwrap();
        assert_eq!(ticks.try_get::<i64>("", "n").unwrap(), 2);

        let app = app.restart().await;
        assert_eq!(
            app.as_role(Role::Agent, "/acme").get(&path).send().await.expect(200).body["seen"],
            1
        );
    }
}

#[tokio::test]
async fn clients_settings_and_problems() {
    let app = TestApp::start_with(notes::module(), testkit::sqlite(), "[notes]\nlongest = 3").await;
    let partner = app.as_client("partner", &[Permission::TicketCreate], "/acme");
    let refused = partner
        .post("/api/v1/notes")
        .json(&json!({ "text": "four" }))
        .send()
        .await
        .expect_problem(422, "invalid");
    assert_eq!(refused.problem_pointers(), ["/text"]);
    partner
        .post("/api/v1/notes")
        .json(&json!({ "text": "abc" }))
        .header("Idempotency-Key", "k")
        .send()
        .await
        .expect(201)
        .done();
    partner.get("/api/v1/notes").send().await.expect_problem(403, "forbidden").done();
    app.anonymous().get("/api/v1/notes").send().await.expect_problem(401, "unauthenticated").done();
    app.anonymous().get("/nowhere").send().await.expect_problem(404, "not-found").done();
    app.anonymous()
        .delete("/api/v1/notes")
        .send()
        .await
        .expect_problem(405, "method-not-allowed")
        .done();
    let expired = app.with_token(
        app.mint
            .sign(json!({ "sub": "x", "roles": ["admin"], "org": "/acme", "exp": 1_700_000_100 })),
    );
    expired.get("/api/v1/notes").send().await.expect_problem(401, "unauthenticated").done();
}
