//! Targets that a change of kind, priority or customer brings where none was promised before: their
//! timers start where they would have started, with the pauses of the ticket's history.

use chrono::{DateTime, Utc};
use kernel::Problem;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{
    edit::Edit,
    open_ticket::sla_facts,
    timers::{Start, Timer},
};
use crate::{
    domain::{lifecycle::Status, timer::Step, words},
    store::{entities::history, tickets},
};

/// Starts what is owed now and does not run. What has passed by then is recorded and nobody is told.
pub(super) async fn start(edit: &mut Edit<'_>) -> Result<(), Problem> {
    let ticket = &edit.ticket;
    let unchanged = edit.changed_fields().is_empty();
    // The clock of another system's history is not ours.
    if unchanged || ticket.import_source.is_some() || !edit.status().active() {
        return Ok(());
    }
    let unanswered = ticket.first_responded_at.is_none() && ticket.reopen_count == 0;
    for (metric, owed) in [(words::FIRST_RESPONSE, unanswered), (words::RESOLUTION, true)] {
        let runs = edit.timers.iter().any(|t| t.row.metric == metric && !t.ended());
        if owed && !runs {
            start_back(edit, metric).await?;
        }
    }
    Ok(())
}

async fn start_back(edit: &mut Edit<'_>, metric: &str) -> Result<(), Problem> {
    let (config, now, id) = (edit.config.clone(), edit.now, edit.ticket.id);
    let changes = status_changes(edit).await?;
    let reopened = changes.iter().rev().find(|(_, status)| status.is_none()).map(|(at, _)| *at);
    let at = reopened.unwrap_or(edit.ticket.opened_at);
    let named = edit.ticket.sla_policy.as_deref();
    let Some(promise) = config.promise(named, &sla_facts(&edit.ticket), metric, at)? else {
        return Ok(());
    };
    let policy = promise.policies.first().map(|policy| policy.key.clone());
    let earlier = tickets::all_timers(edit.tx, id).await?;
    let last = earlier.iter().filter(|t| t.metric == metric).map(|t| t.cycle).max();
    let start = Start { ticket: id, metric, cycle: last.unwrap_or(0) + 1, task: None, at };
    let mut timer = Timer::start(&config, start, promise)?;
    if metric == words::RESOLUTION {
        for (since, status) in changes.into_iter().filter(|(since, _)| *since >= at) {
            match status {
                Some(status) if status.pauses() => {
                    timer.pause(&config, since, Some(status.as_str()))?;
                }
                _ => timer.resume(&config, since)?,
            }
        }
    }
    let late = timer.pass_in_silence(now).iter().any(|planned| planned.step == Step::Breach);
    edit.timers.push(timer);
    edit.note(&format!("timer.{metric}.policy"), None, policy);
    if late {
        edit.ticket.breached = true;
        edit.note(&format!("timer.{metric}"), None, Some("breach recorded".into()));
    }
    Ok(())
}

/// Every status with its beginning, oldest first; `None` where the ticket was reopened.
async fn status_changes(edit: &Edit<'_>) -> Result<Vec<(DateTime<Utc>, Option<Status>)>, Problem> {
    let rows = history::Entity::find()
        .filter(history::Column::TicketId.eq(edit.ticket.id))
        .filter(history::Column::Field.is_in(["status", "reopen_count"]))
        .order_by_asc(history::Column::HappenedAt)
        .order_by_asc(history::Column::Id)
        .all(edit.tx)
        .await?;
    let change = |row: history::Model| {
        let status = row.new_value.filter(|_| row.field == "status");
        (row.happened_at, status.and_then(|status| status.parse().ok()))
    };
    Ok(rows.into_iter().map(change).collect())
}
