//! Relay: from the outbox to the log, in order per key.
//!
//! Rows are found by `published_at IS NULL`, never by `seq > last`: sequences commit out of order.
//! A key always lies in one shard and a shard has one leaseholder, so a key has one sender. Of the
//! rows of a key the delivered prefix is marked; the rest is sent again. Marking checks the lease
//! inside its transaction: a holder who slept past his time may at worst have sent a message twice,
//! which the inbox knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use kernel::Clock;
use sea_orm::{ConnectionTrait, DbErr};
use store::{Db, Lease, Leases, sql};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::{
    BackboneSettings,
    log::{EventLog, LogError, Record},
    metrics,
    outbox::{COLUMNS, OutboxRow, trace_of},
    trace::set_parent,
    wire::SHARDS,
};

const MAX_PAUSE: Duration = Duration::from_secs(10);
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// Rows deleted or inspected by one housekeeping statement.
const CHUNK: u64 = 1_000;

/// Publishes one database's outbox. Cheap to clone; clones share the leases.
#[derive(Clone)]
pub struct Relay {
    service: String,
    db: Db,
    log: Arc<dyn EventLog>,
    leases: Leases,
    settings: BackboneSettings,
    clock: Arc<dyn Clock>,
    /// Leases held, and until when by this process's own watch.
    held: Arc<Mutex<BTreeMap<String, (Lease, Instant)>>>,
}

/// What one round did.
#[derive(Debug, Default)]
pub struct Round {
    pub read: usize,
    pub published: usize,
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
        let leases = Leases::new(db.clone(), holder);
        Self { service: service.to_owned(), db, log, leases, settings, clock, held: Arc::default() }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, (Lease, Instant)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lease name → its shards. SQLite serves one process: one lease does for all shards, and
    /// saves seven writes each time they are prolonged.
    fn groups(&self) -> Vec<(String, Vec<i32>)> {
        let shards = 0..i32::try_from(SHARDS).unwrap_or(i32::MAX);
        if self.db.is_postgres() {
            shards.map(|shard| (lease_of(true, shard), vec![shard])).collect()
        } else {
            vec![(lease_of(false, 0), shards.collect())]
        }
    }

    /// Takes or prolongs every lease that is to be had; answers how many are held.
    pub async fn hold(&self) -> Result<usize, DbErr> {
        for (name, _) in self.groups() {
            let asked = Instant::now();
            match self.leases.acquire(&name, self.settings.lease()).await? {
                Some(lease) => {
                    drop(self.held().insert(name, (lease, asked + self.settings.lease())))
                }
                None => drop(self.held().remove(&name)),
            }
        }
        let held = self.held().len();
        metrics::RELAY_SHARDS
            .with_label_values(&[&self.service])
            .set(i64::try_from(held).unwrap_or_default());
        Ok(held)
    }

    /// Gives every lease back, for a quick hand-over.
    pub async fn release(&self) -> Result<(), DbErr> {
        let held = std::mem::take(&mut *self.held());
        for (lease, _) in held.into_values() {
            self.leases.release(&lease).await?;
        }
        Ok(())
    }

    fn leases_in_time(&self) -> BTreeMap<String, Lease> {
        let now = Instant::now();
        let held = self.held();
        held.iter()
            .filter(|(_, (_, until))| *until > now)
            .map(|(name, (lease, _))| (name.clone(), lease.clone()))
            .collect()
    }

    /// Reads, sends and marks one batch.
    pub async fn round(&self) -> Result<Round, DbErr> {
        let leases = self.leases_in_time();
        let rows = self.read(&leases).await?;
        if rows.is_empty() {
            return Ok(Round::default());
        }
        let outcomes = self.send(&rows).await;
        let failure = outcomes.iter().find_map(|o| o.as_ref().err().map(ToString::to_string));
        let delivered: Vec<&OutboxRow> =
            rows.iter().zip(&outcomes).filter(|(_, o)| o.is_ok()).map(|(row, _)| row).collect();
        let published = self.mark(&leases, &delivered).await?;
        metrics::PUBLISHED.with_label_values(&[&self.service]).inc_by(published as u64);
        Ok(Round { read: rows.len(), published, failure })
    }

