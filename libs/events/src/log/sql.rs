//! Log in a database of its own: `events.db` of the suite. On PostgreSQL it works across
//! processes: appends take an advisory lock, so that offsets become visible in their order.
//!
//! Acknowledgements become durable when a reader has nothing else to do, and once a second at
//! most: after a crash the last ones are delivered again, which the inbox makes harmless.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::Clock;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Value};
use store::{Db, Migrations, SqlMigration, sql};
use tokio::{sync::watch, task::JoinHandle};

use super::{Delivery, EventLog, LogError, Position, Record, Subscription};
use crate::wire::{headers_from_json, headers_to_json};

const DDL: &str = "
create table event_log (
  log_offset {seq},
  topic text not null,
  key text not null,
  headers text not null,
  payload {bytes} not null,
  created_at {ts} not null
);
create index event_log_age on event_log (created_at);
create table group_offset (
  consumer_group text not null,
  topic text not null,
  position bigint not null,
  primary key (consumer_group, topic)
);
";

/// Messages read at once.
const READ: u64 = 256;
/// Rows of one insert statement: five values each, below SQLite's 32,766 and PostgreSQL's 65,535.
const INSERT: usize = 200;
/// How often a reader looks for another process's appends, on PostgreSQL.
const POLL: Duration = Duration::from_millis(500);
/// How often it looks where its own process alone appends and wakes it.
const POLL_WOKEN: Duration = Duration::from_secs(5);
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Durable log for one process (SQLite) or several (PostgreSQL). Share it by cloning: a clone's
/// appends wake readers at once.
#[derive(Clone)]
pub struct SqlLog(Arc<Shared>);

struct Shared {
    db: Db,
    clock: Arc<dyn Clock>,
    keep: TimeDelta,
    grown: watch::Sender<u64>,
}

impl SqlLog {
    /// Brings the database's tables up to date. `keep_days`: what every group has read stays this
    /// long, for groups to come.
    pub async fn open(db: Db, clock: Arc<dyn Clock>, keep_days: u32) -> Result<Self, LogError> {
        Migrations::new([vec![SqlMigration::new("m0001_event_log", DDL)]]).run(&db).await?;
        let keep = TimeDelta::days(keep_days.into());
        Ok(Self(Arc::new(Shared { db, clock, keep, grown: watch::Sender::new(0) })))
    }

    async fn insert(&self, batch: &[Record]) -> Result<(), DbErr> {
        let now = self.0.clock.now();
        let tx = self.0.db.begin().await?;
        if tx.is_postgres() {
            // "kefu log", any constant will do.
            tx.execute_unprepared("SELECT pg_advisory_xact_lock(7738703201892165)").await?;
        }
        for rows in batch.chunks(INSERT) {
            let tuple = |n: usize| {
                let at = n * 5;
                format!("(${}, ${}, ${}, ${}, ${})", at + 1, at + 2, at + 3, at + 4, at + 5)
            };
            let tuples: Vec<String> = (0..rows.len()).map(tuple).collect();
            let statement = format!(
                "INSERT INTO event_log (topic, key, headers, payload, created_at) VALUES {}",
                tuples.join(", ")
            );
            let values = rows.iter().flat_map(|r| {
                let headers = headers_to_json(&r.headers);
                let values: [Value; 5] = [
                    r.topic.as_str().into(),
                    r.key.as_str().into(),
                    headers.into(),
                    r.payload.clone().into(),
                    now.into(),
                ];
                values
            });
            sql::execute(&tx, &statement, values.collect()).await?;
        }
        tx.commit().await
    }
}

#[async_trait]
impl EventLog for SqlLog {
    async fn append(&self, batch: &[Record]) -> Vec<Result<(), LogError>> {
        if batch.is_empty() {
            return vec![];
        }
        match self.insert(batch).await {
            Ok(()) => {
                self.0.grown.send_modify(|n| *n += 1);
                batch.iter().map(|_| Ok(())).collect()
            }
            Err(error) => {
                let text = format!("event log database: {error}");
                batch.iter().map(|_| Err(LogError::Other(text.clone()))).collect()
            }
        }
    }

