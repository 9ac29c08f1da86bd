//! History of tier and account manager: at most one open assignment per customer and kind.

use chrono::{DateTime, Utc};
use sea_orm::DbErr;
use store::{Tx, sql};
use uuid::Uuid;

/// `tier` in the history.
pub const TIER: &str = "tier";
/// `account_manager` in the history.
pub const ACCOUNT_MANAGER: &str = "account_manager";

/// A new value of a customer's tier or account manager.
#[derive(Debug, Clone)]
pub struct Assigned<'a> {
    pub what: &'static str,
    pub value: Option<&'a str>,
    pub until_at: Option<DateTime<Utc>>,
    pub reason: Option<&'a str>,
    pub by: &'a str,
}

/// Ends the open assignment and opens the new one.
pub async fn assign(
    tx: &Tx,
    customer: Uuid,
    new: Assigned<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let end = "UPDATE assignment SET ended_at = $3
       WHERE customer_id = $1 AND what = $2 AND ended_at IS NULL";
    sql::execute(tx, end, vec![customer.into(), new.what.into(), now.into()]).await?;
    let insert = "INSERT INTO assignment
         (id, customer_id, what, value, since, until_at, reason, assigned_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = vec![
        kernel::new_id().into(),
        customer.into(),
        new.what.into(),
        new.value.into(),
        now.into(),
        new.until_at.into(),
        new.reason.into(),
        new.by.into(),
    ];
    sql::execute(tx, insert, values).await.map(drop)
}

/// Ends whatever is assigned to a customer.
pub async fn end_all(tx: &Tx, customer: Uuid, now: DateTime<Utc>) -> Result<(), DbErr> {
    let end = "UPDATE assignment SET ended_at = $2 WHERE customer_id = $1 AND ended_at IS NULL";
    sql::execute(tx, end, vec![customer.into(), now.into()]).await.map(drop)
}
