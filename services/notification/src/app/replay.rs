//! Sends an endpoint again what it missed: one message, or all that failed; and its attempt log.

use ::store::Tx;
use chrono::{DateTime, Utc};
use kernel::{Context, Page, PageQuery, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{notices::AttemptView, retry};
use crate::{
    App, codes,
    domain::workflow::Channel,
    jobs::deliver,
    messages,
    store::{
        endpoints::{self, ACTIVE},
        ledger::{self, state},
    },
};

/// Messages of one call at most.
const BATCH: u64 = 1_000;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayInput {
    /// This message, also if it was delivered; absent: all that failed or were suppressed.
    pub notice_id: Option<Uuid>,
    /// Of all: only those made since then.
    pub since: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Replayed {
    /// Messages put back into the queue.
    pub count: u64,
    /// There may be more: call again.
    pub more: bool,
}

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: ReplayInput,
) -> Result<Replayed, Problem> {
    let endpoint = endpoints::visible(tx, &ctx.actor, id).await?;
    let endpoint = endpoint.ok_or_else(Problem::not_found)?;
    if endpoint.state != ACTIVE {
        return Err(Problem::of(&codes::ENDPOINT_DISABLED));
    }
    let lane = App::lane(Channel::Webhook, &id.to_string());
    let rows = match input.notice_id {
        Some(notice) => {
            let row = ledger::locked(tx, notice).await?.filter(|row| row.lane == lane);
            let row = row.ok_or_else(|| {
                Problem::invalid("/notice_id", "unknown", messages::no_message_of_endpoint())
            })?;
            // Under way already: nothing to be done.
            let under_way = [state::QUEUED, state::SENDING].contains(&row.state.as_str());
            if under_way { vec![] } else { vec![row] }
        }
        None => ledger::failed_of_lane(tx, &lane, input.since, BATCH).await?,
    };
    let count = rows.len() as u64;
    let now = app.clock.now();
    for row in rows {
        ledger::update(tx, retry::again(row, now)).await?;
    }
    tracing::info!(target: "audit", by = ctx.actor.id, endpoint = %id, count, "webhooks sent again by hand");
    deliver::wake(app, tx);
    Ok(Replayed { count, more: count == BATCH })
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttemptQuery {
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    pub total: Option<bool>,
}

/// Attempts to reach an endpoint, the newest first.
pub async fn attempts(
    app: &App,
    ctx: &Context,
    id: Uuid,
    query: AttemptQuery,
) -> Result<Page<AttemptView>, Problem> {
    let paging = PageQuery { cursor: query.cursor, limit: query.limit, total: query.total };
    endpoints::visible(&app.db, &ctx.actor, id).await?.ok_or_else(Problem::not_found)?;
    let fingerprint = format!("attempts {id}");
    let (limit, before) = (paging.limit()?, paging.after::<(DateTime<Utc>, Uuid)>(&fingerprint)?);
    let lane = App::lane(Channel::Webhook, &id.to_string());
    let rows = ledger::attempts_of_lane(&app.db, &lane, before, limit + 1).await?;
    let total = match paging.total {
        Some(true) => Some(ledger::count_attempts(&app.db, &lane).await?),
        _ => None,
    };
    let key = |row: &AttemptView| (row.started_at, row.notice_id);
    let views: Vec<AttemptView> = rows.into_iter().map(Into::into).collect();
    Ok(Page { total, ..Page::of(views, limit, &fingerprint, key, |view| view) })
}
