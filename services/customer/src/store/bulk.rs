//! Statements that look up or write a batch of records at once.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Value};
use store::{Tx, sql};
use uuid::Uuid;

use super::{
    entities::source_record,
    sources::{self, Member},
};
use crate::domain::identifier::{IdentifierKind, PartyKind};

/// `$1, $2, …`: `count` placeholders from `from` on.
fn places(from: usize, count: usize) -> String {
    let all: Vec<String> = (from..from + count).map(|n| format!("${n}")).collect();
    all.join(", ")
}

/// `(…), (…)`: rows of `columns` placeholders.
fn tuples(rows: usize, columns: usize) -> String {
    let all: Vec<String> =
        (0..rows).map(|row| format!("({})", places(row * columns + 1, columns))).collect();
    all.join(", ")
}

/// The records that a source knows under these keys.
pub async fn by_keys(
    conn: &impl ConnectionTrait,
    (root, source): (&str, &str),
    keys: &[&str],
) -> Result<Vec<Member>, DbErr> {
    let mut values: Vec<Value> = vec![root.into(), source.into()];
    values.extend(keys.iter().map(|key| Value::from(*key)));
    let select = sources::SELECT;
    let keys = places(3, keys.len());
    let select =
        format!("{select} WHERE s.root_org = $1 AND s.source = $2 AND s.source_key IN ({keys})");
    sql::rows(conn, &select, values).await
}

#[derive(FromQueryResult)]
struct Blind {
    blind: String,
}

/// Which of these identifiers some record states. Whoever holds one states it, too.
pub async fn stated(
    conn: &impl ConnectionTrait,
    (root, kind): (&str, IdentifierKind),
    blinds: &[&str],
) -> Result<HashSet<String>, DbErr> {
    let mut values: Vec<Value> = vec![root.into(), kind.as_str().into()];
    values.extend(blinds.iter().map(|blind| Value::from(*blind)));
    let select = format!(
        "SELECT DISTINCT blind FROM identifier
         WHERE root_org = $1 AND kind = $2 AND valid AND blind IN ({})",
        places(3, blinds.len())
    );
    let rows: Vec<Blind> = sql::rows(conn, &select, values).await?;
    Ok(rows.into_iter().map(|row| row.blind).collect())
}

/// Inserts the records in the order of their keys; answers whether none of them was there already.
/// Concurrent transactions with the same keys are waited for.
pub async fn reserve(tx: &Tx, mut rows: Vec<source_record::Model>) -> Result<bool, DbErr> {
    rows.sort_by(|a, b| a.source_key.cmp(&b.source_key));
    let insert = format!(
        "INSERT INTO source_record
           (id, root_org, org, source, source_key, received, normalised, fingerprint, created_at, updated_at)
         VALUES {} ON CONFLICT (root_org, source, source_key) DO NOTHING",
        tuples(rows.len(), 10)
    );
    let count = rows.len() as u64;
    let values = rows.into_iter().flat_map(|row| -> [Value; 10] {
        [
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
        ]
    });
    Ok(sql::execute(tx, &insert, values.collect()).await?.rows_affected() == count)
}

/// What a party claims.
#[derive(Debug, Clone)]
pub struct Claim {
    pub party: PartyKind,
    pub kind: IdentifierKind,
    pub blind: String,
    pub customer: Uuid,
}

/// Claims identifiers, in the order in which all claims are made; answers whether nobody else holds
/// any of them. Concurrent claims are waited for.
pub async fn claim(tx: &Tx, root: &str, mut claims: Vec<Claim>) -> Result<bool, DbErr> {
    if claims.is_empty() {
        return Ok(true);
    }
    claims.sort_by(|a, b| (a.kind, &a.blind).cmp(&(b.kind, &b.blind)));
    let insert = format!(
        "INSERT INTO identity (root_org, party_kind, kind, blind, customer_id)
         VALUES {} ON CONFLICT (root_org, party_kind, kind, blind) DO NOTHING",
        tuples(claims.len(), 5)
    );
    let count = claims.len() as u64;
    let values = claims.into_iter().flat_map(|claim| -> [Value; 5] {
        [
            root.into(),
            claim.party.as_str().into(),
            claim.kind.as_str().into(),
            claim.blind.into(),
            claim.customer.into(),
        ]
    });
    Ok(sql::execute(tx, &insert, values.collect()).await?.rows_affected() == count)
}

/// Draws `count` numbers of a counter, as [`sql::next_number`] draws one; answers the first.
pub async fn next_numbers(tx: &Tx, counter: &str, count: usize) -> Result<i64, DbErr> {
    let draw = "INSERT INTO counter (name, value) VALUES ($1, $2)
       ON CONFLICT (name) DO UPDATE SET value = counter.value + $2 RETURNING value";
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let row = sql::one(tx, draw, vec![counter.into(), count.into()]).await?;
    let last: i64 = row.ok_or(DbErr::RecordNotInserted)?.try_get("", "value")?;
    Ok(last - count + 1)
}
