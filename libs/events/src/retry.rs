//! Retry of parked events, in the order of their keys: only the first of a key is run, and the
//! next when it is through. One process of the group does this at a time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use kernel::Clock;
use sea_orm::DbErr;
use store::{Db, Lease, Leases, Tx, sql};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    BackboneSettings, Envelope, Outcome, Reactions,
    consumer::{marked, process_span},
    dead_letters,
    flood::Flood,
    log::{Delivery, EventLog},
    metrics,
    parking::{self, ParkedRow, Trouble},
    process::finish,
    reactions::Failure,
    relay::wait,
};

const HOUR: Duration = Duration::from_secs(3_600);
const SAMPLE: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(10);

/// Retries for one service until stopped, and keeps its inbox small.
pub(crate) struct Retry {
    pub service: String,
    pub group: String,
    pub db: Db,
    pub log: Arc<dyn EventLog>,
    pub leases: Leases,
    pub reactions: Reactions,
    pub clock: Arc<dyn Clock>,
    pub settings: BackboneSettings,
    pub flood: Arc<Flood>,
    pub stop: CancellationToken,
}

enum Step {
    /// Gone from the parked table.
    Through,
    /// Put off.
    Later,
    /// The lease or the row is gone, the database is away, or the flood guard said stop.
    Halt,
}

impl Retry {
    pub(crate) async fn run(self) {
        tokio::join!(self.retry(), self.watch());
    }

    async fn retry(&self) {
        while wait(&self.stop, self.settings.retry_poll()).await {
            if self.flood.stopped().is_none()
                && let Err(error) = self.pass().await
            {
                tracing::warn!(group = self.group, %error, "parked events wait");
            }
        }
    }

    /// Counts and cleans up. Beside the retries: with thousands parked a pass has no end.
    async fn watch(&self) {
        let mut housekeeping = Instant::now();
        while wait(&self.stop, SAMPLE).await {
            if let Err(error) = self.measure().await {
                tracing::warn!(group = self.group, %error, "parked events were not counted");
            }
            if housekeeping.elapsed() > HOUR {
                housekeeping = Instant::now();
                self.keep_house().await;
            }
        }
    }

    /// Runs everything that is due, until nothing is.
    pub(crate) async fn pass(&self) -> Result<(), DbErr> {
        let mut held: Option<(Lease, Instant)> = None;
        loop {
            let due = self.due().await?;
            if due.is_empty() {
                return Ok(());
            }
            for seq in due {
                if self.stop.is_cancelled() {
                    return Ok(());
                }
                let lease = match held.take().filter(|(_, since)| since.elapsed() < LEASE / 3) {
                    Some(fresh) => fresh,
                    None => {
                        match self.leases.acquire(&format!("parked-{}", self.group), LEASE).await? {
                            Some(lease) => (lease, Instant::now()),
                            None => return Ok(()),
                        }
                    }
                };
                if matches!(self.step(seq, &lease.0).await?, Step::Halt) {
                    return Ok(());
                }
                held = Some(lease);
            }
        }
    }

    /// First events of their keys that may be tried.
    async fn due(&self) -> Result<Vec<i64>, DbErr> {
        let statement = "
            SELECT p.seq FROM parked p WHERE p.consumer = $1 AND p.next_attempt_at <= $2 AND NOT EXISTS (
              SELECT 1 FROM parked q
              WHERE q.consumer = p.consumer AND q.topic = p.topic AND q.key = p.key AND q.seq < p.seq)
            ORDER BY p.seq LIMIT 50";
        let rows = sql::all(
            &self.db,
            statement,
            vec![self.group.as_str().into(), self.clock.now().into()],
        )
        .await?;
        rows.iter().map(|row| row.try_get("", "seq")).collect()
    }