    /// One limited select per shard, so that each walks its index and a long outbox costs no more.
    async fn read(&self, leases: &BTreeMap<String, Lease>) -> Result<Vec<OutboxRow>, DbErr> {
        let groups = self.groups();
        let shards = groups
            .iter()
            .filter(|(name, _)| leases.contains_key(name))
            .flat_map(|(_, shards)| shards);
        let limit = (self.settings.relay_batch / 4).max(1);
        let selects: Vec<String> = shards
            .map(|shard| {
                format!(
                    "SELECT * FROM (SELECT {COLUMNS} FROM outbox WHERE published_at IS NULL AND shard = {shard}
                     ORDER BY seq LIMIT {limit}) AS s{shard}"
                )
            })
            .collect();
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
        let outcomes = self.log.append(&records).await;
        for (span, outcome) in spans.iter().zip(&outcomes) {
            if let Err(error) = outcome {
                span.record("otel.status_code", "ERROR");
                span.record("error.message", tracing::field::display(error));
            }
        }
        outcomes
    }

    fn span(&self, row: &OutboxRow, record: &Record) -> Span {
        let span = tracing::info_span!(
            "send",
            otel.name = format!("send {}", row.topic),
            otel.kind = "producer",
            otel.status_code = tracing::field::Empty,
            error.message = tracing::field::Empty,
            messaging.system = self.log.system(),
            messaging.operation.name = "send",
            messaging.operation.r#type = "send",
            messaging.destination.name = row.topic,
            messaging.message.id = %row.id,
            messaging.kafka.message.key = row.aggregateid,
            kefu.service = self.service,
            kefu.event.type = row.ty,
        );
        set_parent(&span, &trace_of(&record.headers));
        span
    }

    /// Marks rows published, as far as their shard's lease is still held.
    async fn mark(
        &self,
        leases: &BTreeMap<String, Lease>,
        rows: &[&OutboxRow],
    ) -> Result<usize, DbErr> {
        if rows.is_empty() {
            return Ok(0);
        }
        let tx = self.db.begin().await?;
        let names: BTreeSet<String> =
            rows.iter().map(|row| lease_of(tx.is_postgres(), row.shard)).collect();
        let mut kept = BTreeSet::new();
        for name in names {
            match leases.get(&name) {
                Some(lease) if self.leases.still_held(&tx, lease).await? => drop(kept.insert(name)),
                _ => {
                    tracing::warn!(service = self.service, name, "relay lease lost while sending");
                    self.held().remove(&name);
                }
            }
        }
        let mine = |row: &&&OutboxRow| kept.contains(&lease_of(tx.is_postgres(), row.shard));
        let seqs: Vec<String> = rows.iter().filter(mine).map(|row| row.seq.to_string()).collect();
        if !seqs.is_empty() {
            // Numbers of our own making: no placeholder needed, and no statement to prepare.
            let seqs = seqs.join(",");
            if self.settings.keep_published_secs == 0 {
                tx.execute_unprepared(&format!("DELETE FROM outbox WHERE seq IN ({seqs})")).await?;
            } else {
                let statement =
                    format!("UPDATE outbox SET published_at = $1 WHERE seq IN ({seqs})");
                sql::execute(&tx, &statement, vec![self.clock.now().into()]).await?;
            }
        }
        tx.commit().await?;
        Ok(seqs.len())
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
        metrics::OUTBOX_AGE.with_label_values(&[&self.service]).set(age as f64 / 1_000.0);
        metrics::OUTBOX_PENDING.with_label_values(&[&self.service]).set(row.try_get("", "n")?);
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

    /// Publishes until told to stop, then what is left until `round` finds nothing or fails.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        let signal = self.db.outbox_signal();
        let mut pause = MIN_PAUSE;
        if let Err(error) = self.hold().await {
            tracing::warn!(service = self.service, %error, "no relay lease yet");
        }
        loop {
            let trouble = match self.round().await {
                Ok(round) if round.failure.is_none() && round.published == round.read => {
                    pause = MIN_PAUSE;
                    if round.read > 0 {
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
                    tokio::select! {
                        () = signal.notified() => {}
                        () = tokio::time::sleep(self.settings.relay_poll()) => {}
                        () = stop.cancelled() => {}
                    }
                }
                Some(error) => {
                    metrics::RELAY_FAILURES.with_label_values(&[&self.service]).inc();
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
}

fn lease_of(postgres: bool, shard: i32) -> String {
    if postgres { format!("relay-{shard}") } else { "relay".to_owned() }
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
