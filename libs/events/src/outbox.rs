//! Outbox: events written in the transaction of the state change they tell of.

use chrono::{DateTime, Utc};
use contracts::Event;
use kernel::Context;
use sea_orm::{DbErr, FromQueryResult};
use store::{Db, Row, Tx, sql};
use uuid::Uuid;

use crate::{
    Envelope, Undecodable,
    log::Record,
    wire::{self, headers_from_json, headers_to_json, payload_to_text, shard_of},
};

/// Largest payload in bytes: below the 1 MB that brokers take by default, so that no event can
/// block its key in the relay.
const MAX_PAYLOAD: usize = 900_000;

/// Tells of a payload that was no text and stands in base64 in a dead-letter topic.
pub(crate) const ENCODING_HEADER: &str = "kefu-payload-encoding";

/// Writes `event` to the outbox inside the caller's transaction and returns its id. Call it after
/// the aggregate's row was written under its version or lock: only then is the order per key the
/// order of commits. The trace is the current span's, else that of `ctx`. The row is written before
/// the transaction's next statement or its commit, so that several events take one round trip.
pub async fn emit<E: Event>(
    tx: &Tx,
    ctx: &Context,
    at: DateTime<Utc>,
    event: &E,
) -> Result<Uuid, DbErr> {
    let envelope = Envelope::of(ctx, at, event)
        .map_err(|e| DbErr::Custom(format!("event {} cannot be written as JSON: {e}", E::TYPE)))?;
    emit_raw(tx, envelope.id, &envelope.ty, at, envelope.to_record()).await?;
    Ok(envelope.id)
}

/// Writes any message to the outbox, e.g. a dead letter with the headers of its original.
pub async fn emit_raw(
    tx: &Tx,
    id: Uuid,
    ty: &str,
    at: DateTime<Utc>,
    mut record: Record,
) -> Result<(), DbErr> {
    if record.payload.len() > MAX_PAYLOAD {
        return Err(DbErr::Custom(format!(
            "event {ty} is {} bytes long, at most {MAX_PAYLOAD} are possible",
            record.payload.len()
        )));
    }
    let (payload, encoded) = payload_to_text(&record.payload);
    if encoded {
        record.headers.push((ENCODING_HEADER.to_owned(), b"base64".to_vec()));
    }
    let aggregate = ty.split('.').nth(1).unwrap_or(ty);
    tx.insert_later(Row::new(
        "outbox (id, aggregatetype, aggregateid, type, topic, payload, headers, shard, created_at)",
        "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        vec![
            id.into(),
            aggregate.into(),
            record.key.as_str().into(),
            ty.into(),
            record.topic.into(),
            payload.into(),
            headers_to_json(&record.headers).into(),
            shard_of(&record.key).into(),
            at.into(),
        ],
    ));
    tx.mark_events();
    Ok(())
}

/// One outbox row on its way to the log.
#[derive(Debug, Clone, FromQueryResult)]
pub(crate) struct OutboxRow {
    pub seq: i64,
    pub id: Uuid,
    #[sea_orm(from_alias = "type")]
    pub ty: String,
    pub topic: String,
    pub aggregateid: String,
    pub payload: String,
    pub headers: String,
    pub shard: i32,
}

impl OutboxRow {
    /// The message as it goes to the log.
    pub(crate) fn record(&self) -> Result<Record, serde_json::Error> {
        Ok(Record {
            topic: self.topic.clone(),
            key: self.aggregateid.clone(),
            headers: headers_from_json(&self.headers)?,
            payload: self.payload.clone().into_bytes(),
        })
    }
}

pub(crate) const COLUMNS: &str = "seq, id, type, topic, aggregateid, payload, headers, shard";

/// Everything that waits in the outbox, in order, read as events; for tests and inspection.
pub async fn unpublished(db: &Db) -> Result<Vec<Result<Envelope, Undecodable>>, DbErr> {
    let rows: Vec<OutboxRow> = sql::rows(
        db,
        &format!("SELECT {COLUMNS} FROM outbox WHERE published_at IS NULL ORDER BY seq"),
        vec![],
    )
    .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let record = row.record().map_err(|e| Undecodable::Data(e.to_string()))?;
            Envelope::from_record(&record)
        })
        .collect())
}

/// Trace context among message headers.
pub(crate) fn trace_of(headers: &[(String, Vec<u8>)]) -> kernel::TraceContext {
    let text = |name| wire::header(headers, name).map(str::to_owned);
    kernel::TraceContext {
        traceparent: text("traceparent"),
        tracestate: text("tracestate"),
        baggage: text("baggage"),
    }
}
