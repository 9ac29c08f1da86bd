//! Blocks of senders, by unit.

use ::store::{Tx, sql};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use serde_json::Value;

use super::{entities::sender, line_of};

/// The block that counts for `org`: the nearest unit's.
pub async fn nearest(
    conn: &impl ConnectionTrait,
    org: &str,
) -> Result<Option<sender::Model>, DbErr> {
    let rows =
        sender::Entity::find().filter(sender::Column::Org.is_in(line_of(org))).all(conn).await?;
    // Of two units of one line the longer path is the nearer.
    Ok(rows.into_iter().max_by_key(|row| row.org.len()))
}

/// `org`'s own block.
pub async fn own(conn: &impl ConnectionTrait, org: &str) -> Result<Option<sender::Model>, DbErr> {
    sender::Entity::find_by_id(org.to_owned()).one(conn).await
}

/// Writes `org`'s block if its version is still `old` (0: there is none); answers whether it was.
pub async fn put(
    tx: &Tx,
    (org, block): (&str, Value),
    old: i64,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let statement = "INSERT INTO sender (org, block, version, updated_by, updated_at)
         VALUES ($1, $2, 1, $3, $4)
         ON CONFLICT (org) DO UPDATE SET block = excluded.block, version = sender.version + 1,
           updated_by = excluded.updated_by, updated_at = excluded.updated_at
         WHERE sender.version = $5";
    let values = vec![org.into(), block.into(), by.into(), now.into(), old.into()];
    Ok(sql::execute(tx, statement, values).await?.rows_affected() == 1)
}

/// Takes `org`'s block away if its version is still `old`; answers whether it was.
pub async fn delete(tx: &Tx, org: &str, old: i64) -> Result<bool, DbErr> {
    let statement = "DELETE FROM sender WHERE org = $1 AND version = $2";
    Ok(sql::execute(tx, statement, vec![org.into(), old.into()]).await?.rows_affected() == 1)
}
