//! A member of staff reads his own inbox.

use ::store::Tx;
use chrono::{DateTime, Utc};
use kernel::{Context, Page, PageQuery, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    App,
    store::{
        entities::inbox_item,
        inbox::{self, Owner},
        root_of,
    },
};

/// One item.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxItem {
    /// Counts the items of this inbox from 1.
    pub seq: i64,
    pub notice_id: Uuid,
    pub workflow: String,
    pub org: String,
    pub ticket_id: Option<Uuid>,
    pub title: String,
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
}

impl From<inbox_item::Model> for InboxItem {
    fn from(row: inbox_item::Model) -> Self {
        Self {
            seq: row.seq,
            notice_id: row.delivery_id,
            workflow: row.workflow,
            org: row.org,
            ticket_id: row.ticket_id,
            title: row.title,
            body: row.body,
            created_at: row.created_at,
            read_at: row.read_at,
        }
    }
}

/// A page of the inbox, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxPage {
    pub items: Vec<InboxItem>,
    /// Give it back as `cursor` to read on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Only on request (`total=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total: Option<u64>,
    /// Items of the whole inbox that were not read.
    pub unread: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    /// `true`: only what was not read.
    pub unread: Option<bool>,
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    pub total: Option<bool>,
}

/// Whose inbox the caller reads: his own and no other.
pub fn owner(ctx: &Context) -> Owner {
    Owner { root: root_of(ctx.actor.org.as_str()), user_id: ctx.actor.id.clone() }
}

pub async fn list(app: &App, ctx: &Context, query: InboxQuery) -> Result<InboxPage, Problem> {
    let paging = PageQuery { cursor: query.cursor, limit: query.limit, total: query.total };
    let (owner, unread) = (owner(ctx), query.unread == Some(true));
    let fingerprint = format!("inbox {owner:?} {unread}");
    let (limit, before) = (paging.limit()?, paging.after::<i64>(&fingerprint)?);
    let rows = inbox::page(&app.db, &owner, before, unread, limit + 1).await?;
    let page = Page::of(rows, limit, &fingerprint, |row| row.seq, InboxItem::from);
    let total = match paging.total {
        Some(true) => Some(inbox::count(&app.db, &owner, unread).await?),
        _ => None,
    };
    Ok(InboxPage {
        items: page.items,
        next_cursor: page.next_cursor,
        total,
        unread: inbox::count(&app.db, &owner, true).await?,
    })
}

/// Marks an item as read; a second time changes nothing.
pub async fn read(app: &App, tx: &Tx, ctx: &Context, seq: i64) -> Result<InboxItem, Problem> {
    let row = inbox::read(tx, &owner(ctx), seq, app.clock.now()).await?;
    Ok(row.ok_or_else(Problem::not_found)?.into())
}
