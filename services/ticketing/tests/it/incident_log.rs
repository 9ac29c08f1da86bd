//! The whole of a real ServiceNow incident log, against what its rows say.

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Value, json};
use testkit::{Client, TestApp};

use crate::support::{ORG, admin, count, lead, on_every_database, time};

/// The file below `KEFU_DATA_DIR`, or below `shared/data` beside the repository.
fn log() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("KEFU_DATA_DIR").map_or_else(beside, PathBuf::from);
    let path = path.join("servicenow-incidents/incident_event_log.csv");
    if path.exists() {
        return Some(path);
    }
    eprintln!("NOT RUN on real data: {} is absent (set KEFU_DATA_DIR)", path.display());
    None
}

type Record = BTreeMap<String, String>;

/// The rows in their order, each with its line.
fn records(path: &PathBuf) -> Vec<Record> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let row = |record: csv::StringRecord| {
        header.iter().cloned().zip(record.iter().map(str::to_owned)).collect::<Record>()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    (text != "?").then(|| NaiveDateTime::parse_from_str(text, "%d-%m-%Y %H:%M").unwrap().and_utc())
}

/// What a ticket must be like, from the last row of its incident.
fn expected(last: &Record) -> Value {
    let known = |column: &str| {
        let value = last[column].split_whitespace().collect::<Vec<_>>().join(" ");
        if value == "?" { Value::Null } else { Value::from(value) }
    };
    let state = match last["incident_state"].as_str() {
        "New" => "new",
        "Active" => "open",
        "Awaiting User Info" => "pending",
        "Awaiting Problem" | "Awaiting Vendor" | "Awaiting Evidence" => "on_hold",
        "Resolved" => "resolved",
        "Closed" => "closed",
        other => panic!("the log has the state {other:?}"),
    };
    let priority = match &last["priority"][..1] {
        "1" => "urgent",
        "2" => "high",
        "3" => "normal",
        _ => "low",
    };
    let done = ["resolved", "closed"].contains(&state);
    let resolved_at = instant(&last["resolved_at"]).filter(|_| done);
    let closed_at = instant(&last["closed_at"]).filter(|_| state == "closed");
    let seconds = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp());
    json!({
        "status": state, "priority": priority, "queue": known("assignment_group"), "handler": known("assigned_to"),
        "reopen_count": last["reopen_count"].parse::<i64>().unwrap(),
        "opened_at": instant(&last["opened_at"]).unwrap().timestamp(),
        "resolved_at": seconds(resolved_at), "closed_at": seconds(closed_at),
    })
}

/// The same fields of a ticket as it is.
fn actual(ticket: &Value) -> Value {
    let seconds =
        |field: &str| (!ticket[field].is_null()).then(|| time(&ticket[field]).timestamp());
    json!({
        "status": ticket["status"], "priority": ticket["priority"], "queue": ticket["queue"],
        "handler": ticket["handler"], "reopen_count": ticket["reopen_count"], "opened_at": seconds("opened_at"),
        "resolved_at": seconds("resolved_at"), "closed_at": seconds("closed_at"),
    })
}

/// Sends all rows, a thousand at a time; answers how many were applied, unchanged and refused.
async fn send(client: &Client, rows: &[Record]) -> [u64; 3] {
    let mut totals = [0; 3];
    for (index, part) in rows.chunks(1_000).enumerate() {
        let line = |place: usize| index * 1_000 + place + 2;
        let with_line = |(place, record): (usize, &Record)| {
            let mut row = json!(record);
            row["line"] = json!(line(place));
            row
        };
        let rows: Vec<Value> = part.iter().enumerate().map(with_line).collect();
        let body = json!({ "source": "servicenow", "org": ORG, "rows": rows });
        let reply =
            client.post("/api/v1/ticket-imports/servicenow").json(&body).send().await.expect(200);
        for (total, field) in totals.iter_mut().zip(["applied", "unchanged", "errors"]) {
            *total += reply.body[field].as_u64().unwrap();
        }
    }
    totals
}

/// Every ticket of the unit by the number it had, read page by page.
async fn tickets(app: &TestApp) -> BTreeMap<String, Value> {
    let client = lead(app);
    let (mut all, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page =
            client.get(&format!("/api/v1/tickets?limit=200{cursor}")).send().await.expect(200);
        for ticket in page.body["items"].as_array().unwrap() {
            let number = ticket["import"]["number"].as_str().unwrap().to_owned();
            assert!(all.insert(number, ticket.clone()).is_none(), "a ticket stands on two pages");
        }
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn the_real_log_ends_up_as_its_last_rows_say() {
    let Some(path) = log() else { return };
    let rows = records(&path);
    let mut last: BTreeMap<&str, &Record> = BTreeMap::new();
    for row in &rows {
        last.insert(&row["number"], row);
    }
    let all = u64::try_from(rows.len()).unwrap();
    assert_eq!((last.len(), all), (890, 5_998));
    on_every_database!(async |app| {
        let start = Instant::now();
        assert_eq!(send(&admin(&app), &rows).await, [all, 0, 0]);
        eprintln!("{all} rows taken over in {:.1} s", start.elapsed().as_secs_f64());
        let found = tickets(&app).await;
        assert_eq!(found.len(), 890);
        for (number, row) in &last {
            assert_eq!(actual(&found[*number]), expected(row), "{number}");
        }
        let again = Instant::now();
        assert_eq!(send(&admin(&app), &rows).await, [0, all, 0]);
        eprintln!("sent again in {:.1} s", again.elapsed().as_secs_f64());
        assert_eq!(tickets(&app).await, found, "nothing has changed");
        app.run_jobs().await;
        let events = app.emitted().await;
        assert!(events.iter().all(|e| e.ty == "kefu.ticket.imported.v1"), "nobody is told");
        assert_eq!(count(&app, "timer_fire").await, 0);

        let report =
            lead(&app).get("/api/v1/ticket-reports/sla?by=priority").send().await.expect(200);
        let mut decided = 0;
        for line in report.body["items"].as_array().unwrap() {
            eprintln!("SLA {line}");
            assert_eq!(line["metric"], "resolution");
            decided += line["met"].as_i64().unwrap()
                + line["breached"].as_i64().unwrap()
                + line["running"].as_i64().unwrap();
        }
        assert_eq!(decided, count(&app, "timer").await, "every cycle stands in the report");
    });
}
