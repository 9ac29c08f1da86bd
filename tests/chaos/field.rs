//! What faults are injected into: the cluster, the load on it, and a count of what was done.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;

use super::{
    client::{Balancer, Tally},
    ledger::Ledger,
};
use crate::{cluster::Cluster, stack::SERVICES};

/// A killed service that is started again is ready within this, a loaded machine included.
pub const READY: Duration = Duration::from_secs(90);

/// What faults have done that the reconciliation has to know.
#[derive(Debug, Default)]
pub struct Deeds {
    pub kills: AtomicUsize,
    /// Old messages that were produced a second time.
    pub repeated_messages: AtomicUsize,
    /// Messages that are no events, so that topics hold more than outboxes told.
    pub poison_messages: AtomicUsize,
    /// A clock was off at some time: times in rows prove nothing.
    pub skewed: AtomicBool,
    /// Dead letters by service that are there for a reason.
    pub dead_letters: Mutex<BTreeMap<String, usize>>,
}

#[derive(Debug)]
pub struct Field {
    pub cluster: Cluster,
    pub replicas: usize,
    pub brokers: usize,
    pub ledger: Arc<Ledger>,
    pub tally: Arc<Tally>,
    pub balancer: Arc<Balancer>,
    pub deeds: Deeds,
    /// While true the load changes tickets and nothing else: every other service hears of it by
    /// events alone.
    pub tickets_only: Arc<AtomicBool>,
    pub runtime: tokio::runtime::Handle,
    /// What every service is started with.
    pub env: Vec<(String, String)>,
}

impl Field {
    /// Every service process: `ticketing`, `ticketing-2`, …
    #[must_use]
    pub fn processes(&self) -> Vec<String> {
        let name = |service: &str, replica: usize| match replica {
            0 => service.to_owned(),
            n => format!("{service}-{}", n + 1),
        };
        (0..self.replicas).flat_map(|n| SERVICES.iter().map(move |s| name(s, n))).collect()
    }

    /// `kill -9`, counted.
    pub fn kill(&self, process: &str) {
        if self.cluster.is_running(process) {
            self.cluster.kill(process);
            self.deeds.kills.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Starts a process and waits until it is ready.
    pub fn start(&self, process: &str) -> Result<(), String> {
        self.cluster.start_service(process, &[])?;
        self.cluster.wait_ready(process, READY)
    }

    /// Starts whatever is not running, and waits until all are ready.
    pub fn all_ready(&self) -> Result<(), String> {
        for process in self.processes() {
            if !self.cluster.is_running(&process) {
                self.cluster.start_service(&process, &[])?;
            }
        }
        self.processes().iter().try_for_each(|p| self.cluster.wait_ready(p, READY))
    }

    /// Rows of a query as JSON objects.
    pub fn rows(&self, service: &str, query: &str) -> Result<Vec<Value>, String> {
        let sql = format!("select row_to_json(t)::text from ({query}) t");
        let text = self.cluster.psql(service, &sql)?;
        let parse = |line| serde_json::from_str(line).map_err(|e| format!("{query}: {e}: {line}"));
        text.lines().filter(|line| !line.is_empty()).map(parse).collect()
    }

    /// The one number that a query answers.
    pub fn number(&self, service: &str, query: &str) -> Result<i64, String> {
        let text = self.cluster.psql(service, query)?;
        text.trim().parse().map_err(|e| format!("{service}: {query}: {e}: {text}"))
    }

    pub fn dead_letters(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.deeds.dead_letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn kills(&self) -> usize {
        self.deeds.kills.load(Ordering::SeqCst)
    }
}

/// The service that a process runs.
#[must_use]
pub fn service_of(process: &str) -> &str {
    process.trim_end_matches("-2")
}
