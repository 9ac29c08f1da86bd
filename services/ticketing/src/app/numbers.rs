//! Numbers of tickets, e.g. `T2026-000123`: unique per enterprise and never used again.

use kernel::{OrgPath, Problem};
use store::{Tx, sql};

/// First of `count` consecutive numbers of a year, unique per enterprise.
pub(super) async fn next_numbers(
    tx: &Tx,
    root: &OrgPath,
    year: i32,
    count: i64,
) -> Result<i64, Problem> {
    let statement = "INSERT INTO counter (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value RETURNING value";
    let name = format!("ticket:{root}:{year}");
    let row = sql::one(tx, statement, vec![name.into(), count.into()]).await?;
    let last: i64 = row.ok_or(sea_orm::DbErr::RecordNotInserted)?.try_get("", "value")?;
    Ok(last - count + 1)
}

pub(super) fn number_text(year: i32, number: i64) -> String {
    format!("T{year}-{number:06}")
}
