//! Source records and their membership in parties.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, FromQueryResult};
use store::{Tx, sql};
use uuid::Uuid;

use super::entities::source_record;

/// A source record with the party it belongs to.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Member {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub org: String,
    pub source: String,
    pub source_key: String,
    pub received: String,
    pub normalised: String,
    pub fingerprint: String,
    pub reason: String,
    pub since: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub(super) const SELECT: &str =
    "SELECT s.id, m.customer_id, s.org, s.source, s.source_key, s.received,
   s.normalised, s.fingerprint, m.reason, m.since, s.created_at, s.updated_at
 FROM source_record s JOIN membership m ON m.source_record_id = s.id";

/// The source records of a party, oldest first.
pub async fn of_customer(conn: &impl ConnectionTrait, id: Uuid) -> Result<Vec<Member>, DbErr> {
    sql::rows(conn, &format!("{SELECT} WHERE m.customer_id = $1 ORDER BY s.id"), vec![id.into()])
        .await
}

/// The record that a source knows under `key`.
pub async fn by_key(
    conn: &impl ConnectionTrait,
    root: &str,
    source: &str,
    key: &str,
) -> Result<Option<Member>, DbErr> {
    let select = format!("{SELECT} WHERE s.root_org = $1 AND s.source = $2 AND s.source_key = $3");
    let rows = sql::rows(conn, &select, vec![root.into(), source.into(), key.into()]).await?;
    Ok(rows.into_iter().next())
}

/// Inserts the record unless its source already has one under that key; answers whether it did.
/// A concurrent transaction with the same key is waited for.
pub async fn reserve(tx: &Tx, row: source_record::Model) -> Result<bool, DbErr> {
    let insert = "INSERT INTO source_record
       (id, root_org, org, source, source_key, received, normalised, fingerprint, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (root_org, source, source_key) DO NOTHING";
    let values = vec![
        row.id.into(),
        row.root_org.into(),
        row.org.into(),
        row.source.into(),
        row.source_key.into(),
        row.received.into(),
        row.normalised.into(),
        row.fingerprint.into(),
        row.created_at.into(),
        row.updated_at.into(),
    ];
    Ok(sql::execute(tx, insert, values).await?.rows_affected() == 1)
}

/// Takes back a record that was reserved in this transaction.
pub async fn forget(tx: &Tx, id: Uuid) -> Result<(), DbErr> {
    source_record::Entity::delete_by_id(id).exec(tx).await.map(drop)
}

/// Writes what the source says now.
pub async fn rewrite(
    tx: &Tx,
    id: Uuid,
    (received, normalised, fingerprint): (String, String, String),
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let update = "UPDATE source_record SET received = $2, normalised = $3, fingerprint = $4,
       updated_at = $5 WHERE id = $1";
    let values =
        vec![id.into(), received.into(), normalised.into(), fingerprint.into(), now.into()];
    sql::execute(tx, update, values).await.map(drop)
}

/// Makes the record a member of the party.
pub async fn join(
    tx: &Tx,
    id: Uuid,
    customer: Uuid,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let insert = "INSERT INTO membership (source_record_id, customer_id, reason, since)
       VALUES ($1, $2, $3, $4)";
    sql::execute(tx, insert, vec![id.into(), customer.into(), reason.into(), now.into()])
        .await
        .map(drop)
}

/// Makes the records of one party those of another, and notes from where they came; nothing else
/// changes.
pub async fn move_all(
    tx: &Tx,
    from: Uuid,
    to: Uuid,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    for member in of_customer(tx, from).await? {
        let insert = "INSERT INTO membership_move (id, source_record_id, from_id, to_id, moved_at)
           VALUES ($1, $2, $3, $4, $5)";
        let id = kernel::new_id();
        let values = vec![id.into(), member.id.into(), from.into(), to.into(), now.into()];
        sql::execute(tx, insert, values).await?;
    }
    let update = "UPDATE membership SET customer_id = $2, reason = $3, since = $4
       WHERE customer_id = $1";
    let values = vec![from.into(), to.into(), reason.into(), now.into()];
    sql::execute(tx, update, values).await.map(drop)
}
