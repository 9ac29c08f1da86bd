//! Tiers of an enterprise; the built-in ones are laid down when an enterprise is first met.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use store::{Tx, sql};

use super::entities::tier;

/// Key, rank, names, SLA policy, channel, revisit days.
type BuiltIn = (
    &'static str,
    i32,
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<i32>,
);

const BUILT_IN: [BuiltIn; 3] = [
    ("vip", 1, "贵宾客户", "VIP", Some("vip"), Some("phone"), Some(30)),
    ("key", 2, "重点客户", "Key account", None, None, Some(90)),
    ("standard", 3, "普通客户", "Standard", None, None, None),
];

/// All tiers of the enterprise, highest first.
pub async fn all(conn: &impl ConnectionTrait, root: &str) -> Result<Vec<tier::Model>, DbErr> {
    tier::Entity::find()
        .filter(tier::Column::RootOrg.eq(root))
        .order_by_asc(tier::Column::Rank)
        .order_by_asc(tier::Column::Key)
        .all(conn)
        .await
}

pub async fn find(
    conn: &impl ConnectionTrait,
    root: &str,
    key: &str,
) -> Result<Option<tier::Model>, DbErr> {
    tier::Entity::find_by_id((root.to_owned(), key.to_owned())).one(conn).await
}

/// The tier for an assignment: kept from changing until the transaction ends, so that the job that
/// tells customers of a changed standard misses none.
pub async fn hold(tx: &Tx, root: &str, key: &str) -> Result<Option<tier::Model>, DbErr> {
    let select = tier::Entity::find_by_id((root.to_owned(), key.to_owned()));
    let select = if tx.is_postgres() { select.lock_shared() } else { select };
    select.one(tx).await
}

/// The tier, locked for a change.
pub async fn lock(tx: &Tx, root: &str, key: &str) -> Result<Option<tier::Model>, DbErr> {
    let select = tier::Entity::find_by_id((root.to_owned(), key.to_owned()));
    let select = if tx.is_postgres() { select.lock_exclusive() } else { select };
    select.one(tx).await
}

/// Lays down the built-in tiers where the enterprise has none at all.
pub async fn ensure(tx: &Tx, root: &str, now: DateTime<Utc>) -> Result<(), DbErr> {
    let any = "SELECT 1 FROM tier WHERE root_org = $1 LIMIT 1";
    if sql::one(tx, any, vec![root.into()]).await?.is_some() {
        return Ok(());
    }
    for (key, rank, zh, en, sla_policy, channel, revisit_days) in BUILT_IN {
        let insert = "INSERT INTO tier (root_org, key, rank, name_zh, name_en, sla_policy, channel,
             revisit_days, version, refreshed_version, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, 1, $9) ON CONFLICT (root_org, key) DO NOTHING";
        let values = vec![
            root.into(),
            key.into(),
            rank.into(),
            zh.into(),
            en.into(),
            sla_policy.into(),
            channel.into(),
            revisit_days.into(),
            now.into(),
        ];
        sql::execute(tx, insert, values).await?;
    }
    Ok(())
}
