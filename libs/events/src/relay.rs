//! Relay: from the outbox to the log, in order per key.
//!
//! Rows are found by `published_at IS NULL`, never by `seq > last`: sequences commit out of order.
//! A key always lies in one shard and a shard has one leaseholder, so a key has one sender. Of the
//! rows of a key the delivered prefix is marked; the rest is sent again.
//!
//! Fencing: rows are only read where the database itself still counts the lease as held, and only
//! sent while it is by this process's own watch. What a holder who freezes in the very act sends
//! late, his successor has sent before him in the same order, for it was not marked: to every inbox
//! it is a repetition. Marking needs no lease: what the log has acknowledged is published, whoever
//! sent it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use kernel::Clock;
use sea_orm::{ConnectionTrait, DbErr};
use store::{
    Db,
    fault::{self, Mutation},
    sql,
};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::{
    BackboneSettings, baggage,
    log::{EventLog, LogError, Record},
    metrics,
    outbox::{COLUMNS, OutboxRow, trace_of},
    shards::Shards,
    trace::set_parent,
};

const MAX_PAUSE: Duration = Duration::from_secs(10);
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// Rounds of a worker that catches up, before it waits for the others.
const ROUNDS: usize = 4;
/// Rows deleted or inspected by one housekeeping statement.
const CHUNK: u64 = 1_000;

/// Publishes one database's outbox. Cheap to clone; clones share the leases.
#[derive(Clone)]
pub struct Relay {
    service: String,
    db: Db,
    log: Arc<dyn EventLog>,
    shards: Shards,
    settings: BackboneSettings,
    clock: Arc<dyn Clock>,
}

/// What one round did.
#[derive(Debug, Default)]
pub struct Round {
    /// Rows read, and of them published, by this process.
    pub read: usize,
    pub published: usize,
    /// A shard may hold more than was read of it.
    pub more: bool,
    /// First failure, if any row was not published.
    pub failure: Option<String>,
}

impl Relay {
    #[must_use]
    pub fn new(
        service: &str,
        db: Db,
        log: Arc<dyn EventLog>,
        holder: &str,
        settings: BackboneSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let shards = Shards::new(service, db.clone(), holder, settings.lease());
        Self { service: service.to_owned(), db, log, shards, settings, clock }
    }

    /// Takes or prolongs this process's share of the shards; answers how many leases are held.
    pub async fn hold(&self) -> Result<usize, DbErr> {
        self.shards.hold().await
    }

    /// Gives every lease back, for a quick hand-over.
    pub async fn release(&self) -> Result<(), DbErr> {
        self.shards.release().await
    }

    /// Reads, sends and marks one batch of all shards held.
    pub async fn round(&self) -> Result<Round, DbErr> {
        self.round_of(0, 1).await
    }

    /// One batch of every `of`-th shard from the `nth` on.
    async fn round_of(&self, nth: usize, of: usize) -> Result<Round, DbErr> {
        let rows = self.read(nth, of).await?;
        if rows.is_empty() {
            return Ok(Round::default());
        }
        let more = self.is_full(&rows);
        let every: Vec<&OutboxRow> = rows.iter().collect();
        if fault::mutated(Mutation::Relay) {
            self.mark(&every).await?;
        }
        fault::point("relay-before-send");
        let in_time = self.shards.in_time();
        let (mine, late): (Vec<OutboxRow>, Vec<OutboxRow>) =
            rows.into_iter().partition(|row| in_time.contains(&row.shard));
        let outcomes = self.send(&mine).await;
        fault::point("relay-before-mark");
        let failure = outcomes.iter().find_map(|o| o.as_ref().err().map(ToString::to_string));
        let delivered: Vec<&OutboxRow> =
            mine.iter().zip(&outcomes).filter(|(_, o)| o.is_ok()).map(|(row, _)| row).collect();
        let published = self.mark(&delivered).await?;
        Ok(Round { read: mine.len() + late.len(), published, more, failure })
    }

    /// Most rows of one shard in a round.
    fn most_of_a_shard(&self) -> usize {
        (self.settings.relay_batch as usize / 4).max(1)
    }

    /// Whether any shard gave as many rows as a round takes of it.
    fn is_full(&self, rows: &[OutboxRow]) -> bool {
        let mut counts = BTreeMap::<i32, usize>::new();
        rows.iter().for_each(|row| *counts.entry(row.shard).or_default() += 1);
        counts.into_values().any(|count| count >= self.most_of_a_shard())
    }

