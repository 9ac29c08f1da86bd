//! The 360° timeline: written from events, read under all ids that a customer has ever had.

use chrono::{DateTime, Utc};
use events::Envelope;
use kernel::{Actor, Context, Locale, Page, PageQuery, Problem};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use store::{Tx, sql};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::App;
use crate::{
    domain::{ticket_work::Work, timeline},
    store::{customers, entities::timeline as entry},
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    Asc,
    #[default]
    Desc,
}

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TimelineQuery {
    /// `desc` (newest first) unless told.
    #[param(inline)]
    pub order: Option<Order>,
    /// Only what concerns this ticket.
    pub ticket_id: Option<Uuid>,
    /// `next_cursor` of the page before.
    #[param(max_length = 2000)]
    pub cursor: Option<String>,
    /// 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// Whether to count all.
    pub total: Option<bool>,
}

/// One thing that happened to a customer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TimelineEntry {
    /// Id of the event.
    pub id: Uuid,
    /// CloudEvents type, e.g. `kefu.ticket.opened.v1`.
    #[serde(rename = "type")]
    pub ty: String,
    /// Heading in the caller's language.
    pub title: String,
    pub at: DateTime<Utc>,
    pub org: String,
    /// Who caused it: a user, a client, `system` or `customer`. Members of staff, here and in the
    /// summary, are withheld from whoever inspects blind.
    pub actor: Option<String>,
    pub ticket_id: Option<Uuid>,
    /// Facts of the event, without personal data.
    #[schema(value_type = Object)]
    pub summary: serde_json::Value,
    pub trace_id: Option<String>,
}

/// Notes an event; once, however often it comes.
pub async fn note(tx: &Tx, event: &Envelope) -> Result<(), Problem> {
    let Some(noted) = timeline::note(&event.ty, &event.data) else { return Ok(()) };
    let insert = "INSERT INTO timeline
         (event_id, customer_id, org, type, at, ticket_id, actor, summary, trace_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (event_id) DO NOTHING";
    let values = vec![
        event.id.into(),
        noted.customer_id.into(),
        event.org.as_str().into(),
        event.ty.as_str().into(),
        event.time.into(),
        noted.ticket_id.into(),
        event.actor.as_str().into(),
        noted.summary.into(),
        timeline::trace_id(event.trace.traceparent.as_deref()).into(),
    ];
    sql::execute(tx, insert, values).await?;
    Ok(())
}

/// A ticket's lines follow it to the customer who it turned out to be of; nobody's has none. What
/// the former one was sent or answered stays with them: it did reach them.
pub async fn follow(tx: &Tx, work: &Work, before: Uuid) -> Result<(), Problem> {
    let lines = "customer_id = $1 AND ticket_id = $2 AND type LIKE 'kefu.ticket.%'";
    let mut values = vec![before.into(), work.ticket_id.into()];
    let statement = match work.customer_id {
        None => format!("DELETE FROM timeline WHERE {lines}"),
        Some(now) => {
            values.push(now.into());
            format!("UPDATE timeline SET customer_id = $3 WHERE {lines}")
        }
    };
    sql::execute(tx, &statement, values).await?;
    Ok(())
}

pub async fn read(
    app: &App,
    ctx: &Context,
    locale: Locale,
    id: Uuid,
    query: TimelineQuery,
) -> Result<Page<TimelineEntry>, Problem> {
    let paging = PageQuery { cursor: query.cursor.clone(), limit: query.limit, total: query.total };
    let limit = paging.limit()?;
    let order = query.order.unwrap_or_default();
    let customer =
        customers::find(&app.db, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    let filter = format!("timeline:{}:{order:?}:{:?}", customer.id, query.ticket_id);
    let after: Option<(DateTime<Utc>, Uuid)> = paging.after(&filter)?;
    let ids = customers::all_ids(&app.db, customer.id).await?;
    let mut select = entry::Entity::find().filter(entry::Column::CustomerId.is_in(ids));
    if let Some(ticket) = query.ticket_id {
        select = select.filter(entry::Column::TicketId.eq(ticket));
    }
    let total = match query.total {
        Some(true) => Some(select.clone().count(&app.db).await?),
        _ => None,
    };
    let page = match order {
        Order::Asc => select.order_by_asc(entry::Column::At).order_by_asc(entry::Column::EventId),
        Order::Desc => {
            select.order_by_desc(entry::Column::At).order_by_desc(entry::Column::EventId)
        }
    };
    let page = match after {
        Some(key) => page.filter(beyond(order, key)),
        None => page,
    };
    let rows = page.limit(limit + 1).all(&app.db).await?;
    let show = |row| show(&ctx.actor, row, locale);
    let page = Page::of(rows, limit, &filter, |row| (row.at, row.event_id), show);
    Ok(Page { total, ..page })
}

fn beyond(order: Order, (at, id): (DateTime<Utc>, Uuid)) -> Condition {
    let (later, same) = match order {
        Order::Asc => (entry::Column::At.gt(at), entry::Column::EventId.gt(id)),
        Order::Desc => (entry::Column::At.lt(at), entry::Column::EventId.lt(id)),
    };
    Condition::any().add(later).add(Condition::all().add(entry::Column::At.eq(at)).add(same))
}

fn show(actor: &Actor, row: entry::Model, locale: Locale) -> TimelineEntry {
    TimelineEntry {
        title: timeline::title(&row.ty, locale),
        summary: timeline::seen_by(actor, &row.ty, row.summary),
        actor: timeline::cause_seen_by(actor, row.actor),
        id: row.event_id,
        ty: row.ty,
        at: row.at,
        org: row.org,
        ticket_id: row.ticket_id,
        trace_id: row.trace_id,
    }
}
