//! Another kind or another customer of a ticket.

use contracts::{customer::CustomerRegistered, ticketing::TicketChanged};
use serde_json::{Value, json};
use testkit::{Client, Reply, TestApp};
use uuid::Uuid;

use crate::support::{
    act, advance, agent, configure, customer, history, known_customer, lead, matter, now,
    on_every_database, open, policy, read, time, timer, timers, told,
};

async fn patch(client: &Client, id: Uuid, body: Value) -> Reply {
    let version = read(client, id).await.version();
    client.patch(&format!("/api/v1/tickets/{id}")).if_match(version).json(&body).send().await
}

async fn vip(app: &TestApp) -> Uuid {
    let mut known = customer(Some("vip"));
    known.account_manager = Some("max".into());
    known.locale = "zh-CN".into();
    let id = known.customer_id;
    app.deliver(CustomerRegistered { customer: known }).await;
    id
}

async fn last_changed(app: &TestApp) -> TicketChanged {
    app.emitted_of::<TicketChanged>().await.pop().unwrap()
}

#[tokio::test]
async fn a_customer_is_set_corrected_and_taken_away() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let opened = now(&app);
        let id = open(&amy, &matter("repair", "x")).await.id();
        advance(&app, 10);
        act(&amy, id, "pending", json!({})).await.expect(200).done();
        advance(&app, 30);
        act(&amy, id, "resume", json!({})).await.expect(200).done();
        let who = vip(&app).await;

        let set = patch(&amy, id, json!({ "customer_id": who, "reason": "来电核实" })).await;
        let set = set.expect(200);
        for (field, value) in [
            ("customer_id", json!(who)),
            ("tier", json!("vip")),
            ("account_manager", json!("max")),
            ("locale", json!("zh-CN")),
        ] {
            assert_eq!(set.body[field], value, "{field}");
        }
        let resolution = timer(&amy, id, "resolution").await;
        assert_eq!(
            (&resolution["policy"], time(&resolution["due_at"])),
            (&json!("vip"), opened + chrono::TimeDelta::minutes(480 + 30)),
            "from the start, with its pause"
        );
        let event = last_changed(&app).await;
        assert_eq!(event.fields, ["customer_id", "locale", "tier", "account_manager"]);
        assert_eq!((event.customer_before, event.ticket.customer_id), (None, Some(who)));
        let line = format!("customer_id: - → {who}");
        assert!(history(&amy, id).await.contains(&line));

        let other = known_customer(&app).await;
        let corrected = patch(&amy, id, json!({ "customer_id": other })).await.expect(200);
        assert_eq!(
            (&corrected.body["tier"], &corrected.body["account_manager"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(timer(&amy, id, "resolution").await["policy"], "normal");
        assert_eq!(last_changed(&app).await.customer_before, Some(who));

        let version = corrected.version();
        let same = patch(&amy, id, json!({ "customer_id": other })).await.expect(200);
        assert_eq!(same.version(), version, "nothing to change");
        let none = patch(&amy, id, json!({ "customer_id": null })).await.expect(200);
        assert_eq!(none.body["customer_id"], Value::Null);

        // Nobody who does not exist here, and no one of another enterprise.
        let mut foreign = customer(None);
        foreign.org = "/other".into();
        let elsewhere = foreign.customer_id;
        app.deliver(CustomerRegistered { customer: foreign }).await;
        for unknown in [Uuid::from_u128(7), elsewhere] {
            let body = json!({ "customer_id": unknown });
            let refused = patch(&amy, id, body).await.expect_problem(422, "invalid");
            assert_eq!(refused.problem_pointers(), ["/customer_id"]);
        }
        assert_eq!(read(&amy, id).await.version(), none.version());
    });
}

#[tokio::test]
async fn another_kind_brings_its_queue_and_policy() {
    on_every_database!(async |app| {
        let queue = json!({ "name": { "zh": "投诉", "en": "Complaints" }, "kinds": ["complaint"] });
        configure(&app, "queues/complaints", 0, &queue).await.done();
        let mut grave = policy("always", json!(20), json!(200));
        grave["when"] = json!({ "kinds": ["complaint"] });
        configure(&app, "sla-policies/complaints", 0, &grave).await.done();
        let amy = agent(&app, "amy");
        let opened = now(&app);
        let id = open(&amy, &matter("consultation", "其实是投诉")).await.id();
        advance(&app, 5);
        let body = json!({ "kind": "complaint", "complaint_level": "major" });
        let changed = patch(&amy, id, body).await.expect(200);
        for (field, value) in [
            ("kind", "complaint"),
            ("queue", "complaints"),
            ("complaint_level", "major"),
            ("priority", "normal"),
        ] {
            assert_eq!(changed.body[field], value, "{field}");
        }
        let resolution = timer(&amy, id, "resolution").await;
        assert_eq!(time(&resolution["due_at"]), opened + chrono::TimeDelta::minutes(200));
        assert_eq!(last_changed(&app).await.fields, ["kind", "complaint_level", "queue"]);
        assert!(history(&amy, id).await.contains(&"kind: consultation → complaint".to_owned()));
        let found = amy.get("/api/v1/tickets?kind=complaint&total=true").send().await.expect(200);
        assert_eq!(found.body["total"], 1);
        let found = amy.get("/api/v1/tickets?q=投诉&kind=complaint&total=true").send().await;
        assert_eq!(found.expect(200).body["total"], 1, "search follows");

        // A queue that somebody chose stays.
        let chosen = json!({ "queue": "general", "reason": "x" });
        act(&amy, id, "transfer", chosen).await.expect(200).done();
        let back = json!({ "kind": "repair", "complaint_level": null, "reason": "误选" });
        let back = patch(&lead(&app), id, back).await.expect(200);
        assert_eq!(
            (&back.body["kind"], &back.body["queue"]),
            (&json!("repair"), &json!("general"))
        );
    });
}

