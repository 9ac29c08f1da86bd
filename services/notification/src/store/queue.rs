//! The queue inside the ledger: which lanes have work, taking work under a lease, and finding what
//! a dead process left.

use std::collections::HashMap;

use ::store::{Db, Tx, sql};
use chrono::{DateTime, Utc};
use sea_orm::{DbErr, FromQueryResult};
use uuid::Uuid;

use super::entities::delivery::Model;

/// Lanes with at least one due delivery. Jumps from lane to lane in the index, so the length of a
/// lane's backlog costs nothing.
pub async fn due_lanes(db: &Db, now: DateTime<Utc>) -> Result<Vec<String>, DbErr> {
    let query = "WITH RECURSIVE lanes (lane) AS (
           SELECT min(lane) FROM delivery WHERE state = 'queued'
           UNION ALL
           SELECT (SELECT min(d.lane) FROM delivery d WHERE d.state = 'queued' AND d.lane > lanes.lane)
           FROM lanes WHERE lanes.lane IS NOT NULL)
         SELECT lane FROM lanes WHERE lane IS NOT NULL AND EXISTS (
           SELECT 1 FROM delivery d
           WHERE d.state = 'queued' AND d.lane = lanes.lane AND d.next_attempt_at <= $1)";
    let rows = sql::all(db, query, vec![now.into()]).await?;
    rows.iter().map(|row| row.try_get("", "lane")).collect()
}

/// Takes up to `room` due deliveries of a lane, the longest waiting first. Each counts as an
/// attempt from now on, whatever becomes of this process.
///
/// The choice is a materialised part of its own: as a plain subquery PostgreSQL may run it more
/// than once, each time with other rows, and take more than there is room for.
pub async fn take(
    tx: &Tx,
    lane: &str,
    room: usize,
    now: DateTime<Utc>,
    (token, until): (Uuid, DateTime<Utc>),
) -> Result<Vec<Model>, DbErr> {
    let skip = if tx.is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" };
    let statement = format!(
        "WITH due AS MATERIALIZED (
           SELECT id FROM delivery WHERE state = 'queued' AND lane = $1 AND next_attempt_at <= $2
           ORDER BY next_attempt_at, id LIMIT $5 {skip})
         UPDATE delivery SET state = 'sending', attempts = attempts + 1, lease_token = $3,
           lease_until = $4, updated_at = $2
         WHERE state = 'queued' AND id IN (SELECT id FROM due)
         RETURNING *"
    );
    let room = i64::try_from(room).unwrap_or(i64::MAX);
    let values = vec![lane.into(), now.into(), token.into(), until.into(), room.into()];
    let rows = sql::all(tx, &statement, values).await?;
    rows.iter().map(|row| Model::from_query_result(row, "")).collect()
}

/// Per channel: how many deliveries wait, and since when the first of them has been due.
pub async fn waiting(db: &Db) -> Result<HashMap<String, (i64, Option<DateTime<Utc>>)>, DbErr> {
    let query = "SELECT channel, count(*) AS n, min(next_attempt_at) AS due FROM delivery
         WHERE state = 'queued' GROUP BY channel";
    let rows = sql::all(db, query, vec![]).await?;
    let mut waiting = HashMap::new();
    for row in rows {
        waiting
            .insert(row.try_get("", "channel")?, (row.try_get("", "n")?, row.try_get("", "due")?));
    }
    Ok(waiting)
}

/// Whether a lease has run out.
pub async fn any_lost(db: &Db, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let query = "SELECT 1 FROM delivery WHERE state = 'sending' AND lease_until < $1 LIMIT 1";
    Ok(sql::one(db, query, vec![now.into()]).await?.is_some())
}

/// Up to 500 deliveries whose lease has run out, locked.
pub async fn lost(tx: &Tx, now: DateTime<Utc>) -> Result<Vec<Model>, DbErr> {
    let skip = if tx.is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" };
    let select = format!(
        "SELECT * FROM delivery WHERE state = 'sending' AND lease_until < $1
         ORDER BY lease_until LIMIT 500 {skip}"
    );
    sql::rows(tx, &select, vec![now.into()]).await
}
