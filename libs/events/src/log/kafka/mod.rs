//! Log on Apache Kafka.
//!
//! Producer: idempotent, `acks=all`, no gaps. Messages never time out in it: one that was given up
//! while later ones of its key are under way would come back behind them. While brokers are away
//! an append waits, and the outbox grows.

mod consumer;
mod context;
mod lag;
mod offsets;
mod stats;
mod topics;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord, Producer, future_producer::DeliveryFuture},
};
use serde::Deserialize;

pub use self::offsets::Rewind;
pub use self::topics::{Difference, TopicCheck};
use self::{
    context::PlainContext,
    stats::{INTERVAL_MS, Teller},
};
use super::{EventLog, LogError, Record, Subscription, keep_prefix};

type KafkaProducer = FutureProducer<PlainContext>;

/// How long metadata and admin requests may take.
const ASK: Duration = Duration::from_secs(10);

/// Connection to a cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSettings {
    /// `HOST:PORT,…`
    pub brokers: String,
    /// Partitions of topics that are missing and get created.
    #[serde(default = "default_partitions")]
    pub partitions: i32,
    /// Their replication factor; -1 takes the brokers' default.
    #[serde(default = "default_replication")]
    pub replication: i32,
    /// How long they keep events.
    #[serde(default = "default_keep_days")]
    pub keep_days: u32,
    /// Further librdkafka settings for every client, e.g. `security.protocol`.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

fn default_partitions() -> i32 {
    12
}

fn default_replication() -> i32 {
    -1
}

fn default_keep_days() -> u32 {
    30
}

impl KafkaSettings {
    #[must_use]
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            partitions: default_partitions(),
            replication: default_replication(),
            keep_days: default_keep_days(),
            options: BTreeMap::new(),
        }
    }

    /// Common settings under `role`'s own; what the operator sets by hand is known to both and
    /// wins.
    fn config(&self, role: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("client.id", "kefu");
        config.set("reconnect.backoff.max.ms", "5000");
        // Small messages at once: with Nagle's algorithm they wait for an acknowledgement.
        config.set("socket.nagle.disable", "true");
        for (name, value) in role {
            config.set(*name, *value);
        }
        for (name, value) in &self.options {
            config.set(name, value);
        }
        config
    }

    fn producer(&self) -> Result<KafkaProducer, KafkaError> {
        self.config(&[
            ("enable.idempotence", "true"),
            ("enable.gapless.guarantee", "true"),
            ("acks", "all"),
            ("message.timeout.ms", "0"),
            ("partitioner", "murmur2_random"),
            ("linger.ms", "1"),
            ("queue.buffering.max.kbytes", "32768"),
            ("statistics.interval.ms", INTERVAL_MS),
        ])
        .create_with_context(PlainContext(Teller::producer()))
    }
}

/// A cluster, as producer and consumer. Cheap to clone.
#[derive(Clone)]
pub struct KafkaLog(Arc<Shared>);

struct Shared {
    settings: KafkaSettings,
    producer: Mutex<KafkaProducer>,
    known: Mutex<BTreeSet<String>>,
}

impl KafkaLog {
    /// Checks the settings; the brokers need not be there yet.
    pub fn new(settings: KafkaSettings) -> Result<Self, LogError> {
        let producer = Mutex::new(settings.producer()?);
        Ok(Self(Arc::new(Shared { settings, producer, known: Mutex::default() })))
    }

    fn producer(&self) -> KafkaProducer {
        self.0.producer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A fatal error is for ever: only a new producer helps.
    fn renew_after_fatal(&self, used: &KafkaProducer) -> Result<(), KafkaError> {
        let Some((code, text)) = used.client().fatal_error() else { return Ok(()) };
        let mut producer = self.0.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if producer.client().fatal_error().is_some() {
            tracing::warn!(%code, text, "producer failed for good; a new one takes over");
            *producer = self.0.settings.producer()?;
        }
        Ok(())
    }
}

/// Hands one message to the producer, waiting while its queue is full.
async fn enqueue(producer: &KafkaProducer, record: &Record) -> Result<DeliveryFuture, KafkaError> {
    let headers = record
        .headers
        .iter()
        .fold(OwnedHeaders::new_with_capacity(record.headers.len()), |all, (key, value)| {
            all.insert(Header { key, value: Some(value) })
        });
    let mut message =
        FutureRecord::to(&record.topic).key(&record.key).payload(&record.payload).headers(headers);
    loop {
        match producer.send_result(message) {
            Ok(delivery) => return Ok(delivery),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                message = back;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err((error, _)) => return Err(error),
        }
    }
}

#[async_trait]
impl EventLog for KafkaLog {
    async fn append(&self, batch: &[Record]) -> Vec<Result<(), LogError>> {
        let producer = self.producer();
        let mut refused = HashSet::new();
        let mut under_way = Vec::with_capacity(batch.len());
        for record in batch {
            if refused.contains(&(&record.topic, &record.key)) {
                under_way.push(Err(LogError::Behind(record.key.clone())));
                continue;
            }
            let sent = enqueue(&producer, record).await.map_err(LogError::Kafka);
            if sent.is_err() {
                refused.insert((&record.topic, &record.key));
            }
            under_way.push(sent);
        }
        let mut outcomes = Vec::with_capacity(batch.len());
        for sent in under_way {
            outcomes.push(match sent {
                Err(error) => Err(error),
                Ok(delivery) => match delivery.await {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err((error, _))) => Err(LogError::Kafka(error)),
                    Err(_) => Err(LogError::Other("the producer was closed".into())),
                },
            });
        }
        keep_prefix(batch, &mut outcomes);
        if outcomes.iter().any(Result::is_err)
            && let Err(error) = self.renew_after_fatal(&producer)
        {
            tracing::error!(%error, "no new producer could be made");
        }
        outcomes
    }

    async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
    ) -> Result<Box<dyn Subscription>, LogError> {
        Ok(Box::new(consumer::subscribe(&self.0.settings, group, topics)?))
    }

    async fn ensure_topics(&self, topics: &[String]) -> Result<(), LogError> {
        let known = |topic: &&String| {
            self.0.known.lock().unwrap_or_else(PoisonError::into_inner).contains(*topic)
        };
        if topics.iter().all(|topic| known(&topic)) {
            return Ok(());
        }
        let there = self.topics().await?;
        let missing: Vec<&String> =
            topics.iter().filter(|topic| !there.contains_key(*topic)).collect();
        if !missing.is_empty() {
            self.create(&missing).await?;
        }
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).extend(topics.iter().cloned());
        Ok(())
    }

    async fn ready(&self) -> Result<(), LogError> {
        self.topics().await.map(drop)
    }

    fn system(&self) -> &'static str {
        "kafka"
    }
}
