//! Reading tickets and what hangs on them.

use chrono::{DateTime, Utc};
use kernel::{OrgPath, Problem};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{LockBehavior, LockType},
};
use store::Tx;
use uuid::Uuid;

use super::entities::{article, customer, history, task, ticket, timer, timer_pause};

/// A ticket the caller may see; anybody else's does not exist for him.
pub async fn visible(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    id: Uuid,
) -> Result<ticket::Model, Problem> {
    let found = ticket::Entity::find_by_id(id).one(conn).await?;
    found.filter(|ticket| org.covers(&ticket.org)).ok_or_else(Problem::not_found)
}

/// The same, locked until the transaction ends.
pub async fn locked(tx: &Tx, org: &OrgPath, id: Uuid) -> Result<ticket::Model, Problem> {
    let found = ticket::Entity::find_by_id(id).lock_exclusive().one(tx).await?;
    found.filter(|ticket| org.covers(&ticket.org)).ok_or_else(Problem::not_found)
}

/// Locks the ticket unless somebody else is at it just now.
pub async fn lock_if_free(tx: &Tx, id: Uuid) -> Result<Option<ticket::Model>, Problem> {
    let query = ticket::Entity::find_by_id(id)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    Ok(query.one(tx).await?)
}

pub async fn customer(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<customer::Model>, Problem> {
    Ok(customer::Entity::find_by_id(id).one(conn).await?)
}

/// Timers that have not ended.
pub async fn open_timers(
    conn: &impl ConnectionTrait,
    ticket: Uuid,
) -> Result<Vec<timer::Model>, Problem> {
    let query = timer::Entity::find()
        .filter(timer::Column::TicketId.eq(ticket))
        .filter(timer::Column::EndedAt.is_null())
        .order_by_asc(timer::Column::StartedAt)
        .order_by_asc(timer::Column::Id);
    Ok(query.all(conn).await?)
}

pub async fn all_timers(
    conn: &impl ConnectionTrait,
    ticket: Uuid,
) -> Result<Vec<timer::Model>, Problem> {
    let query = timer::Entity::find()
        .filter(timer::Column::TicketId.eq(ticket))
        .order_by_asc(timer::Column::StartedAt)
        .order_by_asc(timer::Column::Id);
    Ok(query.all(conn).await?)
}

/// Pause ledgers of some timers, oldest first.
pub async fn pauses(
    conn: &impl ConnectionTrait,
    timers: &[Uuid],
) -> Result<Vec<timer_pause::Model>, Problem> {
    if timers.is_empty() {
        return Ok(vec![]);
    }
    let query = timer_pause::Entity::find()
        .filter(timer_pause::Column::TimerId.is_in(timers.iter().copied()))
        .order_by_asc(timer_pause::Column::FromAt)
        .order_by_asc(timer_pause::Column::Id);
    Ok(query.all(conn).await?)
}

pub async fn tasks(conn: &impl ConnectionTrait, ticket: Uuid) -> Result<Vec<task::Model>, Problem> {
    let query = task::Entity::find()
        .filter(task::Column::TicketId.eq(ticket))
        .order_by_asc(task::Column::OpenedAt)
        .order_by_asc(task::Column::Id);
    Ok(query.all(conn).await?)
}

/// Articles of a ticket, oldest first.
pub async fn articles(
    conn: &impl ConnectionTrait,
    ticket: Uuid,
) -> Result<Vec<article::Model>, Problem> {
    let query = article::Entity::find()
        .filter(article::Column::TicketId.eq(ticket))
        .order_by_asc(article::Column::WrittenAt)
        .order_by_asc(article::Column::Id);
    Ok(query.all(conn).await?)
}

/// Articles of a ticket after `(instant, id)`, oldest first. With `outsider`, an author's kind and
/// id, only what is public and what that author wrote.
pub async fn articles_after(
    conn: &impl ConnectionTrait,
    ticket: Uuid,
    outsider: Option<(&str, &str)>,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: u64,
) -> Result<Vec<article::Model>, Problem> {
    let mut query = article::Entity::find().filter(article::Column::TicketId.eq(ticket));
    if let Some((kind, author)) = outsider {
        let own = Condition::all()
            .add(article::Column::AuthorKind.eq(kind))
            .add(article::Column::Author.eq(author));
        query = query.filter(Condition::any().add(article::Column::Public.eq(true)).add(own));
    }
    if let Some((at, id)) = after {
        let same =
            Condition::all().add(article::Column::WrittenAt.eq(at)).add(article::Column::Id.gt(id));
        query = query.filter(Condition::any().add(article::Column::WrittenAt.gt(at)).add(same));
    }
    let query = query
        .order_by_asc(article::Column::WrittenAt)
        .order_by_asc(article::Column::Id)
        .limit(limit);
    Ok(query.all(conn).await?)
}

/// History of a ticket after `(instant, id)`, oldest first.
pub async fn history(
    conn: &impl ConnectionTrait,
    ticket: Uuid,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: u64,
) -> Result<Vec<history::Model>, Problem> {
    let mut query = history::Entity::find().filter(history::Column::TicketId.eq(ticket));
    if let Some((at, id)) = after {
        let same = Condition::all()
            .add(history::Column::HappenedAt.eq(at))
            .add(history::Column::Id.gt(id));
        query = query.filter(Condition::any().add(history::Column::HappenedAt.gt(at)).add(same));
    }
    let query = query
        .order_by_asc(history::Column::HappenedAt)
        .order_by_asc(history::Column::Id)
        .limit(limit);
    Ok(query.all(conn).await?)
}
