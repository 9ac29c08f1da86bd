//! Finds tickets: filters, full-text search, keyset pages; newest first.

use chrono::{DateTime, Utc};
use kernel::{Context, OrgPath, Page, PageQuery, Problem, codes};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::App;
use crate::{
    domain::{lifecycle::Status, priority::Priority},
    store::entities::ticket,
};

/// Which tickets.
#[derive(Debug, Clone, Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TicketQuery {
    /// `new`, `open`, `pending`, `on_hold`, `resolved`, `closed` or `cancelled`; several, separated
    /// by commas, or `active` for the first four.
    #[param(max_length = 200)]
    pub status: Option<String>,
    #[param(max_length = 64)]
    pub kind: Option<String>,
    #[param(max_length = 200)]
    pub category: Option<String>,
    #[param(pattern = "^(low|normal|high|urgent)$")]
    pub priority: Option<String>,
    #[param(max_length = 200)]
    pub queue: Option<String>,
    #[param(max_length = 200)]
    pub handler: Option<String>,
    #[param(max_length = 200)]
    pub first_responder: Option<String>,
    pub customer_id: Option<Uuid>,
    pub parent_id: Option<Uuid>,
    /// An organisational unit with everything below it.
    #[param(max_length = 327)]
    pub org: Option<String>,
    /// Whether a timer has ever been breached.
    pub breached: Option<bool>,
    /// The exact number.
    #[param(max_length = 40)]
    pub number: Option<String>,
    #[param(max_length = 200)]
    pub external_ref: Option<String>,
    /// Number in the system that it was imported from.
    #[param(max_length = 40)]
    pub import_number: Option<String>,
    /// Opened at or after this instant.
    pub opened_from: Option<DateTime<Utc>>,
    /// Opened before this instant.
    pub opened_to: Option<DateTime<Utc>>,
    /// Words, Chinese or Latin, that must all stand in number, subject or articles.
    #[param(max_length = 200)]
    pub q: Option<String>,
    #[param(max_length = 1000)]
    #[serde(skip_serializing)]
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    #[serde(skip_serializing)]
    pub limit: Option<u32>,
    /// Also count all that match.
    #[serde(skip_serializing)]
    pub total: Option<bool>,
}

/// One page of the tickets that the caller may see.
pub async fn run(
    app: &App,
    ctx: &Context,
    query: TicketQuery,
) -> Result<Page<ticket::Model>, Problem> {
    let paging = PageQuery { cursor: query.cursor.clone(), limit: query.limit, total: query.total };
    let limit = paging.limit()?;
    let filter = serde_json::to_string(&query)?;
    let after: Option<(DateTime<Utc>, Uuid)> = paging.after(&filter)?;
    let condition = condition(app, ctx, &query)?;
    let mut select = ticket::Entity::find().filter(condition.clone());
    if let Some((at, id)) = after {
        let same =
            Condition::all().add(ticket::Column::OpenedAt.eq(at)).add(ticket::Column::Id.lt(id));
        select = select.filter(Condition::any().add(ticket::Column::OpenedAt.lt(at)).add(same));
    }
    let rows = select
        .order_by_desc(ticket::Column::OpenedAt)
        .order_by_desc(ticket::Column::Id)
        .limit(limit + 1)
        .all(&app.db)
        .await?;
    let mut page = Page::of(rows, limit, &filter, |row| (row.opened_at, row.id), |row| row);
    if query.total == Some(true) {
        page.total = Some(ticket::Entity::find().filter(condition).count(&app.db).await?);
    }
    Ok(page)
}

fn condition(app: &App, ctx: &Context, query: &TicketQuery) -> Result<Condition, Problem> {
    use ticket::Column as C;
    let invalid = |pointer: &str, detail: &str| {
        Problem::of(&codes::INVALID_QUERY).field(pointer, "unknown-value", detail)
    };
    let mut all = Condition::all().add(http::org_filter(&ctx.actor.org, C::Org));
    if let Some(org) = &query.org {
        let org = OrgPath::parse(org).map_err(|e| invalid("/org", &e.to_string()))?;
        all = all.add(http::org_filter(&org, C::Org));
    }
    if let Some(status) = &query.status {
        all = all.add(
            C::Status.is_in(statuses(status).ok_or_else(|| invalid("/status", "no such status"))?),
        );
    }
    if let Some(priority) = &query.priority {
        priority
            .parse::<Priority>()
            .map_err(|()| invalid("/priority", "must be low, normal, high or urgent"))?;
        all = all.add(C::Priority.eq(priority));
    }
    let texts = [
        (C::Kind, &query.kind),
        (C::Category, &query.category),
        (C::Queue, &query.queue),
        (C::Handler, &query.handler),
        (C::FirstResponder, &query.first_responder),
        (C::Number, &query.number),
        (C::ExternalRef, &query.external_ref),
        (C::ImportNumber, &query.import_number),
    ];
    for (column, value) in texts {
        all = all.add_option(value.as_ref().map(|value| column.eq(value)));
    }
    all = all
        .add_option(query.customer_id.map(|id| C::CustomerId.eq(id)))
        .add_option(query.parent_id.map(|id| C::ParentId.eq(id)))
        .add_option(query.breached.map(|breached| C::Breached.eq(breached)))
        .add_option(query.opened_from.map(|at| C::OpenedAt.gte(at)))
        .add_option(query.opened_to.map(|at| C::OpenedAt.lt(at)));
    if let Some(q) = query.q.as_ref().filter(|q| !q.trim().is_empty()) {
        all = all.add(store::fts::matches(&app.db, "ticket", ("ticket", "id"), q));
    }
    Ok(all)
}

fn statuses(text: &str) -> Option<Vec<&'static str>> {
    let mut found = Vec::new();
    for word in text.split(',') {
        match word.trim() {
            "active" => found.extend(Status::ALL.iter().filter(|s| s.active()).map(|s| s.as_str())),
            word => found.push(word.parse::<Status>().ok()?.as_str()),
        }
    }
    Some(found)
}
