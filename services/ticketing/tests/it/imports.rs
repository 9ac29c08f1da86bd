//! Taking over a ServiceNow incident log: a small one, broken rows, and the real one.

use std::collections::BTreeMap;

use contracts::ticketing::{TicketImported, TicketOpened};
use kernel::Permission;
use serde_json::{Value, json};
use testkit::{Client, Reply, TestApp};

use crate::support::{
    ORG, admin, agent, at, count, history, lead, on_every_database, read, time, timers,
};

/// A row of `INC1`; `more` overrides.
fn row(line: u32, state: &str, updated: &str, more: Value) -> Value {
    let mut row = json!({
        "line": line, "number": "INC1", "incident_state": state, "sys_mod_count": line.to_string(),
        "sys_updated_by": "Updated by 21", "sys_updated_at": updated, "opened_by": "Opened by  8",
        "opened_at": "29-02-2016 01:16", "resolved_at": "01-03-2016 10:00", "closed_at": "06-03-2016 10:00",
        "reopen_count": "0", "reassignment_count": "0", "priority": "3 - Moderate", "contact_type": "Phone",
        "category": "Category 55", "subcategory": "Subcategory 170", "u_symptom": "?",
        "assignment_group": "Group 56", "assigned_to": "?", "closed_code": "code 5", "caller_id": "Caller 7",
    });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

/// Opened, waiting for a vendor for a day, resolved, closed.
fn log() -> Vec<Value> {
    vec![
        row(2, "New", "29-02-2016 01:23", json!({})),
        row(3, "Active", "29-02-2016 02:00", json!({ "assigned_to": "Resolver 3" })),
        row(4, "Awaiting Vendor", "29-02-2016 03:00", json!({ "assigned_to": "Resolver 3" })),
        row(
            5,
            "Active",
            "01-03-2016 03:00",
            json!({ "assigned_to": "Resolver 3", "assignment_group": "Group 9" }),
        ),
        row(
            6,
            "Resolved",
            "01-03-2016 10:00",
            json!({ "assigned_to": "Resolver 3", "assignment_group": "Group 9" }),
        ),
        row(
            7,
            "Closed",
            "06-03-2016 10:00",
            json!({ "assigned_to": "Resolver 3", "assignment_group": "Group 9" }),
        ),
    ]
}

async fn import(client: &Client, rows: &[Value]) -> Reply {
    let body = json!({ "source": "servicenow", "org": ORG, "rows": rows });
    client.post("/api/v1/ticket-imports/servicenow").json(&body).send().await
}

/// Applied, unchanged, faulty.
fn counts(reply: &Reply) -> [i64; 3] {
    ["applied", "unchanged", "errors"].map(|field| reply.body[field].as_i64().unwrap())
}

async fn imported(client: &Client, number: &str) -> Value {
    let path = format!("/api/v1/tickets?import_number={number}");
    let found = client.get(&path).send().await.expect(200);
    let items = found.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{number} is one ticket");
    items[0].clone()
}

/// What must be equal however the rows were sent.
async fn whole(app: &TestApp) -> (Value, Vec<String>, Vec<Value>) {
    let client = lead(app);
    let mut ticket = imported(&client, "INC1").await;
    let id = ticket["id"].as_str().unwrap().parse().unwrap();
    let mut timers = timers(&client, id).await;
    for item in std::iter::once(&mut ticket).chain(&mut timers) {
        for random in ["id", "version"] {
            item.as_object_mut().unwrap().remove(random);
        }
    }
    (ticket, history(&client, id).await, timers)
}

#[tokio::test]
async fn a_log_is_replayed_in_its_own_time() {
    on_every_database!(async |app| {
        let admin = admin(&app);
        let first = import(&admin, &log()).await.expect(200);
        assert_eq!(counts(&first), [6, 0, 0]);
        let ticket = imported(&lead(&app), "INC1").await;
        let id = ticket["id"].as_str().unwrap().parse().unwrap();
        let expected = json!({
            "status": "closed", "number": "T2016-000001", "priority": "normal", "queue": "Group 9",
            "handler": "Resolver 3", "opened_by": "Opened by 8", "channel": "phone", "kind": "repair",
            "subject": "Category 55 / Subcategory 170", "resolution": "code 5", "reopen_count": 0,
            "resolution_attained": true, "breached": false, "org": ORG, "first_responder": null,
        });
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&ticket[field], value, "{field}");
        }
        assert_eq!(time(&ticket["opened_at"]), at("2016-02-29T01:16:00Z"));
        assert_eq!(time(&ticket["resolved_at"]), at("2016-03-01T10:00:00Z"));
        assert_eq!(time(&ticket["closed_at"]), at("2016-03-06T10:00:00Z"));
        // 24 hours of the target of 24 and a day of waiting: due on 2 March at 01:16.
        let timer = &timers(&admin, id).await[0];
        assert_eq!(
            (&timer["state"], time(&timer["due_at"])),
            (&json!("met"), at("2016-03-02T01:16:00Z"))
        );
        let history = history(&admin, id).await;
        for line in
            ["status: on_hold → open", "queue: Group 56 → Group 9", "status: resolved → closed"]
        {
            assert!(history.iter().any(|h| h == line), "{line} is missing in {history:#?}");
        }

        // Nobody is told of it but as an import, now or later.
        app.run_jobs().await;
        assert_eq!(app.emitted().await.len(), 1);
        assert_eq!(app.emitted_of::<TicketImported>().await[0].ticket.status, "closed");
        assert_eq!(app.emitted_of::<TicketOpened>().await.len(), 0);

        let before = (whole(&app).await, read(&admin, id).await.version());
        assert_eq!(counts(&import(&admin, &log()).await.expect(200)), [0, 6, 0]);
        assert_eq!((whole(&app).await, read(&admin, id).await.version()), before);
        assert_eq!(app.emitted().await.len(), 1);
    });
}

