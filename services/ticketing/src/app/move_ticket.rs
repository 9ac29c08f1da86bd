//! Pend, hold, resume, resolve, close, reopen, cancel.

use chrono::{DateTime, Utc};
use kernel::{ActorKind, Context, Fields, Permission, Problem, limits, messages as shared};
use serde::Deserialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App, colleagues, edit::Edit, facts::Fact, hand_over::check_reason, open_ticket::start_timer,
    tasks,
};
use crate::{
    codes::{CANCELLING, TASKS_OPEN},
    domain::{
        lifecycle::{Action, Status},
        words,
    },
    store::{configs::Config, entities::ticket, tickets},
};

/// Why the ticket waits.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pend {
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// For whom: `customer` (default), `vendor` or `other`.
    #[schema(pattern = "^(customer|vendor|other)$")]
    pub kind: Option<String>,
}

/// Why the step is taken.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    #[schema(min_length = 1, max_length = 20000)]
    pub resolution: String,
}

/// How it is known to be done.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Close {
    /// `manual` (default), or `confirmed` when the customer said so.
    #[schema(pattern = "^(manual|confirmed)$")]
    pub reason: Option<String>,
}

pub async fn pend(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Pend,
) -> Result<ticket::Model, Problem> {
    let kind = input.kind.unwrap_or_else(|| "customer".into());
    let mut fields = Fields::new();
    check_reason(&mut fields, input.reason.as_deref());
    let known = ["customer", "vendor", "other"].contains(&kind.as_str());
    fields.check(known, "/kind", "unknown-value", shared::one_of(["customer", "vendor", "other"]));
    fields.finish()?;
    let mut edit = colleagues::load(app, tx, ctx, id).await?;
    edit.reason = input.reason;
    pend_now(&mut edit, kind)?;
    edit.save().await
}

pub(super) fn pend_now(edit: &mut Edit<'_>, kind: String) -> Result<(), Problem> {
    let from = edit.act(Action::Pend)?;
    edit.ticket.status_reason = Some(kind);
    edit.tell_status(from);
    Ok(())
}

pub async fn hold(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Reason,
) -> Result<ticket::Model, Problem> {
    plain(app, tx, ctx, id, Action::Hold, input).await
}

pub async fn resume(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Reason,
) -> Result<ticket::Model, Problem> {
    plain(app, tx, ctx, id, Action::Resume, input).await
}

async fn plain(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    action: Action,
    input: Reason,
) -> Result<ticket::Model, Problem> {
    let mut fields = Fields::new();
    check_reason(&mut fields, input.reason.as_deref());
    fields.finish()?;
    let mut edit = colleagues::load(app, tx, ctx, id).await?;
    edit.reason = input.reason;
    let from = edit.act(action)?;
    edit.ticket.status_reason = None;
    edit.tell_status(from);
    edit.save().await
}

/// Done from our side. Mandatory department tasks must have ended.
pub async fn resolve(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Resolve,
) -> Result<ticket::Model, Problem> {
    let mut fields = Fields::new();
    fields.text("/resolution", &input.resolution, 1, limits::TEXT);
    fields.finish()?;
    let mut edit = colleagues::load(app, tx, ctx, id).await?;
    edit.act(Action::Resolve)?;
    if tickets::tasks(tx, id).await?.iter().any(|task| task.mandatory && task.state == tasks::OPEN)
    {
        return Err(Problem::of(&TASKS_OPEN));
    }
    edit.take_if_free("resolved");
    let resolution = input.resolution.trim().to_owned();
    edit.ticket.status_reason = None;
    edit.ticket.resolved_at = Some(edit.now);
    edit.ticket.resolution_attained = edit.fulfil(words::RESOLUTION)?;
    // Resolved unanswered: no answer is owed any more, and none was given.
    edit.cancel_metric(words::FIRST_RESPONSE)?;
    edit.ticket.resolution = Some(resolution.clone());
    edit.ticket.auto_close_at = auto_close_at(&edit.config, &edit.ticket, edit.now)?;
    let sealed_resolution = Some(edit.sealed(&resolution));
    edit.tell(Fact::Resolved { resolution, sealed_resolution });
    edit.save().await
}