    async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
    ) -> Result<Box<dyn Subscription>, LogError> {
        // Known from the first day, a group holds back the pruning of what it has not read.
        let start: BTreeMap<String, i64> = topics.iter().map(|t| ((*t).to_owned(), 0)).collect();
        save(&self.0.db, group, &start).await?;
        #[derive(FromQueryResult)]
        struct Row {
            topic: String,
            position: i64,
        }
        let statement = "SELECT topic, position FROM group_offset WHERE consumer_group = $1";
        let rows: Vec<Row> = sql::rows(&self.0.db, statement, vec![group.into()]).await?;
        let start: BTreeMap<String, i64> = rows
            .into_iter()
            .filter(|row| start.contains_key(&row.topic))
            .map(|row| (row.topic, row.position))
            .collect();
        Ok(Box::new(SqlSubscription {
            log: self.0.clone(),
            grown: self.0.grown.subscribe(),
            group: group.to_owned(),
            cursor: start.values().copied().min().unwrap_or_default(),
            acked: start.clone(),
            start,
            ready: VecDeque::new(),
            unsaved: false,
            saved_at: Instant::now(),
            saving: None,
        }))
    }

    async fn ensure_topics(&self, _topics: &[String]) -> Result<(), LogError> {
        Ok(())
    }

    async fn ready(&self) -> Result<(), LogError> {
        Ok(self.0.db.ping().await?)
    }

    fn system(&self) -> &'static str {
        "kefu_sql"
    }

    /// Deletes what is older than the log keeps and was read by every group of its topic.
    async fn maintain(&self, now: DateTime<Utc>) -> Result<(), LogError> {
        let statement = "
            DELETE FROM event_log WHERE log_offset IN (
              SELECT e.log_offset FROM event_log e WHERE e.created_at < $1 AND NOT EXISTS (
                SELECT 1 FROM group_offset g WHERE g.topic = e.topic AND g.position < e.log_offset)
              ORDER BY e.log_offset LIMIT 1000)";
        loop {
            let tx = self.0.db.begin().await?;
            let deleted = sql::execute(&tx, statement, vec![(now - self.0.keep).into()])
                .await?
                .rows_affected();
            tx.commit().await?;
            if deleted < 1_000 {
                return Ok(());
            }
        }
    }
}

/// Moves a group's positions forward, never back.
async fn save(db: &Db, group: &str, positions: &BTreeMap<String, i64>) -> Result<(), DbErr> {
    let tx = db.begin().await?;
    for (topic, position) in positions {
        sql::execute(
            &tx,
            "INSERT INTO group_offset (consumer_group, topic, position) VALUES ($1, $2, $3)
             ON CONFLICT (consumer_group, topic) DO UPDATE SET position = excluded.position
             WHERE group_offset.position < excluded.position",
            vec![group.into(), topic.as_str().into(), (*position).into()],
        )
        .await?;
    }
    tx.commit().await
}

struct SqlSubscription {
    log: Arc<Shared>,
    grown: watch::Receiver<u64>,
    group: String,
    /// Topic → last offset acknowledged when the subscription began.
    start: BTreeMap<String, i64>,
    acked: BTreeMap<String, i64>,
    /// Everything up to here was read into `ready`.
    cursor: i64,
    ready: VecDeque<Delivery>,
    unsaved: bool,
    saved_at: Instant,
    saving: Option<JoinHandle<()>>,
}

#[derive(FromQueryResult)]
struct Row {
    log_offset: i64,
    topic: String,
    key: String,
    headers: String,
    payload: Vec<u8>,
}

