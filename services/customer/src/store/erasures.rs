//! Persons who were forgotten, and the deletion itself.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use store::{Tx, sql};
use uuid::Uuid;

/// The proof that somebody was erased.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Erasure {
    pub customer_id: Uuid,
    pub reason: String,
    pub erased_by: String,
    pub erased_at: DateTime<Utc>,
    pub told_at: DateTime<Utc>,
}

pub async fn find(conn: &impl ConnectionTrait, id: Uuid) -> Result<Option<Erasure>, DbErr> {
    let select = "SELECT customer_id, reason, erased_by, erased_at, told_at FROM erasure
       WHERE customer_id = $1";
    Ok(sql::rows(conn, select, vec![id.into()]).await?.into_iter().next())
}

/// Writes the first erasure down; a further one only notes that it was told again.
pub async fn note(
    tx: &Tx,
    id: Uuid,
    reason: &str,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let insert = "INSERT INTO erasure (customer_id, reason, erased_by, erased_at, told_at)
       VALUES ($1, $2, $3, $4, $4)
       ON CONFLICT (customer_id) DO UPDATE SET told_at = excluded.told_at";
    sql::execute(tx, insert, vec![id.into(), reason.into(), by.into(), now.into()]).await.map(drop)
}

/// Deletes source records.
pub async fn delete_records(tx: &Tx, source_records: &[Uuid]) -> Result<(), DbErr> {
    for record in source_records {
        for delete in [
            "DELETE FROM identifier WHERE source_record_id = $1",
            "DELETE FROM membership WHERE source_record_id = $1",
            "DELETE FROM membership_move WHERE source_record_id = $1",
            "DELETE FROM source_record WHERE id = $1",
        ] {
            sql::execute(tx, delete, vec![(*record).into()]).await?;
        }
    }
    Ok(())
}

/// Empties the row of a former customer; answers its version, if it is there.
pub async fn empty_former(
    tx: &Tx,
    id: Uuid,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Option<i64>, DbErr> {
    let update = "UPDATE customer SET name = $2, latin_name = NULL, phone_sealed = NULL,
         phone_valid = FALSE, email_sealed = NULL, email_valid = FALSE, address_sealed = NULL,
         version = version + 1, updated_at = $3, erased_at = $3
       WHERE id = $1 RETURNING version";
    let row = sql::one(tx, update, vec![id.into(), name.into(), now.into()]).await?;
    row.map(|row| row.try_get("", "version")).transpose()
}

/// Deletes what people have said of a customer, and whom they were suspected to be, but not their
/// row.
pub async fn delete_data(tx: &Tx, id: Uuid) -> Result<(), DbErr> {
    for statement in [
        "DELETE FROM contact WHERE customer_id = $1",
        "DELETE FROM ticket_work_task WHERE ticket_id IN
           (SELECT ticket_id FROM ticket_work WHERE customer_id = $1)",
        "DELETE FROM ticket_work WHERE customer_id = $1",
        "UPDATE assignment SET reason = NULL WHERE customer_id = $1",
        "UPDATE pii_access_log SET purpose = NULL WHERE customer_id = $1",
        "DELETE FROM suspected_duplicate WHERE newcomer_id = $1 OR known_id = $1",
    ] {
        sql::execute(tx, statement, vec![id.into()]).await?;
    }
    // Answers kept for repeated requests.
    let kept = format!("/api/v1/customers/{id}%");
    sql::execute(tx, "DELETE FROM idempotency WHERE location LIKE $1", vec![kept.into()])
        .await
        .map(drop)
}
