//! One event's effect: inbox row and reactions in one transaction.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use kernel::{Clock, Problem};
use sea_orm::DbErr;
use store::{
    Db, Tx,
    fault::{Mutation, mutated},
    sql,
};
use uuid::Uuid;

use crate::{Envelope, Reactions, group_of, reactions::Failure};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its effect is committed.
    Done,
    /// It had its effect before.
    Duplicate,
    /// Nothing reacts to it.
    Ignored,
    /// It failed or stands behind one that did; it will be tried again.
    Parked,
    /// It was given up.
    DeadLettered,
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Duplicate => "duplicate",
            Outcome::Ignored => "ignored",
            Outcome::Parked => "parked",
            Outcome::DeadLettered => "dead_lettered",
        }
    }
}

/// Takes one event through inbox and reactions of `service`, without parking: a failure is
/// returned and leaves nothing behind.
pub async fn process_one(
    db: &Db,
    reactions: &Reactions,
    service: &str,
    event: &Envelope,
    clock: &dyn Clock,
) -> Result<Outcome, Problem> {
    if !reactions.wants(event) {
        return Ok(Outcome::Ignored);
    }
    let tx = db.begin().await?;
    let outcome = effect(&tx, reactions, &group_of(service), event, clock.now()).await;
    finish(tx, outcome).await.map_err(Failure::into_problem)
}

/// Inbox row and reactions; nothing is parked.
pub(crate) async fn effect(
    tx: &Tx,
    reactions: &Reactions,
    consumer: &str,
    event: &Envelope,
    now: DateTime<Utc>,
) -> Result<Outcome, Failure> {
    if !first_sight(tx, consumer, event.id, now).await? {
        return Ok(Outcome::Duplicate);
    }
    reactions.run(tx, consumer, event).await?;
    Ok(Outcome::Done)
}

/// Commits what worked, rolls back what did not.
pub(crate) async fn finish<T>(tx: Tx, outcome: Result<T, Failure>) -> Result<T, Failure> {
    match outcome {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(failure) => {
            if let Err(error) = tx.rollback().await {
                // The connection is gone, and the transaction with it.
                tracing::debug!(%error, "rollback failed");
            }
            Err(failure)
        }
    }
}

/// Notes that `consumer` takes the event over; false when it already had.
pub(crate) async fn first_sight(
    tx: &Tx,
    consumer: &str,
    event: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let statement = "INSERT INTO inbox (consumer, event_id, received_at) VALUES ($1, $2, $3)
                     ON CONFLICT (consumer, event_id) DO NOTHING";
    let done = sql::execute(tx, statement, vec![consumer.into(), event.into(), now.into()]).await?;
    Ok(done.rows_affected() == 1 || mutated(Mutation::Inbox))
}

/// [`first_sight`] of several events, in one statement on PostgreSQL; answers those that are new.
pub(crate) async fn first_sights(
    tx: &Tx,
    consumer: &str,
    events: &[Uuid],
    now: DateTime<Utc>,
) -> Result<HashSet<Uuid>, DbErr> {
    let mut fresh = HashSet::with_capacity(events.len());
    if !tx.is_postgres() {
        for event in events {
            if first_sight(tx, consumer, *event, now).await? {
                fresh.insert(*event);
            }
        }
        return Ok(fresh);
    }
    // In the order of ids: two members that share events wait for each other in one direction only.
    let ids = events.iter().collect::<BTreeSet<_>>();
    let statement = "INSERT INTO inbox (consumer, event_id, received_at)
         SELECT $1, cast(value AS uuid), $3 FROM jsonb_array_elements_text($2)
         ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id";
    let values = vec![consumer.into(), serde_json::json!(ids).into(), now.into()];
    for row in sql::all(tx, statement, values).await? {
        fresh.insert(row.try_get("", "event_id")?);
    }
    if mutated(Mutation::Inbox) {
        fresh.extend(events);
    }
    Ok(fresh)
}
