//! The READMEs' walks, run as they stand there: each twice, beside the example data.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use kefu_tests::{
    binary, root,
    stack::{Options, Stack},
};

/// The commands of a README.
fn walk(readme: &str) -> String {
    let text = fs::read_to_string(root().join(readme)).unwrap();
    let walk = text.split("```sh walk\n").nth(1).and_then(|rest| rest.split("```").next());
    walk.unwrap_or_else(|| panic!("there is no walk in {readme}")).to_owned()
}

/// Runs the commands in the folder of the stack's data, and gives what they print.
fn run(stack: &Stack, walk: &str) -> String {
    let kefu = binary("kefu");
    let script =
        format!("set -euo pipefail\n{walk}").replace("target/debug/kefu", &kefu.to_string_lossy());
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(stack.dir.path())
        .env("KEFU_URL", &stack.urls.issuer)
        .env_remove("KEFU_ACCOUNTS")
        .env_remove("KEFU_ISSUER_URL")
        .output()
        .unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    out.into_owned()
}

async fn demo_loaded(stack: &Stack) {
    let (begun, log) = (Instant::now(), stack.dir.path().join("suite.log"));
    loop {
        let told = fs::read_to_string(&log).unwrap_or_default();
        if told.contains("Example data is loaded") {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "no example data:\n{told}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_commands_work_and_work_again() {
    let mut stack = Stack::suite(Options { demo: true, ..Options::default() }).await;
    demo_loaded(&stack).await;
    // Whoever comes back to their data finds login and token again, and the data as it was.
    stack.stop_suite();
    stack.start_suite().await;
    demo_loaded(&stack).await;
    let told = fs::read_to_string(stack.dir.path().join("suite.log")).unwrap();
    assert!(told.contains("Login: admin / ") && told.contains("Token: "), "{told}");
    assert!(!told.contains("Mails go to"), "they go to a mail server: {told}");
    let tickets = stack.user("admin").await.list("/api/v1/tickets").await;
    assert_eq!(tickets.len(), 10, "{tickets:?}");
    let english = ["138****5678", "\"zh\": \"仓储部\"", "3 号货架", "ticket resolved"];
    let chinese = ["136****4321", "\"zh\": \"仓储部\"", "缓冲材料不足", "工单办结"];
    for (readme, words) in [("README.md", english), ("README.zh-CN.md", chinese)] {
        let walk = walk(readme);
        let first = run(&stack, &walk);
        let always = [
            "kefu.ticket.resolved.v1",
            "kefu.ticket.task_ended.v1",
            "ticket_acknowledged",
            "\"state\": \"sent\"",
            "\"period\"",
        ];
        for word in words.iter().chain(&always) {
            assert!(first.contains(word), "{readme}: {word} is not in:\n{first}");
        }
        assert!(first.contains("\n  \"id\": \""), "{readme}: not one field a line:\n{first}");

        // What the README says of a second run.
        let second = run(&stack, &walk);
        for word in ["\"skip_reason\": \"cool_down\"", "\"state\": \"skipped\""] {
            assert!(second.contains(word), "{readme}, again: {word} is not in:\n{second}");
        }
        assert!(!first.contains("\"repeat_of\": \""), "{first}");
        assert!(second.contains("\"repeat_of\": \""), "{second}");
    }
}
