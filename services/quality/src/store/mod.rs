//! Tables and how they are read.

pub mod entities;
pub mod inspections;
pub mod mirror;
pub mod report;
pub mod scorecards;

use kernel::{OrgPath, Page, PageQuery, Problem};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, Iterable,
    PaginatorTrait, PrimaryKeyToColumn, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::OnConflict,
};
use serde::{Serialize, de::DeserializeOwned};
use store::{Db, Migrations, SqlMigration, Tx};
use uuid::Uuid;

/// Every migration of this service, libraries first.
#[must_use]
pub fn migrations() -> Migrations {
    Migrations::new([
        store::migrations(),
        events::migrations(),
        http::migrations(),
        vec![SqlMigration::new(
            "m0100_quality",
            include_str!("../../migrations/m0100_quality.sql"),
        )],
    ])
}

/// A value as it is kept in a JSON column.
pub fn json<T: Serialize>(value: &T) -> Result<serde_json::Value, Problem> {
    Ok(serde_json::to_value(value)?)
}

/// A value from a JSON column.
pub fn read<T: DeserializeOwned>(value: &serde_json::Value) -> Result<T, Problem> {
    Ok(T::deserialize(value)?)
}

/// Condition "readable from `org`": its subtree and the units above it, whose scorecards and plans
/// hold for it too.
pub fn readable(org: &OrgPath, column: impl ColumnTrait) -> Condition {
    http::org_filter(org, column).add(column.is_in(lineage(org.as_str())))
}

/// The unit and all units above it: `/a/b/c` → `/a`, `/a/b`, `/a/b/c`.
#[must_use]
pub fn lineage(org: &str) -> Vec<String> {
    let ends = org.match_indices('/').map(|(i, _)| i).filter(|i| *i > 0).chain([org.len()]);
    ends.map(|end| org[..end].to_owned()).collect()
}

/// One page of `select`, the newest first. `filter` names what was asked for: a cursor made for
/// another filter is refused.
pub async fn page<E>(
    db: &Db,
    select: Select<E>,
    query: &PageQuery,
    filter: &str,
    id: fn(&E::Model) -> Uuid,
) -> Result<Page<E::Model>, Problem>
where
    E: EntityTrait,
    E::Model: Send + Sync,
{
    let limit = query.limit()?;
    let after: Option<Uuid> = query.after(filter)?;
    let total = match query.total {
        Some(true) => Some(select.clone().count(db).await?),
        _ => None,
    };
    let key = E::PrimaryKey::iter().next().map(PrimaryKeyToColumn::into_column);
    let key = key.ok_or_else(|| DbErr::Custom("a table without primary key".into()))?;
    let mut select = select.order_by_desc(key).limit(limit + 1);
    if let Some(after) = after {
        select = select.filter(key.lt(after));
    }
    let rows = select.all(db).await?;
    let page = Page::of(rows, limit, filter, id, |row| row);
    Ok(Page { total, ..page })
}

/// Inserts unless `unique` has it already; tells whether it did.
pub async fn insert_new<A>(
    tx: &Tx,
    row: A,
    unique: <A::Entity as EntityTrait>::Column,
) -> Result<bool, DbErr>
where
    A: ActiveModelTrait,
{
    insert_unless(tx, row, OnConflict::column(unique)).await
}

/// Inserts unless the conflict target has it already; tells whether it did.
pub async fn insert_unless<A: ActiveModelTrait>(
    conn: &impl ConnectionTrait,
    row: A,
    mut target: OnConflict,
) -> Result<bool, DbErr> {
    let insert = A::Entity::insert(row).on_conflict(target.do_nothing().to_owned());
    match insert.exec_without_returning(conn).await {
        Ok(n) => Ok(n > 0),
        Err(DbErr::RecordNotInserted) => Ok(false),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn lineage_goes_up_to_the_root() {
        assert_eq!(super::lineage("/a/b/c"), ["/a", "/a/b", "/a/b/c"]);
        assert_eq!(super::lineage("/a"), ["/a"]);
    }
}
