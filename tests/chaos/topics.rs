//! The topics as they stand in Kafka: every message, and how far each group has read.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::{Headers, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::Value;

const ASK: Duration = Duration::from_secs(10);

/// Who reads which topics; the group is `kefu-SERVICE`.
pub const READERS: [(&str, &[&str]); 5] = [
    ("customer", &["customer", "ticketing", "quality", "survey", "notification"]),
    ("ticketing", &["customer", "survey"]),
    ("quality", &["ticketing", "survey"]),
    ("survey", &["ticketing", "notification"]),
    ("notification", &["customer", "ticketing", "quality", "survey", "notification"]),
];

/// Topic of a service's events.
#[must_use]
pub fn topic_of(service: &str) -> String {
    format!("kefu.{service}.events")
}

/// One message.
#[derive(Debug, Clone)]
pub struct Message {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub key: String,
    /// `ce_id`; absent in what is no event.
    pub id: Option<String>,
    pub ty: String,
    pub payload: Vec<u8>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Message {
    #[must_use]
    pub fn data(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or(Value::Null)
    }
}

fn consumer(brokers: &str, group: &str) -> Result<BaseConsumer, String> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", group);
    config.set("enable.auto.commit", "false").set("enable.partition.eof", "false");
    config.create().map_err(|e| e.to_string())
}

/// Partitions of the topics that exist.
fn partitions(consumer: &BaseConsumer) -> Result<Vec<(String, i32)>, String> {
    let metadata = consumer.fetch_metadata(None, ASK).map_err(|e| e.to_string())?;
    let ours = metadata
        .topics()
        .iter()
        .filter(|t| t.name().starts_with("kefu.") && t.name().ends_with(".events"));
    Ok(ours.flat_map(|t| t.partitions().iter().map(|p| (t.name().to_owned(), p.id()))).collect())
}

fn high(consumer: &BaseConsumer, topic: &str, partition: i32) -> Result<i64, String> {
    let marks = consumer.fetch_watermarks(topic, partition, ASK);
    marks.map(|(_, high)| high).map_err(|e| format!("{topic}/{partition}: {e}"))
}

/// Everything that stands in the topics now, in order per partition.
pub fn read_all(brokers: &str) -> Result<Vec<Message>, String> {
    let consumer = consumer(brokers, "chaos-reader")?;
    let mut ends = BTreeMap::new();
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions(&consumer)? {
        let end = high(&consumer, &topic, partition)?;
        if end > 0 {
            list.add_partition_offset(&topic, partition, Offset::Beginning)
                .map_err(|e| e.to_string())?;
            ends.insert((topic, partition), end);
        }
    }
    consumer.assign(&list).map_err(|e| e.to_string())?;
    let mut messages = vec![];
    let mut heard = Instant::now();
    while !ends.is_empty() {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                let message = owned(&message);
                let place = (message.topic.clone(), message.partition);
                if ends.get(&place).is_some_and(|end| message.offset + 1 >= *end) {
                    ends.remove(&place);
                }
                messages.push(message);
            }
            Some(Err(error)) => tracing_line(&error.to_string()),
            // The last offsets may be transaction or control marks that are never shown.
            None if heard.elapsed() > Duration::from_secs(20) => {
                return Err(format!("the topics could not be read to their ends: {ends:?}"));
            }
            None => {}
        }
    }
    Ok(messages)
}

fn tracing_line(text: &str) {
    eprintln!("reading topics: {text}");
}

fn owned(message: &rdkafka::message::BorrowedMessage<'_>) -> Message {
    let headers: Vec<(String, Vec<u8>)> = message
        .headers()
        .map(|all| {
            all.iter().map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec())).collect()
        })
        .unwrap_or_default();
    let text = |name: &str| {
        let (_, value) = headers.iter().find(|(key, _)| key == name)?;
        String::from_utf8(value.clone()).ok()
    };
    Message {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(|k| String::from_utf8_lossy(k).into_owned()).unwrap_or_default(),
        id: text("ce_id"),
        ty: text("ce_type").unwrap_or_default(),
        payload: message.payload().unwrap_or_default().to_vec(),
        headers,
    }
}

/// How many messages each service has still to read.
pub fn lags(brokers: &str) -> Result<BTreeMap<&'static str, i64>, String> {
    let mut ends = BTreeMap::new();
    let mut lags = BTreeMap::new();
    for (service, sources) in READERS {
        let consumer = consumer(brokers, &format!("kefu-{service}"))?;
        let mut list = TopicPartitionList::new();
        for (topic, partition) in partitions(&consumer)? {
            if sources.iter().any(|s| topic_of(s) == topic) {
                list.add_partition(&topic, partition);
                if let Entry::Vacant(end) = ends.entry((topic.clone(), partition)) {
                    end.insert(high(&consumer, &topic, partition)?);
                }
            }
        }
        let committed = consumer.committed_offsets(list, ASK).map_err(|e| e.to_string())?;
        let elements = committed.elements();
        let lag = elements.iter().map(|element| {
            let end = ends[&(element.topic().to_owned(), element.partition())];
            match element.offset() {
                Offset::Offset(read) => (end - read).max(0),
                _ => end,
            }
        });
        lags.insert(service, lag.sum());
    }
    Ok(lags)
}

/// Makes a stopped service read its topics from the beginning.
pub fn rewind(brokers: &str, service: &str) -> Result<(), String> {
    let consumer = consumer(brokers, &format!("kefu-{service}"))?;
    let sources = READERS.iter().find(|(name, _)| *name == service).map_or(&[][..], |(_, s)| s);
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions(&consumer)? {
        if sources.iter().any(|s| topic_of(s) == topic) {
            list.add_partition_offset(&topic, partition, Offset::Offset(0))
                .map_err(|e| e.to_string())?;
        }
    }
    consumer.commit(&list, rdkafka::consumer::CommitMode::Sync).map_err(|e| e.to_string())
}

/// Produces messages with their keys, headers and bytes, in order.
pub async fn produce(brokers: &str, messages: &[Message]) -> Result<(), String> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("partitioner", "murmur2_random");
    let producer: FutureProducer = config.create().map_err(|e| e.to_string())?;
    for message in messages {
        let headers = message.headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
            all.insert(rdkafka::message::Header { key, value: Some(value) })
        });
        let record = FutureRecord::to(&message.topic)
            .key(&message.key)
            .payload(&message.payload)
            .headers(headers);
        producer.send(record, Duration::from_secs(30)).await.map_err(|(e, _)| e.to_string())?;
    }
    Ok(())
}
