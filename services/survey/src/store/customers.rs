//! Which units may see a customer: this service's own copy of what the customer service tells.

use contracts::customer::CustomerSnapshot;
use kernel::{OrgPath, Problem};
use sea_orm::ConnectionTrait;
use store::{Tx, sql};
use uuid::Uuid;

/// Keeps what was told last.
pub async fn keep(tx: &Tx, customer: &CustomerSnapshot) -> Result<(), Problem> {
    let root = OrgPath::parse(&customer.org)?.root();
    let key = || vec![root.as_str().into(), customer.customer_id.into()];
    let newest = "SELECT coalesce(max(version), -1) AS version FROM customer_unit WHERE root = $1 AND customer_id = $2";
    let known = sql::one(tx, newest, key()).await?;
    let known: i64 = known.map_or(Ok(-1), |row| row.try_get("", "version"))?;
    if known >= customer.version {
        return Ok(());
    }
    if known >= 0 {
        let before = "DELETE FROM customer_unit WHERE root = $1 AND customer_id = $2";
        sql::execute(tx, before, key()).await?;
    }
    for org in customer.units() {
        add(tx, &root, customer.customer_id, org, customer.version).await?;
    }
    Ok(())
}

/// A unit that has a ticket of the customer may see them, as long as nothing else was told.
pub async fn keep_served(tx: &Tx, customer_id: Uuid, org: &str) -> Result<(), Problem> {
    let root = OrgPath::parse(org)?.root();
    let told = "SELECT 1 AS n FROM customer_unit WHERE root = $1 AND customer_id = $2 AND version > 0 LIMIT 1";
    let told = sql::one(tx, told, vec![root.as_str().into(), customer_id.into()]).await?;
    if told.is_none() {
        add(tx, &root, customer_id, org, 0).await?;
    }
    Ok(())
}

async fn add(
    tx: &Tx,
    root: &OrgPath,
    customer_id: Uuid,
    org: &str,
    version: i64,
) -> Result<(), Problem> {
    let insert = "INSERT INTO customer_unit (root, customer_id, org, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (root, customer_id, org) DO UPDATE SET version = excluded.version WHERE excluded.version > customer_unit.version";
    let values = vec![root.as_str().into(), customer_id.into(), org.into(), version.into()];
    sql::execute(tx, insert, values).await?;
    Ok(())
}

/// Whether the unit may see the customer; one that nobody knows it may not.
pub async fn visible(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    customer_id: Uuid,
) -> Result<bool, Problem> {
    let (from, to) = org.below();
    let query = "SELECT 1 AS n FROM customer_unit WHERE root = $1 AND customer_id = $2
         AND (org = $3 OR (org >= $4 AND org < $5)) LIMIT 1";
    let root = org.root();
    let values =
        vec![root.as_str().into(), customer_id.into(), org.as_str().into(), from.into(), to.into()];
    Ok(sql::one(conn, query, values).await?.is_some())
}
