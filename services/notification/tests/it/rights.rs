//! An endpoint hears no more than its owner may read, also later.

use chrono::TimeDelta;
use contracts::{
    Event,
    quality::{RectificationOpened, RectificationSnapshot},
    ticketing::TicketOpened,
};
use kernel::{Permission as P, Role};
use serde_json::{Value, json};
use store::sql;
use testkit::Client;
use uuid::Uuid;

use crate::bench::{self, Bench, LOCAL_WEBHOOKS, ORG, start_with};

const URL: &str = "/api/v1/webhook-endpoints";

/// Nobody listens there; what counts is what the ledger says was to be sent.
fn input(types: &[&str]) -> Value {
    json!({ "name": "ERP", "url": "http://127.0.0.1:9/hook", "event_types": types })
}

async fn make(client: &Client, types: &[&str]) -> Uuid {
    client.post(URL).json(&input(types)).send().await.expect(201).id()
}

async fn view(client: &Client, id: Uuid) -> Value {
    client.get(&format!("{URL}/{id}")).send().await.expect(200).body
}

async fn a_ticket_and_a_rectification(bench: &Bench) {
    let rectification = RectificationSnapshot {
        rectification_id: kernel::new_id(),
        org: ORG.into(),
        evaluation_id: None,
        ticket_id: None,
        customer_id: None,
        title: "Call back".into(),
        owner: "li".into(),
        due_at: bench::at("2026-03-09T01:00:00Z"),
        state: "open".into(),
    };
    bench.open_ticket(None).await;
    bench.app.deliver(RectificationOpened { rectification }).await;
}

/// Event type and state of what the ledger has for the endpoint, the newest first.
async fn heard(bench: &Bench, id: Uuid) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or("-").to_owned();
    let rows = bench.notices(&format!("recipient={id}")).await;
    rows.iter()
        .map(|r| {
            let state =
                if r["state"] == "suppressed" { text(&r["reason"]) } else { text(&r["state"]) };
            (text(&r["event_type"]), state)
        })
        .collect()
}

#[tokio::test]
async fn an_endpoint_hears_what_its_owner_may_read() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let erp = bench.app.as_client("erp", &[P::WebhookManage, P::TicketRead], "/acme");
        for types in [
            &["kefu.quality.*"][..],
            &["kefu.notification.failed.v1"],
            &["kefu.survey.answered.v1"],
        ] {
            let reply =
                erp.post(URL).json(&input(types)).send().await.expect_problem(422, "invalid");
            assert_eq!(reply.problem_pointers(), ["/event_types/0"], "{types:?}");
        }
        let blind = bench.app.as_client("blind", &[P::WebhookManage], "/acme");
        let reply = blind.post(URL).json(&input(&[])).send().await.expect_problem(422, "invalid");
        assert_eq!(reply.problem_pointers(), ["/event_types"]);

        // "All" means all that the owner may read.
        let id = make(&erp, &[]).await;
        let seen = view(&erp, id).await;
        let hears = seen["hears"].as_array().unwrap();
        assert!(
            !hears.is_empty()
                && hears.iter().all(|t| t.as_str().unwrap().starts_with("kefu.ticket."))
        );
        assert_eq!(seen["owner"], "client:erp");
        a_ticket_and_a_rectification(&bench).await;
        assert_eq!(heard(&bench, id).await, [(TicketOpened::TYPE.into(), "queued".into())]);
        // Whoever holds more makes it hear more by saving it.
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let mut all = input(&[]);
        all["state"] = json!("active");
        admin.put(&format!("{URL}/{id}")).if_match(1).json(&all).send().await.expect(200).done();
        a_ticket_and_a_rectification(&bench).await;
        assert_eq!(heard(&bench, id).await.len(), 3);
    }
}

#[tokio::test]
async fn a_machine_manages_only_its_own_endpoints_and_people_all_of_their_unit() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let scopes = [P::WebhookManage, P::TicketRead];
        let erp = bench.app.as_client("erp", &scopes, "/acme");
        let crm = bench.app.as_client("crm", &scopes, "/acme");
        let (of_erp, of_crm) = (make(&erp, &[]).await, make(&crm, &[]).await);
        let at = format!("{URL}/{of_erp}");
        let mut saved = input(&[]);
        saved["state"] = json!("active");
        crm.get(&at).send().await.expect_problem(404, "not-found").done();
        let put = crm.put(&at).if_match(1).json(&saved).send().await;
        put.expect_problem(404, "not-found").done();
        crm.delete(&at).if_match(1).send().await.expect_problem(404, "not-found").done();
        crm.get(&format!("{at}/attempts")).send().await.expect_problem(404, "not-found").done();
        for action in ["rotate", "test"] {
            let reply = crm.post(&format!("{at}/{action}")).send().await;
            reply.expect_problem(404, "not-found").done();
        }
        let replay = crm.post(&format!("{at}/replay")).json(&json!({})).send().await;
        replay.expect_problem(404, "not-found").done();
        let list = crm.get(&format!("{URL}?total=true")).send().await.expect(200).body;
        assert_eq!((&list["total"], list["items"].as_array().unwrap().len()), (&json!(1), 1));
        assert_eq!(list["items"][0]["id"], of_crm.to_string());

        assert_eq!(view(&erp, of_erp).await["owner"], "client:erp");
        erp.post(&format!("{at}/rotate")).send().await.expect(201).done();
        erp.put(&at).if_match(1).json(&saved).send().await.expect(200).done();
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let list = admin.get(&format!("{URL}?total=true")).send().await.expect(200).body;
        assert_eq!(list["total"], 2);
        admin.post(&format!("{at}/rotate")).send().await.expect(201).done();
        admin.put(&at).if_match(2).json(&saved).send().await.expect(200).done();
    }
}

