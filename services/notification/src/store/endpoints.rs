//! Webhook endpoints and their secrets.

use std::collections::HashMap;

use ::store::{Tx, sql};
use chrono::{DateTime, Utc};
use kernel::{Actor, OrgPath};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    entities::{
        endpoint_secret,
        webhook_endpoint::{Column, Entity, Model},
    },
    line_of,
};
use crate::domain::rights::{self, Rights};

/// States of an endpoint.
pub const ACTIVE: &str = "active";
pub const DISABLED: &str = "disabled";
pub const DELETED: &str = "deleted";

impl Model {
    /// The patterns of event types that it wants.
    pub fn patterns(&self) -> Vec<String> {
        let listed = self.event_types.as_array().into_iter().flatten();
        listed.filter_map(|p| p.as_str().map(ToOwned::to_owned)).collect()
    }

    /// The rights that bound what it hears; `None`: it waits to be taken on record.
    pub fn known_rights(&self) -> Result<Option<Rights>, serde_json::Error> {
        self.rights.clone().map(serde_json::from_value).transpose()
    }
}

/// Endpoints of one owner, locked until the transaction ends.
pub async fn owned(tx: &Tx, owner: &str) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Owner.eq(owner))
        .filter(Column::State.ne(DELETED))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(tx)
        .await
}

/// Whether the caller owns any endpoint.
pub async fn owns_any(conn: &impl ConnectionTrait, owner: &str) -> Result<bool, DbErr> {
    let query = Entity::find().filter(Column::Owner.eq(owner)).filter(Column::State.ne(DELETED));
    Ok(query.one(conn).await?.is_some())
}

/// Writes the rights on record; `lost` also moves the version, so that nobody saves over it unread.
pub async fn set_rights(tx: &Tx, id: Uuid, rights: &Rights, lost: bool) -> Result<(), DbErr> {
    let update = "UPDATE webhook_endpoint SET rights = $2, version = version + $3 WHERE id = $1";
    let values = vec![id.into(), json!(rights).into(), i64::from(lost).into()];
    sql::execute(tx, update, values).await.map(drop)
}

/// An owner is gone: what they own in the caller's subtree hears nothing more.
pub async fn dispossess(tx: &Tx, org: &OrgPath, owner: &str) -> Result<(), DbErr> {
    for row in owned(tx, owner).await?.into_iter().filter(|row| org.covers(&row.org)) {
        set_rights(tx, row.id, &Rights::new(), true).await?;
    }
    Ok(())
}

/// Takes endpoints on record that have no owner yet; answers how many.
pub async fn adopt(tx: &Tx, rights: &Rights) -> Result<u64, DbErr> {
    let update = "UPDATE webhook_endpoint SET rights = $1 WHERE rights IS NULL";
    Ok(sql::execute(tx, update, vec![json!(rights).into()]).await?.rows_affected())
}

/// Endpoints, also disabled ones, of the units that cover `org`.
pub async fn covering(conn: &impl ConnectionTrait, org: &str) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Org.is_in(line_of(org)))
        .filter(Column::State.ne(DELETED))
        .order_by_asc(Column::Id)
        .all(conn)
        .await
}

/// The endpoint, if the caller may see it and it is not deleted.
pub async fn visible(
    conn: &impl ConnectionTrait,
    actor: &Actor,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).filter(in_sight(actor)).one(conn).await
}

/// The same, locked until the transaction ends.
pub async fn locked(tx: &Tx, actor: &Actor, id: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).filter(in_sight(actor)).lock_exclusive().one(tx).await
}

pub async fn any(conn: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(conn).await
}

pub async fn page(
    conn: &impl ConnectionTrait,
    actor: &Actor,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut query = Entity::find().filter(in_sight(actor));
    if let Some(id) = after {
        query = query.filter(Column::Id.gt(id));
    }
    query.order_by_asc(Column::Id).limit(limit).all(conn).await
}

/// How many the caller may see.
pub async fn count_visible(conn: &impl ConnectionTrait, actor: &Actor) -> Result<u64, DbErr> {
    Entity::find().filter(in_sight(actor)).count(conn).await
}

