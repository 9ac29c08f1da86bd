//! Deadlines of a timer that can be paused.
//!
//! A timer keeps its start, its target in business time and a ledger of pauses. Its deadline and
//! its warnings are always computed anew from these three, so that a changed calendar or target
//! applies back to the start, earlier pauses included. A pause takes away only the business time
//! that passes during it: a pause over a closed weekend moves nothing.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::compiled::Calendar;
use crate::error::CalendarError;

/// A stretch `[from, to)` in which a timer stands still; still open without `to`.
///
/// A ledger may be unsorted and its pauses may overlap: time paused twice counts once. A pause
/// that does not end after it begins has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub from: DateTime<Utc>,
    pub to: Option<DateTime<Utc>>,
}

/// When a timer reaches an amount of business time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Reached at this instant, past or future.
    At(DateTime<Utc>),
    /// Not reached before the open pause began; `remaining` business time is left after it.
    Paused { remaining: TimeDelta },
}

impl Due {
    /// The instant, unless paused.
    pub fn instant(self) -> Option<DateTime<Utc>> {
        match self {
            Self::At(at) => Some(at),
            Self::Paused { .. } => None,
        }
    }
}

/// Business time in `[start, until)` outside the pauses. Zero if `until` is not after `start`.
pub fn elapsed(
    calendar: &Calendar,
    start: DateTime<Utc>,
    until: DateTime<Utc>,
    pauses: &[Pause],
) -> TimeDelta {
    running(start, pauses)
        .into_iter()
        .map(|(from, to)| {
            calendar.business_time_between(from, to.map_or(until, |to| to.min(until)))
        })
        .sum()
}

/// The earliest instant at which business time since `start`, pauses excluded, reaches `target`.
/// For a target of zero or less: `start`.
///
/// # Errors
/// As [`Calendar::add`].
pub fn due(
    calendar: &Calendar,
    start: DateTime<Utc>,
    target: TimeDelta,
    pauses: &[Pause],
) -> Result<Due, CalendarError> {
    if target <= TimeDelta::zero() {
        return Ok(Due::At(start));
    }
    let mut remaining = target;
    for (from, to) in running(start, pauses) {
        let Some(to) = to else {
            return calendar.add(from, remaining).map(Due::At);
        };
        let available = calendar.business_time_between(from, to);
        if available >= remaining {
            return calendar.add(from, remaining).map(Due::At);
        }
        remaining -= available;
    }
    Ok(Due::Paused { remaining })
}

/// The earliest instant at which business time since `start`, pauses excluded, reaches `percent`
/// of `target`. Counted in business time: half of an 8-hour target that starts on Friday afternoon
/// is 4 open hours later, not halfway to the deadline on the wall clock. A share that is not a
/// whole number of microseconds is rounded up to one, the precision of the stores, so that at the
/// instant returned the share is always reached.
///
/// # Errors
/// As [`Calendar::add`].
pub fn warning_at(
    calendar: &Calendar,
    start: DateTime<Utc>,
    target: TimeDelta,
    percent: u32,
    pauses: &[Pause],
) -> Result<Due, CalendarError> {
    let share = share(target, percent).ok_or(CalendarError::Unreachable { from: start })?;
    due(calendar, start, share, pauses)
}

/// The instant `offset` of business time after a deadline: when an escalation level is reached.
/// Zero or less: the deadline itself. For a timer that can be paused after its deadline, ask
/// [`due`] with the target plus the offset.
///
/// # Errors
/// As [`Calendar::add`].
pub fn offset_after(
    calendar: &Calendar,
    due: DateTime<Utc>,
    offset: TimeDelta,
) -> Result<DateTime<Utc>, CalendarError> {
    calendar.add(due, offset)
}

/// The stretches since `start` that are not paused, in order; the last has no end unless a pause
/// is open.
fn running(start: DateTime<Utc>, pauses: &[Pause]) -> Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> {
    let mut pauses: Vec<Pause> = pauses.to_vec();
    pauses.sort_by_key(|pause| pause.from);
    let mut stretches = Vec::with_capacity(pauses.len() + 1);
    let mut from = start;
    for pause in pauses {
        if pause.to.is_some_and(|to| to <= from || to <= pause.from) {
            continue;
        }
        if from < pause.from {
            stretches.push((from, Some(pause.from)));
        }
        match pause.to {
            Some(to) => from = to,
            None => return stretches,
        }
    }
    stretches.push((from, None));
    stretches
}

/// `percent` of `target` in whole microseconds, rounded up; `None` if too long for a `TimeDelta`.
fn share(target: TimeDelta, percent: u32) -> Option<TimeDelta> {
    let nanos =
        i128::from(target.num_seconds()) * 1_000_000_000 + i128::from(target.subsec_nanos());
    let scaled = nanos * i128::from(percent);
    let micros = scaled.div_euclid(100_000) + i128::from(scaled.rem_euclid(100_000) > 0);
    i64::try_from(micros).ok().map(TimeDelta::microseconds)
}
