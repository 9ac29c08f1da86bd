//! Parties: finding them by id (former ids included), who sees them, locking them for a change.

use chrono::{DateTime, Utc};
use kernel::OrgPath;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect,
    QueryTrait,
};
use store::{Tx, sql};
use uuid::Uuid;

use super::entities::{customer, customer_org};

/// Customers that the members of `org` see: those that it or a unit below it has brought in.
/// Former ones are none.
#[must_use]
pub fn visible_to(org: &OrgPath) -> Condition {
    let living = Condition::all().add(customer::Column::MergedAt.is_null());
    if org.root() == *org {
        return living.add(customer::Column::RootOrg.eq(org.as_str()));
    }
    let brought_in = customer_org::Entity::find()
        .select_only()
        .column(customer_org::Column::CustomerId)
        .filter(http::org_filter(org, customer_org::Column::Org))
        .into_query();
    living.add(customer::Column::Id.in_subquery(brought_in))
}

/// The living id behind `id`, which may be a former one.
pub async fn resolve(conn: &impl ConnectionTrait, id: Uuid) -> Result<Uuid, DbErr> {
    let found = sql::one(
        conn,
        "SELECT customer_id FROM customer_alias WHERE alias_id = $1",
        vec![id.into()],
    )
    .await?;
    found.map_or(Ok(id), |row| row.try_get("", "customer_id"))
}

/// The living id and all former ones: under each of them events may have been noted.
pub async fn all_ids(conn: &impl ConnectionTrait, living: Uuid) -> Result<Vec<Uuid>, DbErr> {
    let rows = sql::all(
        conn,
        "SELECT alias_id FROM customer_alias WHERE customer_id = $1",
        vec![living.into()],
    )
    .await?;
    let aliases: Result<Vec<Uuid>, DbErr> =
        rows.iter().map(|row| row.try_get("", "alias_id")).collect();
    Ok(std::iter::once(living).chain(aliases?).collect())
}

/// Former ids, oldest first.
pub async fn former_ids(conn: &impl ConnectionTrait, living: Uuid) -> Result<Vec<Uuid>, DbErr> {
    let mut ids = all_ids(conn, living).await?;
    ids.retain(|id| *id != living);
    ids.sort_unstable();
    Ok(ids)
}

/// Makes `former` and whatever resolves to it resolve to `living`.
pub async fn alias(tx: &Tx, former: Uuid, living: Uuid, now: DateTime<Utc>) -> Result<(), DbErr> {
    let follow = "UPDATE customer_alias SET customer_id = $2 WHERE customer_id = $1";
    sql::execute(tx, follow, vec![former.into(), living.into()]).await?;
    let insert =
        "INSERT INTO customer_alias (alias_id, customer_id, created_at) VALUES ($1, $2, $3)";
    sql::execute(tx, insert, vec![former.into(), living.into(), now.into()]).await.map(drop)
}

/// Lets everybody who sees `former` see `living`; answers whether anybody is new.
pub async fn share(tx: &Tx, former: Uuid, living: Uuid) -> Result<bool, DbErr> {
    let insert = "INSERT INTO customer_org (org, customer_id)
       SELECT org, $2 FROM customer_org WHERE customer_id = $1 ON CONFLICT DO NOTHING";
    let done = sql::execute(tx, insert, vec![former.into(), living.into()]).await?;
    Ok(done.rows_affected() > 0)
}

/// The next version of a former customer's row, and its number.
pub async fn next_version(
    tx: &Tx,
    former: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<(i64, String)>, DbErr> {
    let update = "UPDATE customer SET version = version + 1, updated_at = $2 WHERE id = $1
       RETURNING version, number";
    let row = sql::one(tx, update, vec![former.into(), now.into()]).await?;
    row.map(|row| Ok((row.try_get("", "version")?, row.try_get("", "number")?))).transpose()
}

/// The customer, if `org` sees him; former ids resolve.
pub async fn find(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    id: Uuid,
) -> Result<Option<customer::Model>, DbErr> {
    let id = resolve(conn, id).await?;
    customer::Entity::find_by_id(id).filter(visible_to(org)).one(conn).await
}

/// The customer's row, locked until the transaction ends, so that his events leave in the order of
/// his versions.
pub async fn lock(tx: &Tx, id: Uuid) -> Result<Option<customer::Model>, DbErr> {
    let select = customer::Entity::find_by_id(id);
    let select = if tx.is_postgres() { select.lock_exclusive() } else { select };
    select.one(tx).await
}

/// The units that have brought the customer in, in the order of their names.
pub async fn units(conn: &impl ConnectionTrait, id: Uuid) -> Result<Vec<String>, DbErr> {
    let select = "SELECT org FROM customer_org WHERE customer_id = $1 ORDER BY org";
    let rows = sql::all(conn, select, vec![id.into()]).await?;
    rows.iter().map(|row| row.try_get("", "org")).collect()
}

/// Notes that `org` has brought the customer in; answers whether that is new.
pub async fn bring_in(tx: &Tx, id: Uuid, org: &str) -> Result<bool, DbErr> {
    let insert =
        "INSERT INTO customer_org (org, customer_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    Ok(sql::execute(tx, insert, vec![org.into(), id.into()]).await?.rows_affected() > 0)
}