/// How many there are, whoever owns them.
pub async fn count(conn: &impl ConnectionTrait, org: &OrgPath) -> Result<u64, DbErr> {
    Entity::find().filter(in_subtree(org)).count(conn).await
}

/// What the caller may see and manage; see [`rights::bound_to`].
fn in_sight(actor: &Actor) -> Condition {
    let all = in_subtree(&actor.org);
    match rights::bound_to(actor) {
        Some(owner) => all.add(Column::Owner.eq(owner)),
        None => all,
    }
}

fn in_subtree(org: &OrgPath) -> Condition {
    Condition::all().add(http::org_filter(org, Column::Org)).add(Column::State.ne(DELETED))
}

pub async fn insert(tx: &Tx, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await.map(drop)
}

/// Writes everything that its owner may change; the row is locked by the caller.
pub async fn update(tx: &Tx, row: Model) -> Result<(), DbErr> {
    Entity::update(row.into_active_model().reset_all()).exec(tx).await.map(drop)
}

/// A call got through: the endpoint is well.
pub async fn mark_well(tx: &Tx, id: Uuid) -> Result<(), DbErr> {
    let update = "UPDATE webhook_endpoint SET failing_since = NULL, paused_until = NULL
         WHERE id = $1 AND (failing_since IS NOT NULL OR paused_until IS NOT NULL)";
    sql::execute(tx, update, vec![id.into()]).await.map(drop)
}

/// A call failed; answers since when the endpoint has been failing without a success.
pub async fn mark_failing(tx: &Tx, id: Uuid, now: DateTime<Utc>) -> Result<DateTime<Utc>, DbErr> {
    let update = "UPDATE webhook_endpoint SET failing_since = coalesce(failing_since, $2)
         WHERE id = $1 RETURNING failing_since";
    let row = sql::one(tx, update, vec![id.into(), now.into()]).await?;
    row.map_or(Ok(now), |row| row.try_get("", "failing_since"))
}

/// Nothing is sent to the endpoint before `until`.
pub async fn pause(tx: &Tx, id: Uuid, until: DateTime<Utc>) -> Result<(), DbErr> {
    let update = "UPDATE webhook_endpoint SET paused_until = $2 WHERE id = $1";
    sql::execute(tx, update, vec![id.into(), until.into()]).await.map(drop)
}

/// Switches an active endpoint off; answers whether it was active.
pub async fn disable(tx: &Tx, id: Uuid, reason: &str, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let update = "UPDATE webhook_endpoint
         SET state = 'disabled', state_reason = $2, version = version + 1, updated_at = $3
         WHERE id = $1 AND state = 'active'";
    let values = vec![id.into(), reason.into(), now.into()];
    Ok(sql::execute(tx, update, values).await?.rows_affected() == 1)
}

/// Sealed secrets that sign at `now`, the newest first.
pub async fn secrets(
    conn: &impl ConnectionTrait,
    endpoint: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<endpoint_secret::Model>, DbErr> {
    let valid = Condition::any()
        .add(endpoint_secret::Column::ExpiresAt.is_null())
        .add(endpoint_secret::Column::ExpiresAt.gt(now));
    endpoint_secret::Entity::find()
        .filter(endpoint_secret::Column::EndpointId.eq(endpoint))
        .filter(valid)
        .order_by_desc(endpoint_secret::Column::Id)
        .all(conn)
        .await
}

/// Adds a secret and lets those before it sign until `old_until` at most.
pub async fn add_secret(
    tx: &Tx,
    row: endpoint_secret::Model,
    old_until: DateTime<Utc>,
) -> Result<(), DbErr> {
    let update = "UPDATE endpoint_secret SET expires_at = $2
         WHERE endpoint_id = $1 AND (expires_at IS NULL OR expires_at > $2)";
    sql::execute(tx, update, vec![row.endpoint_id.into(), old_until.into()]).await?;
    endpoint_secret::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// Those of the endpoints that are paused or failing.
pub async fn troubled(
    conn: &impl ConnectionTrait,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Model>, DbErr> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let trouble = Condition::any()
        .add(Column::FailingSince.is_not_null())
        .add(Column::PausedUntil.is_not_null());
    let rows = Entity::find().filter(Column::Id.is_in(ids)).filter(trouble).all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}