#[tokio::test]
async fn rows_may_be_spread_over_requests() {
    let mut reopened = log();
    reopened.pop();
    let times = json!({ "resolved_at": "03-03-2016 10:00", "reopen_count": "1" });
    reopened.push(row(7, "Active", "02-03-2016 10:00", times.clone()));
    reopened.push(row(8, "Awaiting User Info", "02-03-2016 12:00", times.clone()));
    reopened.push(row(9, "Resolved", "03-03-2016 10:00", times.clone()));
    reopened.push(row(10, "Closed", "08-03-2016 10:00", times));
    on_every_database!(async |app| {
        let at_once = TestApp::start(ticketing::module(), testkit::sqlite()).await;
        assert_eq!(counts(&import(&admin(&at_once), &reopened).await.expect(200)), [9, 0, 0]);
        for (index, one) in reopened.iter().enumerate() {
            // A request that is sent twice, and one that repeats what went before.
            import(&admin(&app), std::slice::from_ref(one)).await.expect(200).done();
            let again = import(&admin(&app), &reopened[..=index]).await.expect(200);
            assert_eq!(counts(&again), [0, i64::try_from(index).unwrap() + 1, 0]);
        }
        // Two who send the same at the same time take each row over once.
        let other = json!({ "source": "other", "rows": reopened });
        let client = admin(&app);
        let send = || client.post("/api/v1/ticket-imports/servicenow").json(&other).send();
        let (a, b) = tokio::join!(send(), send());
        let (a, b) = (counts(&a.expect(200)), counts(&b.expect(200)));
        assert_eq!(([a[0] + b[0], a[1] + b[1]], count(&app, "ticket").await), ([9, 9], 2));
        let (one_by_one, together) = (whole(&app).await, whole(&at_once).await);
        assert_eq!(one_by_one, together);
        let cycles: Vec<_> = together
            .2
            .iter()
            .map(|t| (t["cycle"].as_i64().unwrap(), time(&t["ended_at"])))
            .collect();
        assert_eq!(cycles, [(1, at("2016-03-01T10:00:00Z")), (2, at("2016-03-03T10:00:00Z"))]);
    });
}

