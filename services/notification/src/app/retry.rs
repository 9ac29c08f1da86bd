//! Sends a notice again that failed or was suppressed.

use ::store::Tx;
use chrono::{DateTime, Utc};
use kernel::{Context, Problem};
use uuid::Uuid;

use crate::{
    App, codes,
    domain::workflow::Channel,
    jobs::deliver,
    store::{
        entities::delivery,
        ledger::{self, state},
    },
};

pub async fn run(app: &App, tx: &Tx, ctx: &Context, id: Uuid) -> Result<delivery::Model, Problem> {
    let row = ledger::locked(tx, id).await?.filter(|row| ctx.actor.org.covers(&row.org));
    let row = row.ok_or_else(Problem::not_found)?;
    let ended = [state::FAILED, state::SUPPRESSED].contains(&row.state.as_str());
    if !ended || row.channel == Channel::Inbox.as_str() {
        return Err(Problem::of(&codes::NOTICE_NOT_RETRYABLE));
    }
    tracing::info!(target: "audit", by = ctx.actor.id, notice = %id, "notice sent again by hand");
    let row = again(row, app.clock.now());
    ledger::update(tx, row.clone()).await?;
    deliver::wake(app, tx);
    Ok(row)
}

/// A new round of the retry schedule, beginning at once.
pub fn again(row: delivery::Model, now: DateTime<Utc>) -> delivery::Model {
    delivery::Model {
        state: state::QUEUED.to_owned(),
        reason: None,
        round_start: row.attempts,
        next_attempt_at: Some(now),
        delivered_at: None,
        updated_at: now,
        ..row
    }
}
