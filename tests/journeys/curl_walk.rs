//! The README's walk, run as it stands there.

use std::{fs, process::Command};

use kefu_tests::{
    binary, root,
    stack::{Options, Stack},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_commands_work() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let walk = readme
        .split("```sh walk\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a walk in the README");
    let stack = Stack::suite(Options::default()).await;
    let bin = binary("kefu");
    let script =
        format!("set -euo pipefail\n{walk}").replace("target/debug/kefu", &bin.to_string_lossy());
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(stack.dir.path())
        .env("KEFU_URL", &stack.urls.issuer)
        .output()
        .unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    for word in [
        "138****5678",
        "kefu.ticket.resolved.v1",
        "ticket_acknowledged",
        "csat_after_service",
        "\"period\"",
    ] {
        assert!(out.contains(word), "{word} is not in:\n{out}\n{err}");
    }
}
