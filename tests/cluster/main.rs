//! The faults that the harness injects are real: each primitive of `Cluster` does what it says. And
//! what needs no load to be shown: a rolling restart that callers do not notice, a clock an hour off.
#![allow(clippy::unwrap_used, reason = "test")]

mod clock;
mod parts;
mod processes;
mod rolling;

use std::time::{Duration, Instant};

use kefu_tests::cluster::{Cluster, Plan};

/// One cluster for all: it is what takes the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_fault_is_real() {
    let begun = Instant::now();
    let env = [("KEFU__SHUTDOWN__DELAY_SECS", "1"), ("KEFU__TELEMETRY__LOG_LEVEL", "warn")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let cluster = Cluster::start(Plan { replicas: 2, brokers: 3, env, ..Plan::default() }).await;
    println!("started in {:.1?}", begun.elapsed());
    rolling::restart(&cluster).await;
    let cluster = blocking(cluster, "processes", processes::check).await;
    clock::an_hour_off(&cluster).await;
    let cluster = blocking(cluster, "database", parts::database).await;
    let cluster = blocking(cluster, "brokers", parts::brokers).await;
    for name in cluster.processes() {
        cluster.wait_ready(&name, Duration::from_secs(60)).unwrap();
    }
    println!("{:.1?} in all", begun.elapsed());
}

async fn blocking(cluster: Cluster, what: &str, check: fn(&Cluster)) -> Cluster {
    let begun = Instant::now();
    let done = tokio::task::spawn_blocking(move || {
        check(&cluster);
        cluster
    });
    let cluster = done.await.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()));
    println!("{what}: {:.1?}", begun.elapsed());
    cluster
}
