//! Texts that orgs wrote themselves.

use ::store::Tx;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};

use super::{entities::template, line_of};

/// Which text is meant.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    pub key: &'a str,
    pub channel: &'a str,
    /// `zh-CN` or `en`.
    pub locale: &'a str,
}

/// Live texts that count for `org`; of several for one slot the nearest.
pub async fn live(
    conn: &impl ConnectionTrait,
    org: &str,
    slot: Option<Slot<'_>>,
) -> Result<Vec<template::Model>, DbErr> {
    let mut query = template::Entity::find()
        .filter(template::Column::Org.is_in(line_of(org)))
        .filter(template::Column::Live.eq(true));
    if let Some(slot) = slot {
        query = query
            .filter(template::Column::Key.eq(slot.key))
            .filter(template::Column::Channel.eq(slot.channel))
            .filter(template::Column::Locale.eq(slot.locale));
    }
    let mut rows = query.all(conn).await?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.org.len()));
    let mut seen = std::collections::HashSet::new();
    rows.retain(|row| seen.insert((row.key.clone(), row.channel.clone(), row.locale.clone())));
    Ok(rows)
}

/// Newest version that `org` itself has written for a slot, 0 if none.
pub async fn newest(conn: &impl ConnectionTrait, org: &str, slot: Slot<'_>) -> Result<i64, DbErr> {
    let row = template::Entity::find()
        .filter(template::Column::Org.eq(org))
        .filter(template::Column::Key.eq(slot.key))
        .filter(template::Column::Channel.eq(slot.channel))
        .filter(template::Column::Locale.eq(slot.locale))
        .order_by_desc(template::Column::Version)
        .limit(1)
        .one(conn)
        .await?;
    Ok(row.map_or(0, |row| row.version))
}

/// Makes `row` the live text of its slot; two at once end in a unique violation for one of them.
pub async fn publish(tx: &Tx, row: template::Model) -> Result<(), DbErr> {
    template::Entity::update_many()
        .col_expr(template::Column::Live, Expr::value(false))
        .filter(template::Column::Org.eq(&row.org))
        .filter(template::Column::Key.eq(&row.key))
        .filter(template::Column::Channel.eq(&row.channel))
        .filter(template::Column::Locale.eq(&row.locale))
        .filter(template::Column::Live.eq(true))
        .exec(tx)
        .await?;
    let active = template::ActiveModel {
        id: Set(row.id),
        org: Set(row.org),
        key: Set(row.key),
        channel: Set(row.channel),
        locale: Set(row.locale),
        version: Set(row.version),
        live: Set(true),
        subject: Set(row.subject),
        text: Set(row.text),
        html: Set(row.html),
        created_by: Set(row.created_by),
        created_at: Set(row.created_at),
    };
    active.insert(tx).await.map(drop)
}
