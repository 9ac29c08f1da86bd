//! Invitations, the contact ledger and opt-outs.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::survey::SurveySubject;
use kernel::{OrgPath, PageQuery, Problem, TraceContext};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use store::{Tx, sql};
use uuid::Uuid;

use super::entities::{contact, invitation};
use crate::domain::trigger::{Contact, Earlier};

/// Longest cool-down that a trigger can have, in days.
pub const LONGEST_COOL_DOWN: i32 = 366;

impl invitation::Model {
    /// Trace of the request that once led to the invitation.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        TraceContext {
            traceparent: self.traceparent.clone(),
            tracestate: self.tracestate.clone(),
            ..TraceContext::default()
        }
    }

    pub fn survey_subject(&self) -> Result<SurveySubject, serde_json::Error> {
        serde_json::from_value(self.subject.clone())
    }
}

pub async fn get(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    id: Uuid,
) -> Result<invitation::Model, Problem> {
    let found = invitation::Entity::find_by_id(id).one(conn).await?;
    found.filter(|i| org.covers(&i.org)).ok_or_else(Problem::not_found)
}

pub async fn by_token_hash(
    conn: &impl ConnectionTrait,
    hash: &str,
) -> Result<Option<invitation::Model>, DbErr> {
    let first = invitation::Entity::find().filter(invitation::Column::TokenHash.eq(hash));
    if let Some(found) = first.one(conn).await? {
        return Ok(Some(found));
    }
    let query = "SELECT invitation_id FROM invitation_link WHERE token_hash = $1";
    let Some(row) = sql::one(conn, query, vec![hash.into()]).await? else { return Ok(None) };
    invitation::Entity::find_by_id(row.try_get::<Uuid>("", "invitation_id")?).one(conn).await
}

/// Keeps a further link to an invitation.
pub async fn add_link(
    tx: &Tx,
    invitation_id: Uuid,
    hash: &str,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    sql::execute(
        tx,
        "INSERT INTO invitation_link (token_hash, invitation_id, created_by, created_at) VALUES ($1, $2, $3, $4)",
        vec![hash.into(), invitation_id.into(), by.into(), now.into()],
    )
    .await
    .map(drop)
}

/// The invitation to a survey about a ticket in this cycle, whatever led to it; skips are none.
pub async fn of_ticket(
    conn: &impl ConnectionTrait,
    ticket_id: Uuid,
    cycle: i32,
    survey_id: Uuid,
) -> Result<Option<invitation::Model>, DbErr> {
    invitation::Entity::find()
        .filter(invitation::Column::TicketId.eq(ticket_id))
        .filter(invitation::Column::Cycle.eq(cycle))
        .filter(invitation::Column::SurveyId.eq(survey_id))
        .filter(invitation::Column::State.ne("skipped"))
        .order_by_asc(invitation::Column::Id)
        .one(conn)
        .await
}

pub async fn by_event(
    conn: &impl ConnectionTrait,
    event_id: Uuid,
) -> Result<Option<invitation::Model>, DbErr> {
    invitation::Entity::find().filter(invitation::Column::EventId.eq(event_id)).one(conn).await
}

/// What a list may be narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub state: Option<String>,
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
}

/// One more row than asked for, newest first; and how many there are, if asked.
pub async fn list(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    filter: &Filter,
    page: &PageQuery,
) -> Result<(Vec<invitation::Model>, Option<u64>), Problem> {
    let mut query =
        invitation::Entity::find().filter(http::org_filter(org, invitation::Column::Org));
    if let Some(state) = &filter.state {
        query = query.filter(invitation::Column::State.eq(state));
    }
    if let Some(id) = filter.ticket_id {
        query = query.filter(invitation::Column::TicketId.eq(id));
    }
    if let Some(id) = filter.customer_id {
        query = query.filter(invitation::Column::CustomerId.eq(id));
    }
    let total = match page.total {
        Some(true) => Some(query.clone().count(conn).await?),
        _ => None,
    };
    if let Some(after) = page.after::<Uuid>(&format!("invitations {filter:?}"))? {
        query = query.filter(invitation::Column::Id.lt(after));
    }
    Ok((
        query.order_by_desc(invitation::Column::Id).limit(page.limit()? + 1).all(conn).await?,
        total,
    ))
}

