//! Replays rows of another system's log onto a ticket: each row carries the whole state, so the
//! last row decides; the differences between rows become the history and the pause ledger.

use calendar::Pause;
use chrono::{DateTime, Utc};

use super::{lifecycle::Status, servicenow::Row};

/// One run of the resolution timer: from opening (or reopening) to resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    pub start: DateTime<Utc>,
    pub end: Option<DateTime<Utc>>,
    pub pauses: Vec<Pause>,
}

/// What has been replayed so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    pub last: Row,
    pub cycles: Vec<Cycle>,
}

/// One difference between two rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub field: &'static str,
    pub old: Option<String>,
    pub new: Option<String>,
    pub at: DateTime<Utc>,
    pub by: String,
}

/// The first row of an incident.
#[must_use]
pub fn begin(row: Row) -> (Replayed, Vec<Change>) {
    let mut replayed = Replayed {
        cycles: vec![Cycle { start: row.opened_at, end: None, pauses: vec![] }],
        last: row.clone(),
    };
    turn(&mut replayed.cycles, None, &row);
    let changes = fields(&row)
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(field, new)| change(field, None, new, &row))
        .collect();
    (replayed, changes)
}

/// A further row, later than all before it.
pub fn proceed(state: &mut Replayed, row: Row) -> Vec<Change> {
    turn(&mut state.cycles, Some(state.last.status), &row);
    let changes = fields(&state.last)
        .into_iter()
        .zip(fields(&row))
        .filter(|((_, old), (_, new))| old != new)
        .map(|((field, old), (_, new))| change(field, old, new, &row))
        .collect();
    state.last = row;
    changes
}

fn change(field: &'static str, old: Option<String>, new: Option<String>, row: &Row) -> Change {
    Change { field, old, new, at: row.updated_at, by: row.updated_by.clone() }
}

fn fields(row: &Row) -> [(&'static str, Option<String>); 6] {
    [
        ("status", Some(row.status.to_string())),
        ("priority", Some(row.priority.as_str().to_owned())),
        ("category", row.category.clone()),
        ("queue", row.group.clone()),
        ("handler", row.assignee.clone()),
        ("reopen_count", Some(row.reopen_count.to_string())),
    ]
}

/// Moves the timer: waiting pauses it, resolution ends it, reopening starts the next cycle. The
/// log knows the instant of the final resolution (`resolved_at`) better than the update that
/// recorded it, and tells it on every row; it is used once the incident is resolved.
fn turn(cycles: &mut Vec<Cycle>, before: Option<Status>, row: &Row) {
    let done = |status: Status| !status.active();
    if before.is_some_and(done) && !done(row.status) {
        if let Some(cycle) = cycles.last_mut() {
            cycle.end = cycle.end.map(|end| end.min(row.updated_at));
        }
        cycles.push(Cycle { start: row.updated_at, end: None, pauses: vec![] });
    }
    let Some(cycle) = cycles.last_mut() else { return };
    let open = cycle.pauses.last_mut().filter(|pause| pause.to.is_none());
    match (open, row.status.pauses()) {
        (Some(pause), false) => pause.to = Some(row.updated_at),
        (None, true) => cycle.pauses.push(Pause { from: row.updated_at, to: None }),
        _ => {}
    }
    if done(row.status) {
        let known = row.resolved_at.filter(|at| *at >= cycle.start);
        cycle.end = known.or(cycle.end).or(Some(row.updated_at.max(cycle.start)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::servicenow::{RawRow, parse, tests::raw};

    fn row(state: &'static str, at: &'static str) -> Row {
        parse(&RawRow { incident_state: state, sys_updated_at: at, ..raw() }, chrono_tz::Tz::UTC)
            .unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn waiting_pauses_and_reopening_starts_a_cycle() {
        let (mut state, first) = begin(row("New", "29-02-2016 01:23"));
        assert!(first.iter().any(|c| c.field == "queue" && c.new.as_deref() == Some("Group 56")));
        proceed(&mut state, row("Awaiting User Info", "29-02-2016 02:00"));
        assert!(proceed(&mut state, row("Awaiting User Info", "29-02-2016 02:30")).is_empty());
        proceed(&mut state, row("Active", "29-02-2016 03:00"));
        let changes = proceed(&mut state, row("Resolved", "29-02-2016 04:00"));
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].old.as_deref(), Some("open"));
        proceed(&mut state, row("Active", "01-03-2016 04:00"));
        proceed(&mut state, row("Closed", "02-03-2016 04:00"));
        let pause =
            Pause { from: at("2016-02-29T02:00:00Z"), to: Some(at("2016-02-29T03:00:00Z")) };
        let cycles = [
            Cycle {
                start: at("2016-02-29T01:16:00Z"),
                end: Some(at("2016-02-29T04:00:00Z")),
                pauses: vec![pause],
            },
            Cycle {
                start: at("2016-03-01T04:00:00Z"),
                end: Some(at("2016-03-02T04:00:00Z")),
                pauses: vec![],
            },
        ];
        assert_eq!(state.cycles, cycles);
        assert_eq!(state.last.status, Status::Closed);
    }

    #[test]
    fn a_known_resolution_time_ends_the_timer() {
        let with = |state, updated| {
            let raw = RawRow {
                incident_state: state,
                sys_updated_at: updated,
                resolved_at: "29-02-2016 11:29",
                ..raw()
            };
            parse(&raw, chrono_tz::Tz::UTC).unwrap()
        };
        let (mut state, _) = begin(with("New", "29-02-2016 01:23"));
        assert_eq!(state.cycles[0].end, None);
        proceed(&mut state, with("Resolved", "29-02-2016 08:53"));
        proceed(&mut state, with("Closed", "05-03-2016 12:00"));
        assert_eq!(state.cycles[0].end, Some(at("2016-02-29T11:29:00Z")));
    }
}