#[tokio::test]
async fn a_target_that_a_correction_brings_starts_with_the_ticket() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        open(&amy, &matter("repair", "the configuration is there now")).await.done();
        let mut off = policy("always", json!(1), json!(1));
        off["enabled"] = json!(false);
        configure(&app, "sla-policies/normal", 1, &off).await.done();
        let mut promised = policy("always", json!(20), json!(200));
        promised["when"] = json!({ "kinds": ["repair"] });
        configure(&app, "sla-policies/repairs", 0, &promised).await.done();
        let opened = now(&app);
        let id = open(&amy, &matter("consultation", "x")).await.id();
        assert_eq!(timers(&amy, id).await, Vec::<Value>::new());
        advance(&app, 10);
        act(&amy, id, "pending", json!({})).await.expect(200).done();
        advance(&app, 30);
        act(&amy, id, "resume", json!({})).await.expect(200).done();
        advance(&app, 5);

        let changed = patch(&amy, id, json!({ "kind": "repair" })).await.expect(200);
        assert_eq!(changed.body["breached"], true, "nobody answered within 20 minutes");
        assert_eq!(timer(&amy, id, "first_response").await["state"], "breached");
        let resolution = timer(&amy, id, "resolution").await;
        assert_eq!(
            (time(&resolution["started_at"]), time(&resolution["due_at"])),
            (opened, opened + chrono::TimeDelta::minutes(200 + 30)),
            "with the pause of before"
        );
        assert!(!told(&app, id).await.contains(&"timer_breached".to_owned()), "in silence");
        // What was taken away by one kind comes back with the next, as its next cycle.
        patch(&amy, id, json!({ "kind": "consultation" })).await.expect(200).done();
        assert_eq!(timer(&amy, id, "resolution").await["state"], "cancelled");
        act(&amy, id, "hold", json!({})).await.expect(200).done();
        patch(&amy, id, json!({ "kind": "repair" })).await.expect(200).done();
        let again = timer(&amy, id, "resolution").await;
        assert_eq!(
            (&again["cycle"], &again["state"], again["pauses"].as_array().unwrap().len()),
            (&json!(2), &json!("paused"), 2)
        );
        assert_eq!(timers(&amy, id).await.len(), 3, "no second first response");
    });
}

#[tokio::test]
async fn category_and_level_have_to_fit_the_new_kind() {
    on_every_database!(async |app| {
        let leak = json!([{ "key": "leak", "name": { "zh": "漏水", "en": "Leak" } }]);
        let kind = json!({ "name": { "zh": "保养", "en": "Maintenance" },
            "default_priority": "low", "reopen_days": 2, "categories": leak });
        configure(&app, "ticket-kinds/maintenance", 0, &kind).await.done();
        let mut off = kind.clone();
        off["enabled"] = json!(false);
        configure(&app, "ticket-kinds/gone", 0, &off).await.done();
        let lea = lead(&app);
        let body = json!({ "kind": "complaint", "subject": "x", "category": "noise",
            "complaint_level": "general" });
        let id = open(&lea, &body).await.id();
        for (change, pointers) in [
            (json!({ "kind": "nonsense" }), &["/kind", "/complaint_level"][..]),
            (
                json!({ "kind": "gone", "category": "leak", "complaint_level": null, "reason": "x" }),
                &["/kind"],
            ),
            (json!({ "kind": "maintenance" }), &["/category", "/complaint_level"]),
            (json!({ "kind": "maintenance", "category": "leak" }), &["/complaint_level"]),
            (
                json!({ "kind": "maintenance", "category": null, "complaint_level": null }),
                &["/reason"],
            ),
        ] {
            let refused = patch(&lea, id, change.clone()).await.expect_problem(422, "invalid");
            assert_eq!(refused.problem_pointers(), pointers, "{change}");
        }
        let fits = json!({ "kind": "maintenance", "category": "leak", "complaint_level": null,
            "reason": "报错类型" });
        let agent = agent(&app, "amy");
        patch(&agent, id, fits.clone()).await.expect_problem(403, "lowering-not-allowed").done();
        assert_eq!(patch(&lea, id, fits).await.expect(200).body["category"], "leak");
    });
}

#[tokio::test]
async fn a_correction_finds_the_complaint_that_it_repeats() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let who = known_customer(&app).await;
        let complaint = json!({ "kind": "complaint", "subject": "又漏水", "category": "leak",
            "customer_id": who });
        let first = open(&amy, &complaint).await.id();
        advance(&app, 1);
        let mut anonymous = complaint.clone();
        anonymous["customer_id"] = Value::Null;
        let second = open(&amy, &anonymous).await.id();
        let set = patch(&amy, second, json!({ "customer_id": who })).await.expect(200);
        assert_eq!(
            (&set.body["repeat_of"], &set.body["escalation_level"]),
            (&json!(first), &json!(1))
        );
        assert_eq!(told(&app, second).await, ["opened", "escalated", "changed"]);
        // Not the other way round, and no more when it was somebody else's.
        let subject = patch(&amy, first, json!({ "category": "noise" })).await.expect(200);
        assert_eq!(subject.body["repeat_of"], Value::Null);
        let other = known_customer(&app).await;
        let moved = patch(&amy, second, json!({ "customer_id": other })).await.expect(200);
        assert_eq!(moved.body["repeat_of"], Value::Null);
    });
}
