//! The end of an attempt, in one transaction: ledger, attempt log, the endpoint's health, and what
//! the other services hear of it.

use std::time::Duration;

use ::store::Tx;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::notification::{NoticeDelivered, NoticeFailed, NoticeSuppressed};
use kernel::{Context, OrgPath, Problem, TraceContext};
use sea_orm::DbErr;
use uuid::Uuid;

use super::{
    accept::notice,
    send::{End, Outcome},
};
use crate::{
    App,
    domain::{endpoint, retry, verdict::Verdict, workflow::Channel},
    store::{
        endpoints,
        entities::{attempt, delivery},
        ledger::{self, state},
    },
};

/// Shortest and longest pause of a lane whose endpoint asks for fewer calls, in seconds.
const THROTTLE: (i64, i64) = (5, 3_600);

/// Writes what came of the attempt; a passing fault of the database is waited out within the lease.
pub async fn run(
    app: &App,
    row: delivery::Model,
    trace: TraceContext,
    started: DateTime<Utc>,
    outcome: Outcome,
) -> Result<(), Problem> {
    let mut pause = Duration::from_millis(100);
    loop {
        let settled = once(app, row.clone(), &trace, started, &outcome).await;
        match settled {
            Err(problem)
                if pause < Duration::from_secs(7)
                    && problem.inner().is_some_and(|e| ::store::is_transient(e)) =>
            {
                tracing::warn!(delivery = %row.id, error = %problem, "the end of an attempt could not be written yet");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            settled => return settled,
        }
    }
}

async fn once(
    app: &App,
    claimed: delivery::Model,
    trace: &TraceContext,
    started: DateTime<Utc>,
    outcome: &Outcome,
) -> Result<(), Problem> {
    let now = app.clock.now();
    let ctx = Context {
        causation_id: Some(claimed.event_id),
        ..Context::system(OrgPath::parse(&claimed.org)?, trace.clone())
    };
    let tx = app.db.begin().await?;
    let row = ledger::locked(&tx, claimed.id).await?;
    let Some(row) = row.filter(|r| r.lease_token == claimed.lease_token) else {
        // The lease ran out and another process took over: what it finds out counts.
        tracing::warn!(delivery = %claimed.id, "an attempt outlived its lease");
        return Ok(tx.rollback().await?);
    };
    let word = write(app, &tx, &ctx, row, started, outcome, now).await?;
    tx.commit().await?;
    app.meters.count(&claimed.channel, word);
    Ok(())
}

async fn write(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    mut row: delivery::Model,
    started: DateTime<Utc>,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<&'static str, Problem> {
    row.lease_token = None;
    row.lease_until = None;
    row.next_attempt_at = None;
    row.updated_at = now;
    row.template_version = outcome.template_version.or(row.template_version);
    row.last_error = outcome.error.clone();
    let word = match &outcome.end {
        End::Suppressed(reason) => {
            // Nothing was tried.
            row.attempts -= 1;
            row.state = state::SUPPRESSED.to_owned();
            row.reason = Some((*reason).to_owned());
            "suppressed"
        }
        End::Told(Verdict::Delivered) => {
            row.state = state::DELIVERED.to_owned();
            row.reason = None;
            row.delivered_at = Some(now);
            "delivered"
        }
        End::Told(Verdict::Retry { retry_after, .. }) => match next(&row, now, *retry_after) {
            Some(at) => {
                row.state = state::QUEUED.to_owned();
                row.next_attempt_at = Some(at);
                "retried"
            }
            None => failed(&mut row, "attempts_used_up"),
        },
        End::Told(Verdict::Permanent) => failed(&mut row, "refused"),
        End::Told(Verdict::Gone) => failed(&mut row, "gone"),
    };
    ledger::update(tx, row.clone()).await?;
    if !matches!(outcome.end, End::Suppressed(_)) {
        ledger::insert_attempt(tx, attempt_row(&row, started, now, word, outcome)).await?;
    }
    if row.channel == Channel::Webhook.as_str()
        && let End::Told(verdict) = &outcome.end
    {
        endpoint_health(app, tx, row.recipient.parse()?, verdict, now).await?;
    }
    tell(tx, ctx, &row, word, now).await?;
    Ok(word)
}

fn failed(row: &mut delivery::Model, reason: &str) -> &'static str {
    row.state = state::FAILED.to_owned();
    row.reason = Some(reason.to_owned());
    "failed"
}