#[tokio::test]
async fn broken_rows_are_named_and_the_others_taken() {
    on_every_database!(async |app| {
        let mut rows = log();
        rows.insert(1, row(30, "Sleeping", "29-02-2016 01:30", json!({})));
        rows.insert(3, row(31, "Active", "31-02-2016 01:30", json!({})));
        rows.push(row(32, "New", "29-02-2016 01:30", json!({ "number": "?" })));
        rows.push(row(
            33,
            "New",
            "29-02-2016 01:30",
            json!({ "number": "INC2", "reopen_count": "many" }),
        ));
        let reply = import(&admin(&app), &rows).await.expect(200);
        assert_eq!(counts(&reply), [6, 0, 4]);
        let faults =
            reply.body["rows"].as_array().unwrap().iter().filter(|r| r["outcome"] == "error").map(
                |r| {
                    (
                        r["line"].as_u64().unwrap(),
                        r["error"]["code"].as_str().unwrap(),
                        r["error"]["pointer"].as_str().unwrap(),
                    )
                },
            );
        let expected = [
            (30, "unknown-state", "/rows/1/incident_state"),
            (31, "bad-time", "/rows/3/sys_updated_at"),
            (32, "missing", "/rows/8/number"),
            (33, "bad-number", "/rows/9/reopen_count"),
        ];
        assert_eq!(faults.collect::<Vec<_>>(), expected);
        assert_eq!(imported(&lead(&app), "INC1").await["status"], "closed");
        // Mended, the rest comes in.
        let mended = row(33, "New", "29-02-2016 01:30", json!({ "number": "INC2" }));
        assert_eq!(counts(&import(&admin(&app), &[mended]).await.expect(200)), [1, 0, 0]);
        assert_eq!(count(&app, "ticket").await, 2);
    });
}

#[tokio::test]
async fn an_import_is_checked_as_a_whole_and_keeps_to_its_unit() {
    on_every_database!(async |app| {
        let post = async |client: Client, body: Value| {
            client.post("/api/v1/ticket-imports/servicenow").json(&body).send().await
        };
        let rows = log();
        for (body, pointer) in [
            (json!({ "source": "Bad Name", "rows": rows }), "/source"),
            (json!({ "source": "s", "rows": [] }), "/rows"),
            (json!({ "source": "s", "rows": vec![rows[0].clone(); 1001] }), "/rows"),
            (json!({ "source": "s", "rows": rows, "kind": "nonsense" }), "/kind"),
            (json!({ "source": "s", "rows": rows, "org": "/other" }), "/org"),
        ] {
            let refused = post(admin(&app), body).await.expect_problem(422, "invalid");
            assert_eq!(refused.problem_pointers(), [pointer]);
        }
        post(agent(&app, "amy"), json!({ "source": "s", "rows": rows }))
            .await
            .expect_problem(403, "forbidden")
            .done();
        assert_eq!(counts(&import(&admin(&app), &rows[..2]).await.expect(200)), [2, 0, 0]);
        // The incident belongs to the north; the south cannot change it, nor another enterprise.
        let south = app.as_client("mover", &[Permission::TicketImport], "/acme/south");
        let refused =
            post(south, json!({ "source": "servicenow", "rows": rows })).await.expect(200);
        assert_eq!(counts(&refused), [0, 0, 6]);
        assert_eq!(refused.body["rows"][0]["error"]["code"], "other-unit");
        let other = app.as_client("mover", &[Permission::TicketImport], "/other");
        assert_eq!(
            counts(&post(other, json!({ "source": "servicenow", "rows": rows })).await.expect(200)),
            [6, 0, 0]
        );
        assert_eq!(imported(&lead(&app), "INC1").await["status"], "open");
    });
}

#[tokio::test]
async fn an_imported_ticket_that_is_open_is_worked_on_like_any_other() {
    on_every_database!(async |app| {
        import(&admin(&app), &log()[..3]).await.expect(200).done();
        // Whom the log names as handler is nobody here: a supervisor goes on with it.
        let lea = lead(&app);
        let id = imported(&lea, "INC1").await["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(timers(&lea, id).await[0]["state"], "paused");
        crate::support::act(&lea, id, "resume", json!({})).await.expect(200).done();
        let done = crate::support::resolve(&lea, id).await;
        assert_eq!(
            (&done.body["status"], &done.body["resolution_attained"]),
            (&json!("resolved"), &json!(true))
        );
        let mut lines = BTreeMap::new();
        for line in history(&lea, id).await {
            *lines.entry(line).or_insert(0) += 1;
        }
        assert_eq!(lines["status: on_hold → open"], 1);
    });
}
