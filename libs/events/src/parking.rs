//! Rows of events that failed: parked ones and dead letters.

use chrono::{DateTime, Utc};
use sea_orm::{DbErr, FromQueryResult};
use store::{Tx, sql};
use uuid::Uuid;

use crate::{
    Envelope, emit_raw,
    log::{Delivery, Position, Record},
    metrics,
    process::first_sight,
    wire::{content_id, header, headers_from_json, headers_to_json},
};

/// Most characters kept of an error.
const ERROR_LENGTH: usize = 2_000;

/// An event that did not work, from the log or from the parked table.
#[derive(Debug, Clone)]
pub(crate) struct Trouble<'a> {
    pub consumer: &'a str,
    pub event_id: Uuid,
    pub delivery: &'a Delivery,
    pub attempts: i32,
    pub error: String,
}

impl<'a> Trouble<'a> {
    pub(crate) fn of(
        consumer: &'a str,
        delivery: &'a Delivery,
        attempts: i32,
        error: &str,
    ) -> Self {
        let error = error.chars().filter(|c| *c != '\0').take(ERROR_LENGTH).collect();
        Self { consumer, event_id: id_of(delivery), delivery, attempts, error }
    }
}

/// The event's id, or one made of the message where it has none.
fn id_of(delivery: &Delivery) -> Uuid {
    let Position { topic, partition, offset } = &delivery.position;
    Envelope::from_record(&delivery.record).map_or_else(
        |_| {
            content_id(&[
                topic.as_bytes(),
                &partition.to_be_bytes(),
                &offset.to_be_bytes(),
                &delivery.record.payload,
            ])
        },
        |event| event.id,
    )
}

/// Whether events of this key wait already.
pub(crate) async fn key_is_parked(tx: &Tx, consumer: &str, record: &Record) -> Result<bool, DbErr> {
    let statement = "SELECT 1 FROM parked WHERE consumer = $1 AND topic = $2 AND key = $3 LIMIT 1";
    let values = vec![consumer.into(), record.topic.as_str().into(), record.key.as_str().into()];
    Ok(sql::one(tx, statement, values).await?.is_some())
}

/// Whether anything waits at all; mostly nothing does, and one look spares many.
pub(crate) async fn any_parked(tx: &Tx, consumer: &str) -> Result<bool, DbErr> {
    let statement = "SELECT 1 FROM parked WHERE consumer = $1 LIMIT 1";
    Ok(sql::one(tx, statement, vec![consumer.into()]).await?.is_some())
}

/// Parks an event; the caller has noted it in the inbox.
pub(crate) async fn park(
    tx: &Tx,
    trouble: &Trouble<'_>,
    due: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let Delivery { record, position } = trouble.delivery;
    sql::execute(
        tx,
        "INSERT INTO parked (consumer, event_id, topic, key, partition_no, log_offset, headers, payload,
           attempts, next_attempt_at, parked_at, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (consumer, event_id) DO NOTHING",
        vec![
            trouble.consumer.into(),
            trouble.event_id.into(),
            record.topic.as_str().into(),
            record.key.as_str().into(),
            position.partition.into(),
            position.offset.into(),
            headers_to_json(&record.headers).into(),
            record.payload.clone().into(),
            trouble.attempts.into(),
            due.into(),
            now.into(),
            trouble.error.as_str().into(),
        ],
    )
    .await
    .map(drop)
}

/// Gives an event up: a row to look at and re-drive, and a message in `TOPIC.GROUP.dlq`.
pub(crate) async fn bury(tx: &Tx, trouble: &Trouble<'_>, now: DateTime<Utc>) -> Result<(), DbErr> {
    let Delivery { record, position } = trouble.delivery;
    let ty = header(&record.headers, "ce_type");
    let id = kernel::new_id();
    sql::execute(
        tx,
        "INSERT INTO dead_letter (id, consumer, event_id, type, org, topic, key, partition_no, log_offset, headers,
           payload, attempts, error, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        vec![
            id.into(),
            trouble.consumer.into(),
            trouble.event_id.into(),
            ty.map(str::to_owned).into(),
            header(&record.headers, "ce_org").map(str::to_owned).into(),
            record.topic.as_str().into(),
            record.key.as_str().into(),
            position.partition.into(),
            position.offset.into(),
            headers_to_json(&record.headers).into(),
            record.payload.clone().into(),
            trouble.attempts.into(),
            trouble.error.as_str().into(),
            now.into(),
        ],
    )
    .await?;
    let letter = letter(trouble);
    // A message too large for our own outbox stays readable in the table.
    if letter.payload.len() * 4 / 3 > 800_000 {
        tracing::warn!(topic = letter.topic, %id, "dead letter is too large for its topic; it is kept in the table only");
        return Ok(());
    }
    emit_raw(tx, id, ty.unwrap_or("unknown"), now, letter).await
}

/// The original message with where it stood and why it failed in its headers.
fn letter(trouble: &Trouble<'_>) -> Record {
    let Delivery { record, position } = trouble.delivery;
    let mut headers = record.headers.clone();
    let added = [
        ("kefu-dlq-topic", record.topic.clone()),
        ("kefu-dlq-partition", position.partition.to_string()),
        ("kefu-dlq-offset", position.offset.to_string()),
        ("kefu-dlq-group", trouble.consumer.to_owned()),
        ("kefu-dlq-attempts", trouble.attempts.to_string()),
        ("kefu-dlq-error", trouble.error.clone()),
    ];
    headers.extend(added.map(|(name, value)| (name.to_owned(), value.into_bytes())));
    Record {
        topic: format!("{}.{}.dlq", record.topic, trouble.consumer),
        key: record.key.clone(),
        headers,
        payload: record.payload.clone(),
    }
}

/// Gives up an event that comes straight from the log; false when that had been done before.
pub(crate) async fn bury_first(
    tx: &Tx,
    trouble: &Trouble<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let first = first_sight(tx, trouble.consumer, trouble.event_id, now).await?;
    if first {
        bury(tx, trouble, now).await?;
    }
    Ok(first)
}

/// Counts and logs a dead letter after its transaction has committed.
pub(crate) fn tell(service: &str, trouble: &Trouble<'_>) {
    let ty = header(&trouble.delivery.record.headers, "ce_type").unwrap_or("unknown");
    let labels =
        metrics::Letters { service: service.to_owned(), event_type: metrics::event_type(ty) };
    metrics::DEAD_LETTERS.get_or_create(&labels).inc();
    let Position { topic, partition, offset } = &trouble.delivery.position;
    tracing::error!(
        service, ty, event_id = %trouble.event_id, topic, partition, offset,
        attempts = trouble.attempts, error = trouble.error, "event given up"
    );
}

/// One parked event.
#[derive(Debug, Clone, FromQueryResult)]
pub(crate) struct ParkedRow {
    pub seq: i64,
    pub event_id: Uuid,
    pub topic: String,
    pub key: String,
    pub partition_no: i32,
    pub log_offset: i64,
    pub headers: String,
    pub payload: Vec<u8>,
    pub attempts: i32,
}

impl ParkedRow {
    pub(crate) fn delivery(&self) -> Result<Delivery, serde_json::Error> {
        let position = Position {
            topic: self.topic.clone(),
            partition: self.partition_no,
            offset: self.log_offset,
        };
        let headers = headers_from_json(&self.headers)?;
        let record = Record {
            topic: self.topic.clone(),
            key: self.key.clone(),
            headers,
            payload: self.payload.clone(),
        };
        Ok(Delivery { record, position })
    }
}
