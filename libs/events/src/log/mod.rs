//! [`EventLog`]: the durable, ordered log between the services. One conformance suite
//! (`tests/it/conformance.rs`) runs on every adapter.

mod kafka;
mod memory;
mod sql;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use kafka::{Difference, KafkaLog, KafkaSettings, Rewind, TopicCheck};
pub use memory::MemoryLog;
pub use sql::SqlLog;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub topic: String,
    /// Order holds among messages of one topic with the same key.
    pub key: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub payload: Vec<u8>,
}

/// Where a message stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    pub topic: String,
    /// 0 where the adapter has no partitions.
    pub partition: i32,
    pub offset: i64,
}

/// A message as read by a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub record: Record,
    pub position: Position,
}

/// The log did not do what was asked; the text says what happened.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("kafka: {0}")]
    Kafka(#[from] rdkafka::error::KafkaError),
    #[error("event log database: {0}")]
    Database(#[from] sea_orm::DbErr),
    #[error("not sent, because an earlier message of key {0} was not delivered")]
    Behind(String),
    #[error("{0}")]
    Other(String),
}

/// The log itself; shared by every task of a process.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Appends in order and answers once every message is durable or has failed: one outcome per
    /// message. After a failure no later message of the same topic and key is `Ok`.
    async fn append(&self, batch: &[Record]) -> Vec<Result<(), LogError>>;

    /// Joins a group. What the group acknowledged is not delivered again; a new group starts at
    /// the beginning. The topics must exist: see [`EventLog::ensure_topics`].
    async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
    ) -> Result<Box<dyn Subscription>, LogError>;

    /// Creates the topics that are missing.
    async fn ensure_topics(&self, topics: &[String]) -> Result<(), LogError>;

    /// Whether the log answers.
    async fn ready(&self) -> Result<(), LogError>;

    /// Value of the span attribute `messaging.system`.
    fn system(&self) -> &'static str;

    /// Housekeeping, called now and then.
    async fn maintain(&self, _now: DateTime<Utc>) -> Result<(), LogError> {
        Ok(())
    }
}

/// A group member's reading. Dropped without [`Subscription::close`], messages acknowledged last
/// may be delivered again; unacknowledged ones always are.
#[async_trait]
pub trait Subscription: Send {
    /// Waits for the next message. Cancel-safe: a message is not lost when the wait is given up.
    async fn next(&mut self) -> Result<Delivery, LogError>;

    /// A message that is already at hand, without waiting.
    fn try_next(&mut self) -> Option<Delivery>;

    /// Everything of the position's topic and partition up to and including it is done.
    async fn ack(&mut self, position: &Position) -> Result<(), LogError>;

    /// Messages that this member has still to do, where known.
    async fn lag(&mut self) -> Option<u64>;

    /// The same where it is known without asking anybody.
    fn known_lag(&self) -> Option<u64> {
        None
    }

    /// Makes acknowledgements durable and leaves the group.
    async fn close(self: Box<Self>) -> Result<(), LogError>;
}

/// Turns `Ok` after a failure of the same key into [`LogError::Behind`].
fn keep_prefix(batch: &[Record], outcomes: &mut [Result<(), LogError>]) {
    let mut failed = std::collections::HashSet::new();
    for (record, outcome) in batch.iter().zip(outcomes) {
        let key = (&record.topic, &record.key);
        if outcome.is_err() {
            failed.insert(key);
        } else if failed.contains(&key) {
            *outcome = Err(LogError::Behind(record.key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_failure_of_its_key_does_not_count() {
        let record = |key: &str| Record {
            topic: "t".into(),
            key: key.into(),
            headers: vec![],
            payload: vec![],
        };
        let batch = ["a", "b", "a", "b", "a"].map(record);
        let mut outcomes =
            vec![Ok(()), Ok(()), Err(LogError::Other("lost".into())), Ok(()), Ok(())];
        keep_prefix(&batch, &mut outcomes);
        assert!(matches!(
            outcomes.as_slice(),
            [Ok(()), Ok(()), Err(LogError::Other(_)), Ok(()), Err(LogError::Behind(_))]
        ));
    }
}
