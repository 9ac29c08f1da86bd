//! The ledger as it is read: what was sent to whom, what was not, and why.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::{Context, Page, PageQuery, Permission, Problem, codes, messages as shared};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::recipients::{CUSTOMER, STAFF};
use crate::{
    App,
    domain::{address::masked, workflow::Channel},
    store::{
        entities::{attempt, delivery, request},
        ledger::{self, Filter, state},
        people, root_of,
    },
};

/// One message to one recipient by one channel.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticeView {
    pub id: Uuid,
    pub org: String,
    /// Event that it tells of.
    pub event_id: Uuid,
    pub event_type: Option<String>,
    pub workflow: String,
    /// `email`, `inbox` or `webhook`.
    pub channel: String,
    /// `customer`, `staff` or `endpoint`.
    pub recipient_kind: String,
    /// Id of the customer, user or endpoint; `role:…` where nobody holds the role.
    pub recipient: String,
    /// Role that nobody holds, where the recipient is told in its place.
    pub instead_of: Option<String>,
    /// The recipient's e-mail address now; masked unless the caller has `pii:read`.
    pub address: Option<String>,
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    /// `queued`, `sending`, `delivered`, `failed` or `suppressed`.
    pub state: String,
    /// Why it was suppressed (`no_address`, `no_recipient`, `stale`, `endpoint_disabled`,
    /// `right_lapsed`, `channel_off`, `erased`) or failed (`refused`, `gone`, `attempts_used_up`).
    pub reason: Option<String>,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
    /// Version of the text; 0: built in.
    pub template_version: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub delivered_at: Option<DateTime<Utc>>,
}

/// A notice with its history.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticeDetail {
    pub notice: NoticeView,
    pub log: Vec<AttemptView>,
}

/// One attempt.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptView {
    pub notice_id: Uuid,
    pub number: i32,
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    /// `delivered`, `retried`, `failed` or `lost` (the process ended during it).
    pub outcome: String,
    /// HTTP status or SMTP code.
    pub status: Option<i32>,
    pub error: Option<String>,
    /// First 1,024 bytes of the answer.
    pub response: Option<String>,
}

