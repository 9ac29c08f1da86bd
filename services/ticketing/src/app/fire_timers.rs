//! Fires what timers have due: warnings, breaches, escalation levels. Any number of processes may
//! run this at once: a ticket is worked on under its row's lock, tickets that somebody else has
//! locked are left to him, and the key of `timer_fire` refuses a second firing of a step.

use std::sync::LazyLock;

use ::store::fault;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Context, OrgPath, Problem, TraceContext};
use meter::{Gauge, Histogram};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tracing::Instrument;
use uuid::Uuid;

use super::{App, edit::Edit};
use crate::store::{entities::timer, tickets};

const BATCH: u64 = 500;

type Service = [(&'static str, &'static str); 1];
const SERVICE: Service = [("service", "ticketing")];

static LATENESS: LazyLock<Histogram<Service>> = LazyLock::new(|| {
    meter::histogram(
        "kefu_timer_lateness_seconds",
        "How long after its instant a timer step fired",
        &[0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0],
    )
});

static OVERDUE: LazyLock<Gauge<Service>> = LazyLock::new(|| {
    meter::gauge(
        "kefu_timers_overdue_seconds",
        "How long the timer step that is due longest has not been fired",
    )
});

/// Asks how late the latest timer is; also makes the metrics exist where nothing ever fires.
pub async fn measure(app: &App) -> Result<(), Problem> {
    meter::declare(&LATENESS, &SERVICE);
    let now = app.clock.now();
    let due: Option<DateTime<Utc>> = timer::Entity::find()
        .select_only()
        .column(timer::Column::NextFireAt)
        .filter(timer::Column::NextFireAt.lte(now))
        .order_by_asc(timer::Column::NextFireAt)
        .limit(1)
        .into_tuple()
        .one(&app.db)
        .await?;
    let late = due.map_or(0.0, |due| (now - due).as_seconds_f64());
    OVERDUE.get_or_create(&SERVICE).set(late);
    Ok(())
}

/// Fires every step that is due by now; answers how many.
pub async fn run(app: &App) -> Result<usize, Problem> {
    let (mut fired, mut failure) = (0, None);
    loop {
        let due: Vec<Uuid> = timer::Entity::find()
            .select_only()
            .column(timer::Column::TicketId)
            .filter(timer::Column::NextFireAt.lte(app.clock.now()))
            .order_by_asc(timer::Column::NextFireAt)
            .limit(BATCH)
            .into_tuple()
            .all(&app.db)
            .await?;
        let mut tickets: Vec<Uuid> = Vec::new();
        for ticket in due {
            if !tickets.contains(&ticket) {
                tickets.push(ticket);
            }
        }
        let mut progress = 0;
        for ticket in tickets {
            match fire(app, ticket).await {
                Ok(steps) => progress += steps,
                // One ticket that cannot be worked on must not keep the others waiting.
                Err(problem) => {
                    tracing::error!(%ticket, %problem, "timers of a ticket cannot be fired");
                    failure = Some(problem);
                }
            }
        }
        fired += progress;
        if progress == 0 {
            return failure.map_or(Ok(fired), Err);
        }
    }
}

/// Fires all due steps of one ticket, in the trace of the request that opened it.
async fn fire(app: &App, id: Uuid) -> Result<usize, Problem> {
    let tx = app.db.begin().await?;
    let Some(ticket) = tickets::lock_if_free(&tx, id).await? else { return Ok(0) };
    let traceparent = ticket.traceparent.clone();
    let trace = TraceContext::from_parent(traceparent.clone());
    let span = events::resume_span("fire timers", &trace);
    let ctx = Context::system(OrgPath::parse(&ticket.org)?, trace);
    let late: Vec<TimeDelta> = async {
        let mut edit = Edit::of(app, &tx, &ctx, ticket).await?;
        let late = edit.fire_due();
        edit.save().await?;
        Ok::<_, Problem>(late)
    }
    .instrument(span)
    .await?;
    fault::point("timer-before-commit");
    tx.commit().await?;
    fault::point("timer-after-commit");
    let lateness = LATENESS.get_or_create_owned(&SERVICE);
    for late in &late {
        lateness.observe_in(late.as_seconds_f64(), traceparent.as_deref());
    }
    Ok(late.len())
}
