//! librdkafka's callbacks: its log lines and errors in ours, and the rebalance.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::stats::Teller;

/// How long a rebalance waits for messages that are being worked on; below the session timeout.
const DRAIN: Duration = Duration::from_secs(5);

pub(super) type Member = BaseConsumer<MemberContext>;
pub(super) type Partition = (String, i32);

/// Callbacks of a client that is no group member.
#[derive(Debug, Clone)]
pub(super) struct PlainContext(pub(super) Teller);

impl ClientContext for PlainContext {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        log_line(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.failure(&error);
        // Its log line said so already, without repeating it every second.
        tracing::debug!(%error, reason, "kafka");
    }

    fn stats(&self, statistics: Statistics) {
        self.0.statistics(&statistics);
    }
}

fn log_line(level: RDKafkaLogLevel, fac: &str, message: &str) {
    use RDKafkaLogLevel as L;
    match level {
        // A connection that failed is tried again.
        L::Emerg | L::Alert | L::Critical | L::Error if fac == "FAIL" => {
            tracing::warn!(target: "librdkafka", fac, "{message}");
        }
        L::Emerg | L::Alert | L::Critical | L::Error => {
            tracing::error!(target: "librdkafka", fac, "{message}")
        }
        // Remarks about settings, most of which concern the other kind of client.
        L::Warning if fac == "CONFWARN" => tracing::debug!(target: "librdkafka", fac, "{message}"),
        L::Warning => tracing::warn!(target: "librdkafka", fac, "{message}"),
        L::Notice | L::Info => tracing::info!(target: "librdkafka", fac, "{message}"),
        L::Debug => tracing::debug!(target: "librdkafka", fac, "{message}"),
    }
}

/// What the polling thread and the reader share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    work: Mutex<Work>,
    /// Rings when work was finished.
    finished: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct Work {
    /// Grows with every revocation: messages read before it are stale.
    epochs: HashMap<Partition, u64>,
    /// Partition → highest offset handed out and not acknowledged yet.
    handed: HashMap<Partition, i64>,
    /// Partition → offset after the last one acknowledged here.
    pub(super) acked: HashMap<Partition, i64>,
    /// Messages not acknowledged, as of the last time that the brokers were asked.
    pub(super) lag: Option<u64>,
    closing: bool,
}

impl Shared {
    pub(super) fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reader stops: nothing that was handed out will be finished any more.
    pub(super) fn close(&self) {
        let mut work = self.work();
        work.closing = true;
        work.handed.clear();
        drop(work);
        self.finished.notify_all();
    }

    /// Waits; false at once when the reader stops.
    pub(super) fn stays_open_for(&self, time: Duration) -> bool {
        let closed = self.finished.wait_timeout_while(self.work(), time, |work| !work.closing);
        !closed.unwrap_or_else(PoisonError::into_inner).0.closing
    }

    /// Runs `store` for a message that was handed out, unless its partition was taken away
    /// meanwhile.
    pub(super) fn finish<E>(
        &self,
        partition: &Partition,
        offset: i64,
        store: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut work = self.work();
        let Some(highest) = work.handed.get(partition).copied() else { return Ok(()) };
        store()?;
        work.acked.insert(partition.clone(), offset + 1);
        if offset >= highest {
            work.handed.remove(partition);
            drop(work);
            self.finished.notify_all();
        }
        Ok(())
    }

    fn revoke(&self, partitions: &HashSet<Partition>, wait: bool) {
        let mut work = self.work();
        for partition in partitions {
            *work.epochs.entry(partition.clone()).or_default() += 1;
        }
        if wait {
            let busy = |work: &mut Work| {
                !work.closing && work.handed.keys().any(|p| partitions.contains(p))
            };
            let (after, timeout) = self
                .finished
                .wait_timeout_while(work, DRAIN, busy)
                .unwrap_or_else(PoisonError::into_inner);
            work = after;
            if timeout.timed_out() {
                tracing::warn!(
                    "partitions are given away with work on them; their next reader repeats it"
                );
            }
        }
        work.handed.retain(|partition, _| !partitions.contains(partition));
        work.acked.retain(|partition, _| !partitions.contains(partition));
    }
}

impl Work {
    pub(super) fn epoch(&self, partition: &Partition) -> u64 {
        self.epochs.get(partition).copied().unwrap_or_default()
    }

    /// Notes that a message read in `epoch` goes to the reader; false when it is stale.
    pub(super) fn hand_out(&mut self, partition: &Partition, offset: i64, epoch: u64) -> bool {
        if self.epoch(partition) != epoch {
            return false;
        }
        self.handed.insert(partition.clone(), offset);
        true
    }
}

/// Callbacks of a group member.
#[derive(Debug)]
pub(super) struct MemberContext {
    pub shared: Arc<Shared>,
    pub teller: Teller,
}

impl ClientContext for MemberContext {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        log_line(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.teller.failure(&error);
        // Its log line said so already, without repeating it every second.
        tracing::debug!(%error, reason, "kafka");
    }

    fn stats(&self, statistics: Statistics) {
        self.teller.statistics(&statistics);
    }
}

impl ConsumerContext for MemberContext {
    /// Runs in the polling thread. Assignments are deltas (cooperative).
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => {
                self.teller.rebalance("assigned");
                tracing::info!(count = partitions.count(), "partitions assigned")
            }
            Rebalance::Error(error) => {
                self.teller.rebalance("failed");
                tracing::warn!(%error, "rebalance failed");
            }
            Rebalance::Revoke(partitions) => {
                // Somebody else may have lost partitions already: committing would undo his work.
                let lost = consumer.assignment_lost();
                tracing::info!(count = partitions.count(), lost, "partitions revoked");
                self.teller.rebalance(if lost { "lost" } else { "revoked" });
                self.shared.revoke(&names(partitions), !lost);
                if !lost && !commit(consumer) {
                    tracing::info!("offsets were not committed, for the group was rebalanced");
                }
            }
        }
    }

    /// librdkafka remembers a pause beyond the assignment: a partition that went away paused would
    /// come back paused, and nobody would read it.
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(partitions) = rebalance else { return };
        if let Err(error) = consumer.resume(partitions) {
            tracing::error!(%error, "assigned partitions could not be resumed");
        }
    }
}

/// Commits what was acknowledged and waits for the broker's answer; false when the group is just
/// being rebalanced and it is worth trying again afterwards.
pub(super) fn commit(consumer: &BaseConsumer<MemberContext>) -> bool {
    use RDKafkaErrorCode as Code;
    match consumer.commit_consumer_state(CommitMode::Sync) {
        Ok(()) | Err(KafkaError::ConsumerCommit(Code::NoOffset)) => true,
        Err(KafkaError::ConsumerCommit(Code::IllegalGeneration | Code::RebalanceInProgress)) => {
            false
        }
        Err(error) => {
            // What is not committed is delivered again.
            tracing::warn!(%error, "offsets were not committed");
            true
        }
    }
}

fn names(partitions: &TopicPartitionList) -> HashSet<Partition> {
    partitions.elements().iter().map(|p| (p.topic().to_owned(), p.partition())).collect()
}