/// When the delivery is tried again; `None`: the round's schedule is used up.
pub fn next(
    row: &delivery::Model,
    now: DateTime<Utc>,
    retry_after: Option<i64>,
) -> Option<DateTime<Utc>> {
    let tried = usize::try_from(row.attempts - row.round_start).unwrap_or(usize::MAX);
    retry::next_attempt(now, tried, retry::luck(row.id, tried), retry_after)
}

fn attempt_row(
    row: &delivery::Model,
    started: DateTime<Utc>,
    ended: DateTime<Utc>,
    word: &str,
    outcome: &Outcome,
) -> attempt::Model {
    attempt::Model {
        delivery_id: row.id,
        number: row.attempts,
        lane: row.lane.clone(),
        started_at: started,
        ended_at: ended,
        outcome: word.to_owned(),
        status: outcome.status.map(i32::from),
        error: outcome.error.clone(),
        response: outcome.response.clone(),
    }
}

async fn endpoint_health(
    app: &App,
    tx: &Tx,
    id: Uuid,
    verdict: &Verdict,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    if *verdict == Verdict::Delivered {
        return endpoints::mark_well(tx, id).await;
    }
    let since = endpoints::mark_failing(tx, id, now).await?;
    if let Verdict::Retry { retry_after, throttle: true } = verdict {
        let pause = retry_after.unwrap_or(0).clamp(THROTTLE.0, THROTTLE.1);
        endpoints::pause(tx, id, now + TimeDelta::seconds(pause)).await?;
    }
    let after = TimeDelta::days(app.settings.webhooks.disable_after_days.into());
    let reason = match verdict {
        Verdict::Gone => "gone",
        _ if endpoint::give_up(since, now, after) => "failing",
        _ => return Ok(()),
    };
    if endpoints::disable(tx, id, reason, now).await? {
        tracing::warn!(endpoint = %id, reason, "a webhook endpoint was disabled");
    }
    Ok(())
}

async fn tell(
    tx: &Tx,
    ctx: &Context,
    row: &delivery::Model,
    word: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let notice = notice(row);
    match word {
        "delivered" => {
            let event = NoticeDelivered { notice, attempts: row.attempts, delivered_at: now };
            events::emit(tx, ctx, now, &event).await.map(drop)
        }
        "failed" => {
            let error = row.last_error.clone().or_else(|| row.reason.clone()).unwrap_or_default();
            let event = NoticeFailed { notice, attempts: row.attempts, error };
            events::emit(tx, ctx, now, &event).await.map(drop)
        }
        "suppressed" => {
            let reason = row.reason.clone().unwrap_or_default();
            events::emit(tx, ctx, now, &NoticeSuppressed { notice, reason }).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// A process died during the attempt: note it as lost, and try again at once while the schedule
/// lasts. The row is locked by the caller.
pub async fn lost(app: &App, tx: &Tx, row: delivery::Model) -> Result<(), Problem> {
    let now = app.clock.now();
    let request = ledger::request(tx, row.request_id).await?;
    let trace = TraceContext::from_parent(request.and_then(|r| r.traceparent));
    let ctx = Context {
        causation_id: Some(row.event_id),
        ..Context::system(OrgPath::parse(&row.org)?, trace)
    };
    let started = row.updated_at;
    let error = "the process ended during the attempt; whether it arrived is not known";
    let outcome = Outcome::retry(error);
    let mut row = delivery::Model { lease_token: None, lease_until: None, updated_at: now, ..row };
    row.last_error = Some(error.to_owned());
    let word = match next(&row, now, None) {
        Some(_) => {
            row.state = state::QUEUED.to_owned();
            row.next_attempt_at = Some(now);
            "lost"
        }
        None => {
            row.next_attempt_at = None;
            failed(&mut row, "attempts_used_up")
        }
    };
    ledger::update(tx, row.clone()).await?;
    ledger::insert_attempt(tx, attempt_row(&row, started, now, "lost", &outcome)).await?;
    Ok(tell(tx, &ctx, &row, word, now).await?)
}
