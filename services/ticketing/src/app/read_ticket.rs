//! What hangs on a ticket: history, articles, timers. Whoever may not see the ticket sees none.

use chrono::{DateTime, Utc};
use kernel::{ActorKind, Context, Page, PageQuery, Problem};
use uuid::Uuid;

use super::{App, edit::actor_kind};
use crate::store::{
    entities::{article, history, timer, timer_pause},
    tickets,
};

type After = Option<(DateTime<Utc>, Uuid)>;

pub async fn history(
    app: &App,
    ctx: &Context,
    id: Uuid,
    cursor: Option<String>,
    limit: Option<u32>,
) -> Result<Page<history::Model>, Problem> {
    let paging = PageQuery { cursor, limit, total: None };
    let (limit, filter) = (paging.limit()?, format!("history {id}"));
    let after: After = paging.after(&filter)?;
    tickets::visible(&app.db, &ctx.actor.org, id).await?;
    let rows = tickets::history(&app.db, id, after, limit + 1).await?;
    Ok(Page::of(rows, limit, &filter, |row| (row.happened_at, row.id), |row| row))
}

/// Internal notes are for staff: a partner system reads those alone that it wrote itself.
pub async fn articles(
    app: &App,
    ctx: &Context,
    id: Uuid,
    cursor: Option<String>,
    limit: Option<u32>,
) -> Result<Page<article::Model>, Problem> {
    let paging = PageQuery { cursor, limit, total: None };
    let (limit, filter) = (paging.limit()?, format!("articles {id}"));
    let after: After = paging.after(&filter)?;
    let actor = &ctx.actor;
    tickets::visible(&app.db, &actor.org, id).await?;
    let outsider =
        (actor.kind != ActorKind::User).then(|| (actor_kind(actor.kind), actor.id.as_str()));
    let rows = tickets::articles_after(&app.db, id, outsider, after, limit + 1).await?;
    Ok(Page::of(rows, limit, &filter, |row| (row.written_at, row.id), |row| row))
}

pub async fn timers(
    app: &App,
    ctx: &Context,
    id: Uuid,
) -> Result<(Vec<timer::Model>, Vec<timer_pause::Model>), Problem> {
    tickets::visible(&app.db, &ctx.actor.org, id).await?;
    let timers = tickets::all_timers(&app.db, id).await?;
    let ids: Vec<Uuid> = timers.iter().map(|timer| timer.id).collect();
    let pauses = tickets::pauses(&app.db, &ids).await?;
    Ok((timers, pauses))
}
