//! A real ServiceNow log through the public API: complete, repeatable, and the same after being
//! killed half-way.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use chrono::NaiveDateTime;
use kefu_tests::{
    api::Caller,
    binary, data, eventually,
    stack::{Options, Stack},
};
use serde_json::Value;

const FILE: &str = "servicenow-incidents/incident_event_log.csv";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_now_log_is_taken_over_completely() {
    let Some(file) = data(FILE) else { return };
    let stack = Stack::suite(Options::default()).await;
    let admin = stack.user("admin").await;
    let import = || {
        let mut command = Command::new(binary("kefu"));
        command
            .args(["import", "servicenow", &file.to_string_lossy(), "--chunk", "200"])
            .args(["--errors", &stack.dir.path().join("errors.csv").to_string_lossy()])
            .env("KEFU_URL", &stack.urls.issuer)
            .env("KEFU_TOKEN", admin.token());
        command
    };

    let mut first = import().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("a part of the tickets", Duration::from_secs(120), || async {
        (count(&admin).await > 100).then_some(())
    })
    .await;
    first.kill().unwrap();
    first.wait().unwrap();
    let half = count(&admin).await;
    println!("killed after {half} tickets");
    assert!(half < 890, "killed half-way, not after the end");

    let begun = Instant::now();
    let rest = import().output().unwrap();
    assert!(rest.status.success(), "{}", String::from_utf8_lossy(&rest.stderr));
    println!("{}", String::from_utf8_lossy(&rest.stdout).trim());
    println!("second run after the kill: {:.1?}", begun.elapsed());
    let again = import().output().unwrap();
    let text = String::from_utf8_lossy(&again.stdout).into_owned();
    println!("third run: {}", text.trim());
    assert!(
        text.contains("5998 unchanged") && text.contains("0 rejected"),
        "a further import changes nothing: {text}"
    );

    compare(&admin, &fs::read_to_string(&file).unwrap()).await;
    print_attainment(&admin).await;
}

async fn count(admin: &Caller) -> u64 {
    admin.get("/api/v1/tickets?limit=1&total=true").await.expect(200)["total"].as_u64().unwrap()
}

/// Every ticket against the last row of its number in the file, read here independently.
async fn compare(admin: &Caller, csv: &str) {
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = |name: &str| header.iter().position(|h| *h == name).unwrap();
    let mut last: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        last.insert(cells[at("number")], cells);
    }
    let tickets = admin.list("/api/v1/tickets").await;
    assert_eq!((tickets.len(), last.len()), (890, 890));
    for ticket in tickets {
        let number = ticket["import"]["number"].as_str().unwrap();
        let row = &last[number];
        let is = |field: &str, expected: Value| {
            assert_eq!(ticket[field], expected, "{field} of {number}")
        };
        is("status", row[at("incident_state")].to_lowercase().into());
        is("reopen_count", row[at("reopen_count")].parse::<i64>().unwrap().into());
        is("queue", known(row[at("assignment_group")]));
        for (field, column) in [("opened_at", "opened_at"), ("closed_at", "closed_at")] {
            is(field, time(row[at(column)]));
        }
        if row[at("resolved_at")] != "?" {
            is("resolved_at", time(row[at("resolved_at")]));
        }
    }
}

fn known(cell: &str) -> Value {
    if cell == "?" { Value::Null } else { cell.into() }
}

fn time(cell: &str) -> Value {
    match NaiveDateTime::parse_from_str(cell, "%d-%m-%Y %H:%M") {
        Ok(time) => time.and_utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true).into(),
        Err(_) => Value::Null,
    }
}

async fn print_attainment(admin: &Caller) {
    let report = admin.get("/api/v1/ticket-reports/sla?by=priority").await.expect(200);
    let items = report["items"].as_array().unwrap();
    assert!(!items.is_empty());
    println!("SLA attainment by priority:");
    for line in items {
        let share =
            line["attainment"].as_f64().map_or("–".to_owned(), |a| format!("{:.1} %", 100.0 * a));
        println!(
            "  {:<8} {:<15} met {:>4}  breached {:>4}  {share}",
            line["group"].as_str().unwrap_or("–"),
            line["metric"].as_str().unwrap(),
            line["met"],
            line["breached"]
        );
    }
}
