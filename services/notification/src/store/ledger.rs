//! Requests, deliveries and attempts: what was decided, and what became of it.

use ::store::Tx;
use chrono::{DateTime, Utc};
use kernel::OrgPath;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::entities::{
    attempt,
    delivery::{Column, Entity, Model},
    request,
};

/// States of a delivery.
pub mod state {
    pub const QUEUED: &str = "queued";
    pub const SENDING: &str = "sending";
    pub const DELIVERED: &str = "delivered";
    pub const FAILED: &str = "failed";
    pub const SUPPRESSED: &str = "suppressed";
    pub const ALL: [&str; 5] = [QUEUED, SENDING, DELIVERED, FAILED, SUPPRESSED];
}

/// Whether a workflow has already decided on an event.
pub async fn decided(tx: &Tx, event_id: Uuid, workflow: &str) -> Result<bool, DbErr> {
    let found = request::Entity::find()
        .filter(request::Column::EventId.eq(event_id))
        .filter(request::Column::Workflow.eq(workflow))
        .count(tx)
        .await?;
    Ok(found > 0)
}

pub async fn insert_request(tx: &Tx, row: request::Model) -> Result<(), DbErr> {
    request::Entity::insert(row.into_active_model()).exec_without_returning(tx).await.map(drop)
}

pub async fn insert(tx: &Tx, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await.map(drop)
}

pub async fn insert_attempt(tx: &Tx, row: attempt::Model) -> Result<(), DbErr> {
    attempt::Entity::insert(row.into_active_model()).exec_without_returning(tx).await.map(drop)
}

/// Writes a delivery that the caller holds locked.
pub async fn update(tx: &Tx, row: Model) -> Result<(), DbErr> {
    Entity::update(row.into_active_model().reset_all()).exec(tx).await.map(drop)
}

pub async fn request(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<request::Model>, DbErr> {
    request::Entity::find_by_id(id).one(conn).await
}

pub async fn requests(
    conn: &impl ConnectionTrait,
    ids: Vec<Uuid>,
) -> Result<Vec<request::Model>, DbErr> {
    request::Entity::find().filter(request::Column::Id.is_in(ids)).all(conn).await
}

/// What a list of notices is narrowed to.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    pub state: Option<String>,
    pub channel: Option<String>,
    pub workflow: Option<String>,
    pub recipient: Option<String>,
}

fn matching(org: &OrgPath, filter: &Filter) -> Condition {
    Condition::all()
        .add(http::org_filter(org, Column::Org))
        .add_option(filter.ticket_id.map(|id| Column::TicketId.eq(id)))
        .add_option(filter.customer_id.map(|id| Column::CustomerId.eq(id)))
        .add_option(filter.state.as_ref().map(|s| Column::State.eq(s)))
        .add_option(filter.channel.as_ref().map(|s| Column::Channel.eq(s)))
        .add_option(filter.workflow.as_ref().map(|s| Column::Workflow.eq(s)))
        .add_option(filter.recipient.as_ref().map(|s| Column::Recipient.eq(s)))
}

/// Notices of the caller's subtree, the newest first.
pub async fn page(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    filter: &Filter,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(matching(org, filter).add_option(before.map(|id| Column::Id.lt(id))))
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(conn)
        .await
}

pub async fn count(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    filter: &Filter,
) -> Result<u64, DbErr> {
    Entity::find().filter(matching(org, filter)).count(conn).await
}

pub async fn visible(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).filter(http::org_filter(org, Column::Org)).one(conn).await
}

/// The delivery, locked until the transaction ends.
pub async fn locked(tx: &Tx, id: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).lock_exclusive().one(tx).await
}

/// Up to `limit` failed deliveries of a lane that were made after `since`, oldest first, locked.
pub async fn failed_of_lane(
    tx: &Tx,
    lane: &str,
    since: Option<DateTime<Utc>>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Lane.eq(lane))
        .filter(Column::State.is_in([state::FAILED, state::SUPPRESSED]))
        .filter(Condition::all().add_option(since.map(|at| Column::CreatedAt.gte(at))))
        .order_by_asc(Column::Id)
        .limit(limit)
        .lock_exclusive()
        .all(tx)
        .await
}

pub async fn attempts(
    conn: &impl ConnectionTrait,
    delivery_id: Uuid,
) -> Result<Vec<attempt::Model>, DbErr> {
    attempt::Entity::find()
        .filter(attempt::Column::DeliveryId.eq(delivery_id))
        .order_by_asc(attempt::Column::Number)
        .all(conn)
        .await
}

/// Attempts of a lane, the newest first; `before` is the last row of the page before.
pub async fn attempts_of_lane(
    conn: &impl ConnectionTrait,
    lane: &str,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: u64,
) -> Result<Vec<attempt::Model>, DbErr> {
    use attempt::Column as A;
    let older = before.map(|(at, id)| {
        Condition::any()
            .add(A::StartedAt.lt(at))
            .add(Condition::all().add(A::StartedAt.eq(at)).add(A::DeliveryId.lt(id)))
    });
    attempt::Entity::find()
        .filter(Condition::all().add(A::Lane.eq(lane)).add_option(older))
        .order_by_desc(A::StartedAt)
        .order_by_desc(A::DeliveryId)
        .limit(limit)
        .all(conn)
        .await
}

pub async fn count_attempts(conn: &impl ConnectionTrait, lane: &str) -> Result<u64, DbErr> {
    attempt::Entity::find().filter(attempt::Column::Lane.eq(lane)).count(conn).await
}