    /// One limited select per shard, so that each walks its index and a long outbox costs no more.
    async fn read(&self, nth: usize, of: usize) -> Result<Vec<OutboxRow>, DbErr> {
        let limit = self.most_of_a_shard();
        let mut selects = vec![];
        for (shard, guard) in self.shards.guarded().into_iter().skip(nth).step_by(of) {
            selects.push(format!(
                "SELECT * FROM (SELECT {COLUMNS} FROM outbox WHERE published_at IS NULL AND shard = {shard}
                 AND {guard} ORDER BY seq LIMIT {limit}) AS s{shard}"
            ));
        }
        if selects.is_empty() {
            return Ok(vec![]);
        }
        let mut rows: Vec<OutboxRow> =
            sql::rows(&self.db, &selects.join(" UNION ALL "), vec![]).await?;
        rows.sort_unstable_by_key(|row| row.seq);
        Ok(rows)
    }

    async fn send(&self, rows: &[OutboxRow]) -> Vec<Result<(), LogError>> {
        let records: Result<Vec<Record>, _> = rows.iter().map(OutboxRow::record).collect();
        let records = match records {
            Ok(records) => records,
            Err(error) => return all_failed(rows, &format!("headers of an outbox row: {error}")),
        };
        let topics: BTreeSet<String> = records.iter().map(|r| r.topic.clone()).collect();
        if let Err(error) = self.log.ensure_topics(&Vec::from_iter(topics)).await {
            return all_failed(rows, &error.to_string());
        }
        let spans: Vec<Span> =
            rows.iter().zip(&records).map(|(row, record)| self.span(row, record)).collect();
        let began = Instant::now();
        let outcomes = self.log.append(&records).await;
        self.count(&records, &outcomes, began.elapsed());
        for (span, outcome) in spans.iter().zip(&outcomes) {
            if let Err(error) = outcome {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", "not_acknowledged");
                span.record("error.message", tracing::field::display(error));
            }
        }
        outcomes
    }

    fn count(&self, records: &[Record], outcomes: &[Result<(), LogError>], took: Duration) {
        let mut by_topic: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (record, outcome) in records.iter().zip(outcomes) {
            let (well, refused) = by_topic.entry(&record.topic).or_default();
            *(if outcome.is_ok() { well } else { refused }) += 1;
        }
        for (topic, both) in by_topic {
            metrics::sent(&self.service, self.log.system(), topic, both, took);
        }
    }

    fn span(&self, row: &OutboxRow, record: &Record) -> Span {
        let span = tracing::info_span!(
            "send",
            otel.name = format!("send {}", row.topic),
            otel.kind = "producer",
            otel.status_code = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            error.message = tracing::field::Empty,
            messaging.system = self.log.system(),
            messaging.operation.name = "send",
            messaging.operation.r#type = "send",
            messaging.destination.name = row.topic,
            messaging.message.id = %row.id,
            messaging.kafka.message.key = row.aggregateid,
            kefu.service = self.service,
            messaging.message.body.size = record.payload.len(),
            kefu.event.type = row.ty,
            kefu.org = tracing::field::Empty,
            kefu.ticket.kind = tracing::field::Empty,
        );
        let trace = trace_of(&record.headers);
        set_parent(&span, &trace);
        baggage::record(&span, trace.baggage.as_deref());
        span
    }

    /// Marks rows published; answers how many were not marked yet. On PostgreSQL without waiting
    /// for the disk: a mark lost in a crash of the server only means that a row is sent again.
    async fn mark(&self, rows: &[&OutboxRow]) -> Result<usize, DbErr> {
        if rows.is_empty() {
            return Ok(0);
        }
        // Numbers of our own making: no placeholder needed, and no statement to prepare.
        let seqs = rows.iter().map(|row| row.seq.to_string()).collect::<Vec<_>>().join(",");
        let statement = if self.settings.keep_published_secs == 0 {
            format!("DELETE FROM outbox WHERE seq IN ({seqs})")
        } else {
            let now = self.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Micros, false);
            format!(
                "UPDATE outbox SET published_at = '{now}' WHERE published_at IS NULL AND seq IN ({seqs})"
            )
        };
        let done = if self.db.is_postgres() {
            let statement = format!("SET LOCAL synchronous_commit = off; {statement}");
            self.db.execute_unprepared(&statement).await?
        } else {
            let tx = self.db.begin().await?;
            let done = tx.execute_unprepared(&statement).await?;
            tx.commit().await?;
            done
        };
        Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
    }

    /// Keeps the leases, the metrics and the table's size until told to stop.
    pub(crate) async fn keep(&self, stop: &CancellationToken) {
        let mut pause = Duration::ZERO;
        while wait(stop, pause).await {
            // After a failure sooner, for the leases run out.
            pause = self.settings.lease() / 3;
            for outcome in [self.hold().await.map(drop), self.measure().await, self.sweep().await] {
                if let Err(error) = outcome {
                    tracing::warn!(service = self.service, %error, "relay housekeeping");
                    pause = pause.min(Duration::from_secs(1));
                }
            }
        }
    }

    async fn measure(&self) -> Result<(), DbErr> {
        let statement = "SELECT count(*) AS n, min(created_at) AS oldest FROM outbox WHERE published_at IS NULL";
        let Some(row) = sql::one(&self.db, statement, vec![]).await? else { return Ok(()) };
        let oldest: Option<chrono::DateTime<chrono::Utc>> = row.try_get("", "oldest")?;
        let age = oldest.map_or(0, |at| (self.clock.now() - at).num_milliseconds().max(0));
        let labels = metrics::Service { service: self.service.clone() };
        metrics::OUTBOX_AGE.get_or_create(&labels).set(age as f64 / 1_000.0);
        metrics::OUTBOX_PENDING.get_or_create(&labels).set(row.try_get::<i64>("", "n")? as f64);
        Ok(())
    }

    /// Deletes rows that were published long enough ago.
    async fn sweep(&self) -> Result<(), DbErr> {
        if self.settings.keep_published_secs == 0 {
            return Ok(());
        }
        let keep = i64::try_from(self.settings.keep_published_secs).unwrap_or(i64::MAX / 1_000);
        let before = self.clock.now() - chrono::TimeDelta::seconds(keep);
        let statement = format!(
            "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox
             WHERE published_at IS NOT NULL AND published_at < $1 ORDER BY published_at LIMIT {CHUNK})"
        );
        loop {
            let tx = self.db.begin().await?;
            let deleted = sql::execute(&tx, &statement, vec![before.into()]).await?.rows_affected();
            tx.commit().await?;
            if deleted < CHUNK {
                return Ok(());
            }
        }
    }

    /// Publishes until told to stop, then what is left until a round finds nothing or fails.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        if let Err(error) = self.hold().await {
            tracing::warn!(service = self.service, %error, "no relay lease yet");
        }
        let mut signal = self.db.outbox_signal();
        let mut pause = MIN_PAUSE;
        let mut behind = false;
        loop {
            signal.mark_unchanged();
            let outcome = if behind { self.catch_up().await } else { self.round().await };
            let trouble = match outcome {
                Ok(round) if round.failure.is_none() && round.published == round.read => {
                    pause = MIN_PAUSE;
                    behind = round.more;
                    // What was written since the reading began has changed the signal.
                    if round.more || (round.read > 0 && stop.is_cancelled()) {
                        continue;
                    }
                    None
                }
                Ok(round) => Some(round.failure.unwrap_or_else(|| "a lease was lost".to_owned())),
                Err(error) => Some(error.to_string()),
            };
            if stop.is_cancelled() {
                return;
            }
            match trouble {
                None => {
                    // One event seldom comes alone: those of the next moment go in one round.
                    wait(stop, self.settings.relay_pace()).await;
                    tokio::select! {
                        // It cannot fail: this relay holds the database, and with it the sender.
                        _ = signal.changed() => {}
                        () = tokio::time::sleep(self.settings.relay_poll()) => {}
                        () = stop.cancelled() => {}
                    }
                }
                Some(error) => {
                    let labels = metrics::Service { service: self.service.clone() };
                    metrics::RELAY_FAILURES.get_or_create(&labels).inc();
                    tracing::warn!(
                        service = self.service,
                        error,
                        pause_ms = pause.as_millis(),
                        "relay cannot publish"
                    );
                    wait(stop, pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
        }
    }

    /// Rounds of several workers, each with its part of the shards, so that one reads and marks while
    /// another waits for the brokers. They meet again after a few, lest a shard with little wait long
    /// for one with much.
    async fn catch_up(&self) -> Result<Round, DbErr> {
        let workers = if self.db.is_postgres() { self.settings.relay_workers.max(1) } else { 1 };
        let all = join_all((0..workers).map(|nth| self.rounds_of(nth, workers))).await;
        all.into_iter().try_fold(Round::default(), |sum, one| {
            let one = one?;
            Ok(Round { more: sum.more || one.more, ..sum.and(one) })
        })
    }

    async fn rounds_of(&self, nth: usize, of: usize) -> Result<Round, DbErr> {
        let mut sum = Round { more: true, ..Round::default() };
        for _ in 0..ROUNDS {
            sum = sum.and(self.round_of(nth, of).await?);
            if !sum.more || sum.failure.is_some() {
                break;
            }
        }
        Ok(sum)
    }
}

impl Round {
    /// Both together; whether there is more is what the later one says.
    fn and(self, later: Self) -> Self {
        Self {
            read: self.read + later.read,
            published: self.published + later.published,
            more: later.more,
            failure: self.failure.or(later.failure),
        }
    }
}

fn all_failed(rows: &[OutboxRow], text: &str) -> Vec<Result<(), LogError>> {
    rows.iter().map(|_| Err(LogError::Other(text.to_owned()))).collect()
}

/// Waits; false when told to stop.
pub(crate) async fn wait(stop: &CancellationToken, pause: Duration) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(pause) => true,
    }
}
