//! What black-box tests stand on: a running stack (suite or split) and the real parts around it:
//! a mail server's Maildir, a partner's webhook receiver, a collector of spans.
//!
//! Everything here may panic: it runs in tests only.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test support")]

pub mod api;
#[path = "../chaos/mod.rs"]
pub mod chaos;
pub mod cluster;
pub mod dump;
pub mod mail;
pub mod partner;
pub mod spans;
pub mod stack;

use std::{
    future::Future,
    path::PathBuf,
    time::{Duration, Instant},
};

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ stands in the root")
        .to_owned()
}

/// A binary of this workspace, built before the tests by the same profile.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let path = std::env::current_exe().expect("own path");
    // A test stands in target/PROFILE/deps, a tool in target/PROFILE.
    let found = path.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|p| p.exists());
    found.unwrap_or_else(|| {
        panic!("the binary {name} is missing; run `cargo build --workspace` or `make test`")
    })
}

/// A setting that `make test` provides.
#[must_use]
pub fn required(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set; run `make test`, or `deploy/local/with-services.sh cargo test`"
        )
    })
}

/// The shared real data, or `None` with a word about it when this machine has none.
#[must_use]
pub fn data(file: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("KEFU_DATA_DIR")
        .map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let path = dir.join(file);
    if path.exists() {
        return Some(path);
    }
    eprintln!("NOT RUN on real data: {} is absent (set KEFU_DATA_DIR)", path.display());
    None
}

/// Waits for Ctrl-C or a polite kill, from the call on; answers which. Who stops then in the ordinary
/// way also stops the servers that it started, which otherwise run on.
pub fn interrupted() -> impl Future<Output = &'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let (term, int) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        let (Ok(mut term), Ok(mut int)) = (term, int) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => "terminated",
            _ = int.recv() => "interrupted",
        }
    }
}

/// Polls until `probe` gives a value; panics with `what` after `limit`.
pub async fn eventually<T, F, Fut>(what: &str, limit: Duration, mut probe: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let start = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(start.elapsed() < limit, "after {limit:?} still not: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Wall clock of the test itself.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "a black-box test lives in real time")]
pub fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}