    async fn step(&self, seq: i64, lease: &Lease) -> Result<Step, DbErr> {
        let tx = self.db.begin().await?;
        if !self.leases.still_held(&tx, lease).await? {
            return Ok(Step::Halt);
        }
        let lock = if tx.is_postgres() { "FOR UPDATE" } else { "" };
        let statement = format!("SELECT * FROM parked WHERE seq = $1 {lock}");
        let rows: Vec<ParkedRow> = sql::rows(&tx, &statement, vec![seq.into()]).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(Step::Through) };
        let delivery = row
            .delivery()
            .map_err(|e| DbErr::Custom(format!("headers of parked row {seq}: {e}")))?;
        let began = Instant::now();
        let outcome = self.react(&tx, &row, &delivery).await;
        match finish(tx, outcome).await {
            Ok(()) => {
                self.count(&delivery, Outcome::Done, began.elapsed());
                tracing::info!(group = self.group, event_id = %row.event_id, attempts = row.attempts + 1, "parked event is through");
                Ok(Step::Through)
            }
            Err(Failure::Passing(problem)) => {
                tracing::warn!(group = self.group, %problem, "parked events wait");
                Ok(Step::Halt)
            }
            Err(Failure::Undecodable(why)) => self.give_up(&row, &delivery, &why.to_string()).await,
            Err(Failure::Failed(problem)) => {
                self.count(&delivery, Outcome::Parked, began.elapsed());
                self.failed(&row, &delivery, &problem.to_string()).await
            }
        }
    }

    async fn react(&self, tx: &Tx, row: &ParkedRow, delivery: &Delivery) -> Result<(), Failure> {
        let event = Envelope::from_record(&delivery.record)?;
        let span =
            process_span(&self.service, &self.group, self.log.system(), &event, &delivery.position);
        let outcome = self.reactions.run(tx, &self.group, &event).instrument(span.clone()).await;
        marked(outcome, &span)?;
        self.remove(tx, row).await?;
        Ok(())
    }

    fn count(&self, delivery: &Delivery, outcome: Outcome, took: Duration) {
        // What was parked could be read then; a row that cannot be read now is no event to count.
        let Ok(event) = Envelope::from_record(&delivery.record) else { return };
        metrics::processed(&self.service, &self.group, self.log.system(), &event, outcome, took);
    }

    async fn remove(&self, tx: &Tx, row: &ParkedRow) -> Result<bool, DbErr> {
        Ok(sql::execute(tx, "DELETE FROM parked WHERE seq = $1", vec![row.seq.into()])
            .await?
            .rows_affected()
            == 1)
    }

    async fn failed(
        &self,
        row: &ParkedRow,
        delivery: &Delivery,
        error: &str,
    ) -> Result<Step, DbErr> {
        let attempts = row.attempts + 1;
        let Some(later) = self.settings.wait_after(attempts) else {
            return self.give_up(row, delivery, error).await;
        };
        let trouble = Trouble::of(&self.group, delivery, attempts, error);
        let tx = self.db.begin().await?;
        sql::execute(
            &tx,
            "UPDATE parked SET attempts = $1, next_attempt_at = $2, error = $3 WHERE seq = $4",
            vec![
                attempts.into(),
                (self.clock.now() + later).into(),
                trouble.error.into(),
                row.seq.into(),
            ],
        )
        .await?;
        tx.commit().await?;
        tracing::warn!(group = self.group, event_id = %row.event_id, attempts, error, "parked event failed again");
        Ok(Step::Later)
    }

    async fn give_up(
        &self,
        row: &ParkedRow,
        delivery: &Delivery,
        error: &str,
    ) -> Result<Step, DbErr> {
        let now = self.clock.now();
        if !self.flood.admit(now, error) {
            return Ok(Step::Halt);
        }
        let trouble = Trouble {
            event_id: row.event_id,
            ..Trouble::of(&self.group, delivery, row.attempts + 1, error)
        };
        let tx = self.db.begin().await?;
        // False: another process was faster.
        if self.remove(&tx, row).await? {
            parking::bury(&tx, &trouble, now).await?;
            tx.commit().await?;
            parking::tell(&self.service, &trouble);
        }
        Ok(Step::Through)
    }

    fn labels(&self) -> metrics::Service {
        metrics::Service { service: self.service.clone() }
    }

    async fn measure(&self) -> Result<(), DbErr> {
        let statement = "SELECT count(*) AS n FROM parked WHERE consumer = $1";
        if let Some(row) = sql::one(&self.db, statement, vec![self.group.as_str().into()]).await? {
            metrics::PARKED.get_or_create(&self.labels()).set(row.try_get::<i64>("", "n")? as f64);
        }
        let letters = dead_letters::count(&self.db).await?;
        metrics::DEAD_LETTERS_WAITING.get_or_create(&self.labels()).set(letters as f64);
        Ok(())
    }

    async fn keep_house(&self) {
        if let Err(error) = self.forget().await {
            tracing::warn!(group = self.group, %error, "old inbox rows stay");
        }
        if let Err(error) = self.log.maintain(self.clock.now()).await {
            tracing::warn!(%error, "housekeeping of the event log failed");
        }
    }

    /// Deletes inbox rows that no redelivery can ask for any more.
    async fn forget(&self) -> Result<(), DbErr> {
        let days = i64::try_from(self.settings.inbox_days).unwrap_or(36_500);
        let before = self.clock.now() - TimeDelta::days(days);
        loop {
            let tx = self.db.begin().await?;
            let deleted = sql::execute(
                &tx,
                "DELETE FROM inbox WHERE (consumer, event_id) IN (
                   SELECT consumer, event_id FROM inbox WHERE received_at < $1 LIMIT 1000)",
                vec![before.into()],
            )
            .await?
            .rows_affected();
            tx.commit().await?;
            if deleted < 1_000 {
                return Ok(());
            }
        }
    }
}
