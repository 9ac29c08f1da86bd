//! Dead letters: list, inspect, re-drive. The HTTP and command-line ways to them stand in `host`.

use chrono::{DateTime, Utc};
use kernel::{Page, PageQuery, Problem};
use sea_orm::{DbErr, FromQueryResult};
use serde::Serialize;
use store::{Db, Tx, sql};
use uuid::Uuid;

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadLetter {
    pub id: Uuid,
    /// Consumer group that gave it up, `kefu-SERVICE`.
    pub consumer: String,
    /// Id of the event; made of the content when the message has none.
    pub event_id: Uuid,
    #[serde(rename = "type")]
    pub ty: Option<String>,
    pub org: Option<String>,
    pub topic: String,
    pub key: String,
    pub partition: i32,
    pub offset: i64,
    pub headers: serde_json::Value,
    /// What is no UTF-8 in it is replaced by U+FFFD here; the row keeps the bytes.
    pub payload: String,
    pub attempts: i32,
    pub error: String,
    pub traceparent: Option<String>,
    pub created_at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct Row {
    seq: i64,
    id: Uuid,
    consumer: String,
    event_id: Uuid,
    r#type: Option<String>,
    org: Option<String>,
    topic: String,
    key: String,
    partition_no: i32,
    log_offset: i64,
    headers: String,
    payload: Vec<u8>,
    attempts: i32,
    error: String,
    created_at: DateTime<Utc>,
}

impl From<Row> for DeadLetter {
    fn from(row: Row) -> Self {
        let headers: serde_json::Value = serde_json::from_str(&row.headers).unwrap_or_default();
        let traceparent = headers.get("traceparent").and_then(|v| v.as_str()).map(str::to_owned);
        Self {
            id: row.id,
            consumer: row.consumer,
            event_id: row.event_id,
            ty: row.r#type,
            org: row.org,
            topic: row.topic,
            key: row.key,
            partition: row.partition_no,
            offset: row.log_offset,
            headers,
            payload: String::from_utf8_lossy(&row.payload).into_owned(),
            attempts: row.attempts,
            error: row.error,
            traceparent,
            created_at: row.created_at,
        }
    }
}

/// Dead letters of this database, the newest first.
pub async fn list(db: &Db, page: &PageQuery) -> Result<Page<DeadLetter>, Problem> {
    let limit = page.limit()?;
    let before: i64 = page.after("dead-letters")?.unwrap_or(i64::MAX);
    let statement =
        format!("SELECT * FROM dead_letter WHERE seq < $1 ORDER BY seq DESC LIMIT {}", limit + 1);
    let rows: Vec<Row> = sql::rows(db, &statement, vec![before.into()]).await?;
    let mut page_of = Page::of(rows, limit, "dead-letters", |row| row.seq, DeadLetter::from);
    if page.total == Some(true) {
        page_of.total = Some(count(db).await?);
    }
    Ok(page_of)
}

/// How many there are.
pub async fn count(db: &Db) -> Result<u64, DbErr> {
    let row = sql::one(db, "SELECT count(*) AS n FROM dead_letter", vec![]).await?;
    let n: i64 = row.ok_or_else(|| DbErr::RecordNotFound("count".into()))?.try_get("", "n")?;
    Ok(u64::try_from(n).unwrap_or_default())
}

pub async fn get(db: &Db, id: Uuid) -> Result<Option<DeadLetter>, DbErr> {
    let rows: Vec<Row> =
        sql::rows(db, "SELECT * FROM dead_letter WHERE id = $1", vec![id.into()]).await?;
    Ok(rows.into_iter().next().map(DeadLetter::from))
}

/// Puts one back, to be run again at once as if it had never failed, behind parked events of its
/// key; false when there is no such dead letter.
pub async fn redrive(db: &Db, id: Uuid, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let tx = db.begin().await?;
    let found = put_back(&tx, id, now).await?;
    tx.commit().await?;
    Ok(found)
}

/// Puts all of them back, in the order in which they were given up; answers how many.
pub async fn redrive_all(db: &Db, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let mut count = 0;
    let last = sql::one(db, "SELECT max(seq) AS last FROM dead_letter", vec![]).await?;
    let Some(last) = last.map(|row| row.try_get::<Option<i64>>("", "last")).transpose()?.flatten()
    else {
        return Ok(0);
    };
    loop {
        let tx = db.begin().await?;
        let statement = "SELECT id FROM dead_letter WHERE seq <= $1 ORDER BY seq LIMIT 100";
        let ids = sql::all(&tx, statement, vec![last.into()]).await?;
        for row in &ids {
            count += u64::from(put_back(&tx, row.try_get("", "id")?, now).await?);
        }
        tx.commit().await?;
        if ids.is_empty() {
            return Ok(count);
        }
    }
}

async fn put_back(tx: &Tx, id: Uuid, now: DateTime<Utc>) -> Result<bool, DbErr> {
    // Two who re-drive at once: the row lock of the delete lets one of them through.
    let statement = "DELETE FROM dead_letter WHERE id = $1
        RETURNING consumer, event_id, topic, key, partition_no, log_offset, headers, payload, error";
    let Some(row) = sql::one(tx, statement, vec![id.into()]).await? else { return Ok(false) };
    let text = |column: &str| row.try_get::<String>("", column);
    sql::execute(
        tx,
        "INSERT INTO parked (consumer, event_id, topic, key, partition_no, log_offset, headers, payload,
           attempts, next_attempt_at, parked_at, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $9, $10)
         ON CONFLICT (consumer, event_id) DO NOTHING",
        vec![
            text("consumer")?.into(),
            row.try_get::<Uuid>("", "event_id")?.into(),
            text("topic")?.into(),
            text("key")?.into(),
            row.try_get::<i32>("", "partition_no")?.into(),
            row.try_get::<i64>("", "log_offset")?.into(),
            text("headers")?.into(),
            row.try_get::<Vec<u8>>("", "payload")?.into(),
            now.into(),
            text("error")?.into(),
        ],
    )
    .await?;
    Ok(true)
}

/// Deletes the dead letters that speak of one of these things; answers how many. For a person who
/// is to be forgotten: what could not be handled about him is not kept.
pub async fn forget(tx: &Tx, ids: &[Uuid]) -> Result<u64, DbErr> {
    let found =
        if tx.is_postgres() { "position($2 in payload) > 0" } else { "instr(payload, $2) > 0" };
    let statement = format!("DELETE FROM dead_letter WHERE key = $1 OR {found}");
    let mut count = 0;
    for id in ids {
        let text = id.to_string();
        let values = vec![text.clone().into(), text.into_bytes().into()];
        count += sql::execute(tx, &statement, values).await?.rows_affected();
    }
    Ok(count)
}