/// Decisions already made about the ticket in this cycle.
pub async fn earlier(
    conn: &impl ConnectionTrait,
    ticket_id: Uuid,
    cycle: i32,
) -> Result<Vec<Earlier>, DbErr> {
    let rows = invitation::Entity::find()
        .filter(invitation::Column::TicketId.eq(ticket_id))
        .filter(invitation::Column::Cycle.eq(cycle))
        .all(conn)
        .await?;
    let earlier = |row: invitation::Model| Earlier {
        trigger_id: row.trigger_id,
        survey_id: row.survey_id,
        invited: row.state != "skipped",
    };
    Ok(rows.into_iter().map(earlier).collect())
}

/// Locks the customer until the transaction ends, so that two tickets settled at once do not both
/// find his ledger empty; answers whether he has opted out.
pub async fn lock_customer(
    tx: &Tx,
    root: &OrgPath,
    customer_id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let row = sql::one(
        tx,
        "INSERT INTO customer (root, customer_id, touched_at) VALUES ($1, $2, $3)
         ON CONFLICT (root, customer_id) DO UPDATE SET touched_at = excluded.touched_at
         RETURNING opted_out_at",
        vec![root.as_str().into(), customer_id.into(), now.into()],
    )
    .await?
    .ok_or(DbErr::RecordNotInserted)?;
    Ok(row.try_get::<Option<DateTime<Utc>>>("", "opted_out_at")?.is_some())
}

/// Writes down that the customer does not want to be asked, or, with `by` absent, may be again.
pub async fn set_opt_out(
    tx: &Tx,
    root: &OrgPath,
    customer_id: Uuid,
    by: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    sql::execute(
        tx,
        "INSERT INTO customer (root, customer_id, opted_out_at, opted_out_by, touched_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (root, customer_id) DO UPDATE SET
           opted_out_at = excluded.opted_out_at, opted_out_by = excluded.opted_out_by, touched_at = excluded.touched_at",
        vec![root.as_str().into(), customer_id.into(), by.map(|_| now).into(), by.map(str::to_owned).into(), now.into()],
    )
    .await
    .map(drop)
}

/// Since when and by whom the customer is not asked any more; `None` when he is.
pub async fn opt_out(
    conn: &impl ConnectionTrait,
    root: &OrgPath,
    customer_id: Uuid,
) -> Result<Option<(DateTime<Utc>, Option<String>)>, DbErr> {
    let query = "SELECT opted_out_at, opted_out_by FROM customer WHERE root = $1 AND customer_id = $2 AND opted_out_at IS NOT NULL";
    let row = sql::one(conn, query, vec![root.as_str().into(), customer_id.into()]).await?;
    row.map(|row| Ok((row.try_get("", "opted_out_at")?, row.try_get("", "opted_out_by")?)))
        .transpose()
}

/// The customer's ledger, as far back as any cool-down reaches.
pub async fn contacts(
    conn: &impl ConnectionTrait,
    root: &OrgPath,
    customer_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Contact>, DbErr> {
    let since = now - TimeDelta::days(LONGEST_COOL_DOWN.into());
    let rows = contact::Entity::find()
        .filter(contact::Column::Root.eq(root.as_str()))
        .filter(contact::Column::CustomerId.eq(customer_id))
        .filter(contact::Column::At.gte(since))
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|c| Contact { survey_id: c.survey_id, at: c.at }).collect())
}

/// Invitations whose time has come, longest due first.
pub async fn due(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<invitation::Model>, DbErr> {
    invitation::Entity::find()
        .filter(invitation::Column::State.eq("waiting"))
        .filter(invitation::Column::SendAt.lte(now))
        .order_by_asc(invitation::Column::SendAt)
        .limit(limit)
        .all(conn)
        .await
}

/// Invitations of a ticket that have not gone out yet.
pub async fn waiting_of(
    conn: &impl ConnectionTrait,
    ticket_id: Uuid,
) -> Result<Vec<invitation::Model>, DbErr> {
    invitation::Entity::find()
        .filter(invitation::Column::TicketId.eq(ticket_id))
        .filter(invitation::Column::State.eq("waiting"))
        .all(conn)
        .await
}
