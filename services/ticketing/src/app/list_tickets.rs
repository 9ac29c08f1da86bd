//! Finds tickets: filters, full-text search, keyset pages; newest first.

use chrono::{DateTime, Utc};
use kernel::{Context, OrgPath, Page, PageQuery, Problem, Text, codes, messages as shared};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::App;
use crate::{
    domain::{lifecycle::Status, priority::Priority},
    store::{
        entities::ticket,
        finding::{self, After},
        wanted::Wanted,
    },
};

/// Handler of a ticket that nobody has taken.
const NOBODY: &str = "none";

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
    /// User id of who works on it; `none`: nobody has taken it.
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
    /// From `next_cursor` of the page before, with the same filter.
    #[param(max_length = 1000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Also count all that match.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    // What the next page is asked with may differ in these.
    let paged = TicketQuery { cursor: None, limit: None, total: None, ..query.clone() };
    let filter = serde_json::to_string(&paged)?;
    let after: After = paging.after(&filter)?;
    let Some(wanted) = wanted(ctx, &query)? else {
        let total = (query.total == Some(true)).then_some(0);
        return Ok(Page { items: vec![], next_cursor: None, total });
    };
    let rows = finding::page(&app.db, &wanted, after, limit + 1).await?;
    let mut page = Page::of(rows, limit, &filter, |row| (row.opened_at, row.id), |row| row);
    if query.total == Some(true) {
        page.total = Some(finding::count(&app.db, &wanted).await?);
    }
    Ok(page)
}

/// The query as the store takes it; `None` when nothing can match.
///
/// # Errors
/// `invalid-query` with the parameter at fault.
pub fn wanted(ctx: &Context, query: &TicketQuery) -> Result<Option<Wanted>, Problem> {
    let invalid = |pointer: &str, detail: Text| {
        Problem::of(&codes::INVALID_QUERY).field(pointer, "unknown-value", detail)
    };
    for (pointer, who) in
        [("/handler", &query.handler), ("/first_responder", &query.first_responder)]
    {
        let told = who.as_deref() == Some(NOBODY) || ctx.actor.may_know(who.clone()) == *who;
        if !told {
            let refused = Problem::of(&codes::FORBIDDEN);
            return Err(refused.field(pointer, "withheld", shared::not_by_staff()));
        }
    }
    let mine = &ctx.actor.org;
    let mut org = mine.clone();
    let mut nothing = false;
    if let Some(asked) = &query.org {
        let asked = OrgPath::parse(asked).map_err(|_| invalid("/org", shared::malformed_org()))?;
        nothing = !mine.covers(asked.as_str()) && !asked.covers(mine.as_str());
        org = if mine.covers(asked.as_str()) { asked } else { org };
    }
    let statuses = match &query.status {
        Some(status) => statuses(status)
            .ok_or_else(|| invalid("/status", shared::one_of(Status::ALL.map(Status::as_str))))?,
        None => vec![],
    };
    if let Some(priority) = &query.priority {
        priority.parse::<Priority>().map_err(|()| {
            invalid("/priority", shared::one_of(Priority::ALL.map(Priority::as_str)))
        })?;
    }
    let mut words = vec![];
    if let Some(q) = query.q.as_ref().filter(|q| !q.trim().is_empty()) {
        words = store::text::query_tokens(q);
        nothing |= words.is_empty();
    }
    if nothing {
        return Ok(None);
    }
    let root = org.root();
    Ok(Some(Wanted {
        root: root.to_string(),
        org: (org != root).then_some(org),
        statuses,
        queue: query.queue.clone(),
        unassigned: query.handler.as_deref() == Some(NOBODY),
        handler: query.handler.clone().filter(|who| who != NOBODY),
        customer_id: query.customer_id,
        parent_id: query.parent_id,
        number: query.number.clone(),
        external_ref: query.external_ref.clone(),
        import_number: query.import_number.clone(),
        kind: query.kind.clone(),
        category: query.category.clone(),
        priority: query.priority.clone(),
        first_responder: query.first_responder.clone(),
        breached: query.breached,
        opened_from: query.opened_from,
        opened_to: query.opened_to,
        words,
    }))
}

fn statuses(text: &str) -> Option<Vec<&'static str>> {
    let mut found = Vec::new();
    for word in text.split(',') {
        match word.trim() {
            "active" => found.extend(Status::ALL.iter().filter(|s| s.active()).map(|s| s.as_str())),
            word => found.push(word.parse::<Status>().ok()?.as_str()),
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}