impl From<attempt::Model> for AttemptView {
    fn from(row: attempt::Model) -> Self {
        Self {
            notice_id: row.delivery_id,
            number: row.number,
            started_at: row.started_at,
            ended_at: row.ended_at,
            outcome: row.outcome,
            status: row.status,
            error: row.error,
            response: row.response,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NoticeQuery {
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    /// `queued`, `sending`, `delivered`, `failed` or `suppressed`.
    #[param(max_length = 200)]
    pub state: Option<String>,
    /// `email`, `inbox` or `webhook`.
    #[param(max_length = 200)]
    pub channel: Option<String>,
    #[param(max_length = 200)]
    pub workflow: Option<String>,
    /// Id of the customer, user or endpoint.
    #[param(max_length = 200)]
    pub recipient: Option<String>,
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    pub total: Option<bool>,
}

pub async fn list(
    app: &App,
    ctx: &Context,
    query: NoticeQuery,
) -> Result<Page<NoticeView>, Problem> {
    let paging = PageQuery { cursor: query.cursor, limit: query.limit, total: query.total };
    let filter = Filter {
        ticket_id: query.ticket_id,
        customer_id: query.customer_id,
        state: known(query.state, "/state", &state::ALL)?,
        channel: known(query.channel, "/channel", &Channel::ALL.map(Channel::as_str))?,
        workflow: query.workflow,
        recipient: query.recipient,
    };
    let org = &ctx.actor.org;
    let fingerprint = format!("notices {org} {filter:?}");
    let (limit, before) = (paging.limit()?, paging.after::<Uuid>(&fingerprint)?);
    let rows = ledger::page(&app.db, org, &filter, before, limit + 1).await?;
    let total = match paging.total {
        Some(true) => Some(ledger::count(&app.db, org, &filter).await?),
        _ => None,
    };
    let views = views(app, ctx, rows).await?;
    Ok(Page { total, ..Page::of(views, limit, &fingerprint, |view| view.id, |view| view) })
}

fn known(given: Option<String>, pointer: &str, words: &[&str]) -> Result<Option<String>, Problem> {
    match given {
        Some(word) if !words.contains(&word.as_str()) => Err(Problem::of(&codes::INVALID_QUERY)
            .field(pointer, "unknown-word", shared::one_of(words))),
        given => Ok(given),
    }
}

pub async fn one(app: &App, ctx: &Context, id: Uuid) -> Result<NoticeDetail, Problem> {
    let row = ledger::visible(&app.db, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    let log = ledger::attempts(&app.db, id).await?.into_iter().map(Into::into).collect();
    let notice = views(app, ctx, vec![row]).await?.pop().ok_or_else(Problem::not_found)?;
    Ok(NoticeDetail { notice, log })
}

/// Rows with the type of their event and the recipient's address, as far as the caller may see it.
pub async fn views(
    app: &App,
    ctx: &Context,
    rows: Vec<delivery::Model>,
) -> Result<Vec<NoticeView>, Problem> {
    let ids = rows.iter().map(|row| row.request_id).collect();
    let requests = ledger::requests(&app.db, ids).await?;
    let requests: HashMap<Uuid, request::Model> = requests.into_iter().map(|r| (r.id, r)).collect();
    let mut sealed = sealed_addresses(app, ctx, &rows).await?;
    let clear = ctx.actor.can(Permission::PiiRead);
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let address = match sealed.remove(&row.id) {
            Some(sealed) if clear => Some(app.pii.open(&sealed)?),
            Some(sealed) => Some(masked(&app.pii.open(&sealed)?)),
            None => None,
        };
        let request = requests.get(&row.request_id);
        views.push(view(row, request, address));
    }
    let shown = views.iter().filter(|view| view.address.is_some()).count();
    if clear && shown > 0 {
        tracing::info!(target: "audit", by = ctx.actor.id, count = shown, "unmasked addresses of notices were read");
    }
    Ok(views)
}

/// Sealed address by delivery, for the mails among the rows.
async fn sealed_addresses(
    app: &App,
    ctx: &Context,
    rows: &[delivery::Model],
) -> Result<HashMap<Uuid, String>, Problem> {
    let mails = || rows.iter().filter(|row| row.channel == Channel::Email.as_str());
    let of = |kind: &'static str| mails().filter(move |row| row.recipient_kind == kind);
    let customers = of(CUSTOMER).filter_map(|row| row.recipient.parse().ok()).collect();
    let mut by_recipient: HashMap<String, String> = HashMap::new();
    for row in people::customers(&app.db, customers).await? {
        by_recipient.extend(row.email.map(|email| (row.id.to_string(), email)));
    }
    let users = of(STAFF).map(|row| row.recipient.clone()).collect();
    for row in people::staff_of(&app.db, &root_of(ctx.actor.org.as_str()), users).await? {
        by_recipient.extend(row.email.map(|email| (row.user_id, email)));
    }
    let found = mails().filter_map(|row| Some((row.id, by_recipient.get(&row.recipient)?.clone())));
    Ok(found.collect())
}

pub fn view(
    row: delivery::Model,
    request: Option<&request::Model>,
    address: Option<String>,
) -> NoticeView {
    NoticeView {
        id: row.id,
        org: row.org,
        event_id: row.event_id,
        event_type: request.map(|r| r.event_type.clone()),
        workflow: row.workflow,
        channel: row.channel,
        recipient_kind: row.recipient_kind,
        recipient: row.recipient,
        instead_of: row.instead_of,
        address,
        ticket_id: row.ticket_id,
        customer_id: row.customer_id,
        state: row.state,
        reason: row.reason,
        attempts: row.attempts,
        next_attempt_at: row.next_attempt_at,
        last_error: row.last_error,
        template_version: row.template_version,
        created_at: row.created_at,
        delivered_at: row.delivered_at,
    }
}