impl SqlSubscription {
    /// Reads the next messages; false at the end of the log. The end is asked for first, so that
    /// a quiet topic's reader does not scan the others' messages again and again.
    async fn read_on(&mut self) -> Result<bool, LogError> {
        let end =
            sql::one(&self.log.db, "SELECT max(log_offset) AS last FROM event_log", vec![]).await?;
        let end: i64 = end
            .map(|row| row.try_get::<Option<i64>>("", "last"))
            .transpose()?
            .flatten()
            .unwrap_or_default();
        if end <= self.cursor {
            return Ok(false);
        }
        let marks: Vec<String> = (0..self.start.len()).map(|n| format!("${}", n + 3)).collect();
        let statement = format!(
            "SELECT log_offset, topic, key, headers, payload FROM event_log
             WHERE log_offset > $1 AND log_offset <= $2 AND topic IN ({}) ORDER BY log_offset LIMIT {READ}",
            marks.join(", ")
        );
        let mut values: Vec<Value> = vec![self.cursor.into(), end.into()];
        values.extend(self.start.keys().map(|topic| Value::from(topic.as_str())));
        let rows: Vec<Row> = sql::rows(&self.log.db, &statement, values).await?;
        let full = rows.len() as u64 == READ;
        self.cursor = rows.last().filter(|_| full).map_or(end, |row| row.log_offset);
        for row in rows {
            if self.start.get(&row.topic).is_some_and(|done| row.log_offset <= *done) {
                continue;
            }
            let headers = headers_from_json(&row.headers).map_err(|e| {
                LogError::Other(format!("headers at offset {}: {e}", row.log_offset))
            })?;
            let position =
                Position { topic: row.topic.clone(), partition: 0, offset: row.log_offset };
            let record = Record { topic: row.topic, key: row.key, headers, payload: row.payload };
            self.ready.push_back(Delivery { record, position });
        }
        Ok(true)
    }

    /// Saves acknowledgements in a task of its own: a wait for messages may be given up at any
    /// time, the begin of a transaction must not.
    fn save_soon(&mut self) {
        if !self.unsaved || self.saving.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let (log, group, acked) = (self.log.clone(), self.group.clone(), self.acked.clone());
        self.unsaved = false;
        self.saved_at = Instant::now();
        self.saving = Some(tokio::spawn(async move {
            if let Err(error) = save(&log.db, &group, &acked).await {
                tracing::warn!(%error, group, "offsets were not saved; the next save covers them");
            }
        }));
    }
}

#[async_trait]
impl Subscription for SqlSubscription {
    async fn next(&mut self) -> Result<Delivery, LogError> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Ok(delivery);
            }
            self.grown.mark_unchanged();
            if self.read_on().await? {
                continue;
            }
            self.save_soon();
            let poll = if self.unsaved || self.log.db.is_postgres() { POLL } else { POLL_WOKEN };
            tokio::select! {
                changed = self.grown.changed() => changed.map_err(|_| LogError::Other("the log is gone".into()))?,
                () = tokio::time::sleep(poll) => {}
            }
        }
    }

    fn try_next(&mut self) -> Option<Delivery> {
        self.ready.pop_front()
    }

    async fn ack(&mut self, position: &Position) -> Result<(), LogError> {
        let acked = self.acked.entry(position.topic.clone()).or_default();
        *acked = position.offset.max(*acked);
        self.unsaved = true;
        if self.saved_at.elapsed() > SAVE_EVERY {
            self.save_soon();
        }
        Ok(())
    }

    async fn lag(&mut self) -> Option<u64> {
        let statement =
            "SELECT topic, count(*) AS n FROM event_log WHERE log_offset > $1 GROUP BY topic";
        let rows = sql::all(&self.log.db, statement, vec![self.cursor.into()]).await.ok()?;
        let unread: HashMap<String, i64> = rows
            .iter()
            .filter_map(|row| Some((row.try_get("", "topic").ok()?, row.try_get("", "n").ok()?)))
            .collect();
        let unread: i64 = unread
            .iter()
            .filter(|(topic, _)| self.start.contains_key(*topic))
            .map(|(_, n)| n)
            .sum();
        u64::try_from(unread).ok().map(|n| n + self.ready.len() as u64)
    }

    async fn close(mut self: Box<Self>) -> Result<(), LogError> {
        if let Some(task) = self.saving.take() {
            task.await.map_err(|e| LogError::Other(format!("saving offsets: {e}")))?;
        }
        Ok(save(&self.log.db, &self.group, &self.acked).await?)
    }
}
