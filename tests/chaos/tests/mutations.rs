//! A harness that sees nothing proves nothing: each guarantee is broken on purpose, and the
//! reconciliation has to say so. The same runs without a mutation are green.

use std::time::Duration;

use kefu_tests::chaos::{
    faults::Kind,
    load::Shape,
    plan::Wish,
    report::Report,
    run::{self, Setup},
};

/// A run of about a minute with what brings the mutation to light.
async fn short(mutation: Option<&str>, replicas: usize, only: &[Kind]) -> Report {
    let setup = Setup {
        wish: Wish { seed: 11, replicas, brokers: 1, only: only.to_vec(), each: 2, kills: 2 },
        shape: Shape { pause: Duration::from_millis(120), ..Shape::default() },
        at_least: Duration::from_secs(20),
        env: mutation
            .map(|name| ("KEFU_MUTATION".to_owned(), name.to_owned()))
            .into_iter()
            .collect(),
        // What is lost between outbox and topic stays visible in the outbox.
        keep_outbox: mutation == Some("relay"),
        ..Setup::default()
    };
    run::run(setup).await
}

#[track_caller]
fn seen(report: &Report, words: &str) {
    assert!(
        report.broken.iter().any(|line| line.contains(words)),
        "nothing about {words:?} in {:#?}",
        report.broken
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute: make chaos"]
async fn without_a_mutation_all_is_well() {
    let only = [Kind::CrashRelayBeforeSend, Kind::Rewound, Kind::Kill];
    let report = short(None, 2, &only).await;
    assert!(report.is_green(), "{}", report.markdown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute: make chaos"]
async fn a_relay_that_marks_before_it_sends_is_seen() {
    let report = short(Some("relay"), 1, &[Kind::CrashRelayBeforeSend]).await;
    seen(&report, "not what the outbox held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute: make chaos"]
async fn an_inbox_that_forgets_is_seen() {
    let report = short(Some("inbox"), 1, &[Kind::Rewound]).await;
    seen(&report, "decided about more than once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute: make chaos"]
async fn leases_that_everybody_holds_are_seen() {
    let report = short(Some("lease"), 2, &[Kind::Kill]).await;
    seen(&report, "events sent more than once");
}