/// End of the business days after which a resolved ticket closes itself.
fn auto_close_at(
    config: &Config,
    t: &ticket::Model,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Problem> {
    let Some(kind) = config.kinds.get(&t.kind) else { return Ok(None) };
    kind.auto_close_days.map(|days| business_days(config, &kind.calendar, now, days)).transpose()
}

fn business_days(
    config: &Config,
    calendar: &str,
    from: DateTime<Utc>,
    days: u32,
) -> Result<DateTime<Utc>, Problem> {
    let (key, version) = config.calendar_head(calendar);
    Ok(config.calendar(key, version)?.add_business_days(from, days)?)
}

/// Whether a word of the customer at `now` still reopens the resolved ticket.
pub(super) fn reopens(
    config: &Config,
    t: &ticket::Model,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let (Some(resolved), Some(kind)) = (t.resolved_at, config.kinds.get(&t.kind)) else {
        return Ok(false);
    };
    Ok(now <= business_days(config, &kind.calendar, resolved, kind.reopen_days)?)
}

pub async fn close(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Close,
) -> Result<ticket::Model, Problem> {
    let asked = input.reason.unwrap_or_else(|| "manual".into());
    let mut fields = Fields::new();
    let known = ["manual", "confirmed"].contains(&asked.as_str());
    fields.check(known, "/reason", "unknown-value", shared::one_of(["manual", "confirmed"]));
    fields.finish()?;
    let mut edit = colleagues::load(app, tx, ctx, id).await?;
    let reason = if ctx.actor.kind == ActorKind::Customer { "confirmed".into() } else { asked };
    close_now(&mut edit, reason)?;
    edit.save().await
}

pub(super) fn close_now(edit: &mut Edit<'_>, reason: String) -> Result<(), Problem> {
    edit.act(Action::Close)?;
    edit.reason = Some(reason.clone());
    edit.ticket.closed_at = Some(edit.now);
    edit.ticket.auto_close_at = None;
    edit.cancel_timers()?;
    edit.tell(Fact::Closed { reason });
    Ok(())
}

pub async fn reopen(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Reason,
) -> Result<ticket::Model, Problem> {
    let reason = input.reason.unwrap_or_default();
    let mut fields = Fields::new();
    fields.text("/reason", &reason, 1, 2_000);
    fields.finish()?;
    let mut edit = colleagues::load(app, tx, ctx, id).await?;
    reopen_now(&mut edit, reason).await?;
    edit.save().await
}

/// Takes the matter up again: the resolution timer starts its next cycle.
pub(super) async fn reopen_now(edit: &mut Edit<'_>, reason: String) -> Result<(), Problem> {
    edit.act(Action::Reopen)?;
    edit.reason = Some(reason.clone());
    edit.ticket.reopen_count += 1;
    edit.ticket.resolved_at = None;
    edit.ticket.auto_close_at = None;
    edit.ticket.resolution = None;
    edit.ticket.resolution_attained = None;
    let cycles = tickets::all_timers(edit.tx, edit.ticket.id).await?;
    let last = cycles.iter().filter(|t| t.metric == words::RESOLUTION).map(|t| t.cycle).max();
    start_timer(edit, words::RESOLUTION, last.unwrap_or(0) + 1)?;
    edit.tell(Fact::Reopened { reason });
    Ok(())
}

/// Nothing is to be done, e.g. a wrong number. Open tasks end with it. A complaint with a level is
/// cancelled by whoever may lower it: to cancel it is to lower it to nothing.
pub async fn cancel(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Reason,
) -> Result<ticket::Model, Problem> {
    let mut fields = Fields::new();
    check_reason(&mut fields, input.reason.as_deref());
    fields.finish()?;
    let mut edit = colleagues::load(app, tx, ctx, id).await?;
    edit.reason = input.reason;
    let from = edit.act(Action::Cancel)?;
    if edit.ticket.complaint_level.is_some() && !ctx.actor.can(Permission::TicketLower) {
        return Err(Problem::of(&CANCELLING));
    }
    debug_assert_eq!(edit.status(), Status::Cancelled);
    edit.cancel_timers()?;
    tasks::cancel_open(&mut edit).await?;
    edit.tell_status(from);
    edit.save().await
}