#[tokio::test]
async fn a_person_who_lost_a_right_loses_it_here_with_the_next_request() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let before = bench.app.as_user("ada", &[Role::Admin], "/acme");
        let id = make(&before, &["kefu.ticket.*", "kefu.quality.*"]).await;
        a_ticket_and_a_rectification(&bench).await;
        assert_eq!(heard(&bench, id).await.len(), 2);
        // The same person, now an agent, looks into the inbox.
        let after = bench.app.as_user("ada", &[Role::Agent], "/acme");
        after.get("/api/v1/inbox").send().await.expect(200).done();
        a_ticket_and_a_rectification(&bench).await;
        assert_eq!(heard(&bench, id).await.len(), 2, "nothing more");
        let other = bench.app.as_user("bob", &[Role::Admin], "/acme");
        assert_eq!(view(&other, id).await["hears"], json!([]));
        // What was decided before and waits is not sent either.
        bench.app.run_jobs().await;
        assert!(heard(&bench, id).await.iter().all(|(_, state)| state == "right_lapsed"));
        // The old token brings nothing back by being used; saving does.
        before.get("/api/v1/inbox").send().await.expect(200).done();
        assert_eq!(view(&other, id).await["hears"], json!([]));
    }
}

#[tokio::test]
async fn somebody_moved_to_another_unit_hears_of_the_old_one_no_more() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let id = make(&bench.app.as_user("ada", &[Role::Admin], ORG), &["kefu.ticket.*"]).await;
        let moved = bench.app.as_user("ada", &[Role::Admin], "/acme/south");
        moved.get(URL).send().await.expect(200).done();
        bench.open_ticket(None).await;
        assert!(heard(&bench, id).await.is_empty());
    }
}

#[tokio::test]
async fn whoever_has_left_hears_nothing_more() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let id = make(&bench.app.as_user("ada", &[Role::Admin], ORG), &["kefu.ticket.*"]).await;
        let gone = json!({ "name": "Ada", "roles": ["admin"], "active": false, "org": ORG });
        // A sibling's administrator cannot silence others.
        let south = bench.app.as_user("sofia", &[Role::Admin], "/acme/south");
        let theirs = json!({ "name": "Ada", "roles": [], "active": false });
        south.put("/api/v1/staff/ada").json(&theirs).send().await.expect(200).done();
        bench.open_ticket(None).await;
        assert_eq!(heard(&bench, id).await.len(), 1);
        let top = bench.app.as_user("bob", &[Role::Admin], "/acme");
        top.put("/api/v1/staff/ada").json(&gone).send().await.expect(200).done();
        bench.open_ticket(None).await;
        assert_eq!(heard(&bench, id).await.len(), 1);
    }
}

#[tokio::test]
async fn a_machine_confirms_what_its_tokens_carry() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let full = [P::WebhookManage, P::TicketRead, P::QualityRead];
        let erp = bench.app.as_client("erp", &full, "/acme");
        let id = make(&erp, &["kefu.ticket.*", "kefu.quality.*"]).await;
        // A token asked for with fewer scopes takes nothing away, it only does not confirm.
        bench.app.clock.advance(TimeDelta::days(60));
        let fewer = bench.app.as_client("erp", &full[..2], "/acme");
        fewer.get(URL).send().await.expect(200).done();
        a_ticket_and_a_rectification(&bench).await;
        assert_eq!(heard(&bench, id).await.len(), 2);
        bench.app.clock.advance(TimeDelta::days(31));
        a_ticket_and_a_rectification(&bench).await;
        let rows = heard(&bench, id).await;
        let of = |wanted: &str| {
            let found = rows.iter().filter(|(_, state)| state == wanted);
            found.map(|(ty, _)| ty.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of("right_lapsed"), [RectificationOpened::TYPE]);
        assert_eq!(of("queued").len(), 3, "{rows:?}");
        // Shown once more it counts again, and what was missed can be asked for.
        let erp = bench.app.as_client("erp", &full, "/acme");
        let seen = view(&erp, id).await;
        assert!(seen["hears"].as_array().unwrap().iter().any(|t| t == RectificationOpened::TYPE));
        let replayed =
            erp.post(&format!("{URL}/{id}/replay")).json(&json!({})).send().await.expect(200);
        assert_eq!(replayed.body["count"], 1);
    }
}

#[tokio::test]
async fn endpoints_from_before_are_taken_on_record_and_lapse_unless_saved() {
    for db in testkit::databases().await {
        let bench = start_with(db, LOCAL_WEBHOOKS).await;
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let id = make(&admin, &["kefu.ticket.*"]).await;
        // As the last release writes it.
        let old = "UPDATE webhook_endpoint SET owner = NULL, rights = NULL";
        sql::execute(&bench.app.db, old, vec![]).await.unwrap();
        bench.open_ticket(None).await;
        assert_eq!(heard(&bench, id).await[0].1, "queued");
        bench.app.run_jobs().await;
        assert_ne!(view(&admin, id).await["confirm_by"], Value::Null);
        bench.app.clock.advance(TimeDelta::days(91));
        bench.open_ticket(None).await;
        assert_eq!(heard(&bench, id).await[0].1, "right_lapsed");
        let mut saved = input(&["kefu.ticket.*"]);
        saved["state"] = json!("active");
        let version = view(&admin, id).await["version"].as_i64().unwrap();
        admin
            .put(&format!("{URL}/{id}"))
            .if_match(version)
            .json(&saved)
            .send()
            .await
            .expect(200)
            .done();
        bench.app.clock.advance(TimeDelta::seconds(1));
        bench.open_ticket(None).await;
        assert_eq!(heard(&bench, id).await[0].1, "queued");
    }
}
