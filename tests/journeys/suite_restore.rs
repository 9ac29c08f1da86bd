//! The suite's backup, taken while it works, and what comes back of it: one database that catches
//! up from the log, or everything as it was.

use std::{path::Path, process::Command, time::Duration};

use kefu_tests::{
    api::Caller,
    eventually, root,
    stack::{Options, Stack},
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_database_catches_up_and_all_come_back_together() {
    let mut stack = Stack::suite(Options::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    settle(&stack, 3).await;
    quality_knows(&stack, 3).await;
    script(&stack, "backup.sh", &backup, &["--with-secrets"]).unwrap();
    let again = script(&stack, "backup.sh", &backup, &[]).unwrap_err();
    assert!(again.contains("is there already"), "{again}");
    settle(&stack, 2).await;
    quality_knows(&stack, 5).await;
    let running = script(&stack, "restore.sh", &backup, &["--force"]).unwrap_err();
    assert!(running.contains("stop it first"), "{running}");

    stack.stop_suite();
    let spared = script(&stack, "restore.sh", &backup, &["--only", "quality"]).unwrap_err();
    assert!(spared.contains("--force replaces it"), "{spared}");
    script(&stack, "restore.sh", &backup, &["--only", "quality", "--force"]).unwrap();
    assert_eq!(tickets_in(&stack, "quality"), 3);
    stack.start_suite().await;
    quality_knows(&stack, 5).await;
    assert_eq!(tickets_in(&stack, "ticketing"), 5);

    stack.stop_suite();
    script(&stack, "restore.sh", &backup, &["--force", "--skip-numbers", "1000"]).unwrap();
    stack.start_suite().await;
    assert_eq!((tickets_in(&stack, "ticketing"), tickets_in(&stack, "quality")), (3, 3));
    settle(&stack, 1).await;
    quality_knows(&stack, 4).await;
    let number = sqlite(&stack, "ticketing", "select max(number) from ticket");
    let counted: usize = number.rsplit('-').next().unwrap().parse().unwrap();
    assert!(counted > 1_000, "{number} may have been given out before");
}

/// Opens and resolves tickets.
async fn settle(stack: &Stack, count: usize) {
    let admin: Caller = stack.user("admin").await;
    for n in 0..count {
        let ticket =
            json!({ "kind": "consultation", "subject": format!("question {n}"), "channel": "api" });
        let ticket = admin.post("/api/v1/tickets", ticket).await.expect(201);
        let resolve = format!("/api/v1/tickets/{}/resolve", ticket["id"].as_str().unwrap());
        admin.post(&resolve, json!({ "resolution": "answered" })).await.expect(200);
    }
}

async fn quality_knows(stack: &Stack, count: usize) {
    let what = format!("quality knows {count} tickets");
    eventually(&what, Duration::from_secs(30), || async {
        (tickets_in(stack, "quality") == count).then_some(())
    })
    .await;
}

fn tickets_in(stack: &Stack, service: &str) -> usize {
    let table = if service == "quality" { "serviced_ticket" } else { "ticket" };
    sqlite(stack, service, &format!("select count(*) from {table}")).parse().unwrap()
}

fn sqlite(stack: &Stack, service: &str, query: &str) -> String {
    let database = stack.data_dir().join(format!("{service}.db"));
    let output = Command::new("sqlite3")
        .args(["-readonly", "-cmd", ".timeout 10000"])
        .arg(database)
        .arg(query)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn script(stack: &Stack, name: &str, backup: &Path, more: &[&str]) -> Result<(), String> {
    let output = Command::new(root().join("deploy").join(name))
        .arg("suite")
        .arg(backup)
        .args(more)
        .env("KEFU__DATA__DIR", stack.data_dir())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}
