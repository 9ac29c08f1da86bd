//! A timer's course: its deadline, its warnings before and its escalation levels after it, all
//! computed anew from start, terms and pause ledger, so that nothing drifts.

use std::{collections::BTreeSet, fmt, str::FromStr};

use calendar::{Calendar, CalendarError, Due, Pause};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What a timer promises, pinned when it starts. Times are business time in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub target_us: i64,
    /// Per cent of the target.
    pub warn: Vec<u32>,
    pub levels: Vec<TermLevel>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermLevel {
    /// After the deadline.
    pub after_us: i64,
    pub target: String,
}

impl Terms {
    #[must_use]
    pub fn target(&self) -> TimeDelta {
        TimeDelta::microseconds(self.target_us)
    }

    /// Who is told at level 1, 2, ….
    #[must_use]
    pub fn target_of(&self, level: u32) -> Option<&str> {
        let index = usize::try_from(level).ok()?.checked_sub(1)?;
        self.levels.get(index).map(|level| level.target.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Running,
    Paused,
    Met,
    Breached,
    Cancelled,
}

impl State {
    const ALL: [Self; 5] =
        [Self::Running, Self::Paused, Self::Met, Self::Breached, Self::Cancelled];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Met => "met",
            Self::Breached => "breached",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FromStr for State {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == s).ok_or(())
    }
}

/// Something that happens once in a timer's life. Ordered as they come when they come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Per cent of the target have passed.
    Warn(u32),
    Breach,
    /// Level, from 1.
    Escalate(u32),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Warn(percent) => write!(f, "warn:{percent}"),
            Self::Breach => f.write_str("breach"),
            Self::Escalate(level) => write!(f, "escalate:{level}"),
        }
    }
}

/// A step and its instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    pub at: DateTime<Utc>,
    pub step: Step,
}

/// All steps in the order in which they come. Those that an open pause keeps away are left out.
///
/// # Errors
/// As [`calendar::due`].
pub fn plan(
    calendar: &Calendar,
    terms: &Terms,
    start: DateTime<Utc>,
    pauses: &[Pause],
) -> Result<Vec<Planned>, CalendarError> {
    let mut steps = Vec::with_capacity(terms.warn.len() + terms.levels.len() + 1);
    for percent in &terms.warn {
        let at = calendar::warning_at(calendar, start, terms.target(), *percent, pauses)?;
        steps.push((at, Step::Warn(*percent)));
    }
    steps.push((calendar::due(calendar, start, terms.target(), pauses)?, Step::Breach));
    for (level, number) in terms.levels.iter().zip(1..) {
        let after = terms.target() + TimeDelta::microseconds(level.after_us);
        steps.push((calendar::due(calendar, start, after, pauses)?, Step::Escalate(number)));
    }
    let mut planned: Vec<Planned> = steps
        .into_iter()
        .filter_map(|(due, step)| Due::instant(due).map(|at| Planned { at, step }))
        .collect();
    planned.sort_by_key(|planned| (planned.at, planned.step));
    Ok(planned)
}

/// Steps that are due by `now` and have not fired.
pub fn due_by<'a>(
    plan: &'a [Planned],
    fired: &'a BTreeSet<String>,
    now: DateTime<Utc>,
) -> impl Iterator<Item = Planned> + 'a {
    unfired(plan, fired).take_while(move |planned| planned.at <= now)
}

/// The first step that has not fired.
#[must_use]
pub fn next(plan: &[Planned], fired: &BTreeSet<String>) -> Option<Planned> {
    unfired(plan, fired).next()
}

fn unfired<'a>(
    plan: &'a [Planned],
    fired: &'a BTreeSet<String>,
) -> impl Iterator<Item = Planned> + 'a {
    plan.iter().copied().filter(|planned| !fired.contains(&planned.step.to_string()))
}

/// The deadline, unless an open pause keeps it away.
#[must_use]
pub fn deadline(plan: &[Planned]) -> Option<DateTime<Utc>> {
    plan.iter().find(|planned| planned.step == Step::Breach).map(|planned| planned.at)
}

/// Per cent after which a timer that promises no warning counts as about to break.
const LAST_WARNING: u32 = 90;

/// What a timer counts by: business time and terms.
#[derive(Debug, Clone, Copy)]
pub struct Course<'a> {
    pub calendar: &'a Calendar,
    pub terms: &'a Terms,
}

/// Whether other terms (`None`: no timer any more) would rescue a timer that is about to break:
/// its last warning has come, and its deadline would move away. A pause that is open counts as
/// ending now, for only then the deadlines can be compared.
///
/// # Errors
/// As [`calendar::due`].
pub fn rescues(
    new: Option<Course<'_>>,
    old: Course<'_>,
    start: DateTime<Utc>,
    pauses: &[Pause],
    now: DateTime<Utc>,
) -> Result<bool, CalendarError> {
    let ended: Vec<Pause> =
        pauses.iter().map(|p| Pause { from: p.from, to: p.to.or(Some(now)) }).collect();
    let percent = old.terms.warn.iter().copied().max().unwrap_or(LAST_WARNING);
    let last =
        calendar::warning_at(old.calendar, start, old.terms.target(), percent, &ended)?.instant();
    if last.is_none_or(|at| at > now) {
        return Ok(false);
    }
    let Some(new) = new else { return Ok(true) };
    let due = |c: Course<'_>| {
        calendar::due(c.calendar, start, c.terms.target(), &ended).map(Due::instant)
    };
    Ok(due(new)? > due(old)?)
}

/// Steps to pass over in silence when other terms are applied back to the start of a timer: all
/// that lie behind it if the new deadline has passed (it is recorded, nobody is told), otherwise
/// all warnings behind it but the latest.
#[must_use]
pub fn silent(plan: &[Planned], fired: &BTreeSet<String>, now: DateTime<Utc>) -> Vec<Planned> {
    let mut passed: Vec<Planned> = due_by(plan, fired, now).collect();
    let breached = passed.iter().any(|planned| planned.step == Step::Breach);
    if !breached {
        passed.pop();
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;
    use calendar::CalendarSpec;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn terms() -> Terms {
        let level = |minutes: i64, target: &str| TermLevel {
            after_us: minutes * 60_000_000,
            target: target.into(),
        };
        Terms {
            target_us: 120 * 60_000_000,
            warn: vec![50, 90],
            levels: vec![level(0, "supervisor"), level(60, "director")],
        }
    }

    fn steps(plan: &[Planned]) -> Vec<(String, String)> {
        plan.iter().map(|p| (p.step.to_string(), p.at.format("%d %H:%M").to_string())).collect()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn steps_follow_business_time_over_a_weekend() {
        let calendar = Calendar::new(CalendarSpec::weekdays("UTC", "09:00-17:00")).unwrap();
        let friday = at("2026-03-06T16:00:00Z");
        let plan = plan(&calendar, &terms(), friday, &[]).unwrap();
        let expected = [
            ("warn:50", "06 17:00"),
            ("warn:90", "09 09:48"),
            ("breach", "09 10:00"),
            ("escalate:1", "09 10:00"),
            ("escalate:2", "09 11:00"),
        ];
        assert_eq!(steps(&plan), pairs(&expected));
    }

    #[test]
    fn a_pause_over_a_closed_weekend_moves_nothing() {
        let calendar = Calendar::new(CalendarSpec::weekdays("UTC", "09:00-17:00")).unwrap();
        let friday = at("2026-03-06T16:00:00Z");
        let pause =
            Pause { from: at("2026-03-06T17:00:00Z"), to: Some(at("2026-03-09T09:00:00Z")) };
        assert_eq!(
            plan(&calendar, &terms(), friday, &[pause]).unwrap(),
            plan(&calendar, &terms(), friday, &[]).unwrap()
        );
    }

    #[test]
    fn an_open_pause_keeps_later_steps_away() {
        let calendar = Calendar::new(CalendarSpec::always()).unwrap();
        let start = at("2026-03-06T10:00:00Z");
        let pause = Pause { from: at("2026-03-06T11:30:00Z"), to: None };
        let plan = plan(&calendar, &terms(), start, &[pause]).unwrap();
        assert_eq!(steps(&plan), pairs(&[("warn:50", "06 11:00")]));
        assert_eq!(deadline(&plan), None);
    }

    #[test]
    fn what_has_fired_does_not_fire_again() {
        let calendar = Calendar::new(CalendarSpec::always()).unwrap();
        let start = at("2026-03-06T10:00:00Z");
        let plan = plan(&calendar, &terms(), start, &[]).unwrap();
        let fired = BTreeSet::from(["warn:50".to_owned()]);
        let due: Vec<Step> =
            due_by(&plan, &fired, at("2026-03-06T12:00:00Z")).map(|p| p.step).collect();
        assert_eq!(due, [Step::Warn(90), Step::Breach, Step::Escalate(1)]);
        assert_eq!(next(&plan, &fired).map(|p| p.step), Some(Step::Warn(90)));
    }

    #[test]
    fn a_new_policy_raises_no_storm() {
        let calendar = Calendar::new(CalendarSpec::always()).unwrap();
        let start = at("2026-03-06T10:00:00Z");
        let plan = plan(&calendar, &terms(), start, &[]).unwrap();
        let none = BTreeSet::new();
        let silent_at = |t| silent(&plan, &none, at(t)).len();
        assert_eq!(silent_at("2026-03-06T10:30:00Z"), 0);
        assert_eq!(silent_at("2026-03-06T11:50:00Z"), 1, "the latest warning still speaks");
        assert_eq!(silent_at("2026-03-06T12:10:00Z"), 4, "a breach is recorded only");
    }

    fn course<'a>(calendar: &'a Calendar, terms: &'a Terms) -> Course<'a> {
        Course { calendar, terms }
    }

    #[test]
    fn what_is_about_to_break_is_not_rescued() {
        let calendar = Calendar::new(CalendarSpec::always()).unwrap();
        let start = at("2026-03-06T10:00:00Z");
        let of = |minutes: i64| Terms { target_us: minutes * 60_000_000, ..terms() };
        let (old, slow, fast) = (of(100), of(1_000), of(95));
        let rescued = |new: Option<&Terms>, pauses: &[Pause], now| {
            rescues(
                new.map(|terms| course(&calendar, terms)),
                course(&calendar, &old),
                start,
                pauses,
                at(now),
            )
            .unwrap()
        };
        let (before, after) = ("2026-03-06T11:29:59Z", "2026-03-06T11:30:00Z");
        assert!(!rescued(Some(&slow), &[], before) && !rescued(None, &[], before));
        assert!(rescued(Some(&slow), &[], after) && rescued(None, &[], after));
        assert!(!rescued(Some(&fast), &[], after), "sooner is no rescue");
        assert!(!rescued(Some(&old), &[], after));
        // A pause keeps the last warning away, or holds a timer just behind it.
        let pause = |from| [Pause { from: at(from), to: None }];
        assert!(!rescued(Some(&slow), &pause("2026-03-06T11:29:00Z"), "2026-03-06T18:00:00Z"));
        assert!(rescued(Some(&slow), &pause("2026-03-06T11:31:00Z"), "2026-03-06T18:00:00Z"));
        // Without warnings it is nine tenths.
        let bare = Terms { warn: vec![], ..of(100) };
        let bare_rescued = |now| {
            rescues(Some(course(&calendar, &slow)), course(&calendar, &bare), start, &[], at(now))
                .unwrap()
        };
        assert!(!bare_rescued(before) && bare_rescued(after));
    }

    proptest::proptest! {
        /// The deadline is where a walk over the gaps between pauses has used the target up; steps
        /// come in order, and firing them one by one fires each once.
        #[test]
        fn pauses_move_every_step_by_their_length(
            target in 1_i64..10_000,
            ledger in proptest::collection::vec((1_i64..2_000, 1_i64..2_000), 0..6),
        ) {
            let seconds = TimeDelta::seconds;
            let calendar = Calendar::new(CalendarSpec::always()).unwrap();
            let start = at("2026-03-06T10:00:00Z");
            let (mut pauses, mut clock, mut left, mut due) = (vec![], start, target, None);
            for (gap, length) in ledger {
                let from = clock + seconds(gap);
                pauses.push(Pause { from, to: Some(from + seconds(length)) });
                if due.is_none() && left <= gap {
                    due = Some(clock + seconds(left));
                }
                left -= gap;
                clock = from + seconds(length);
            }
            let due = due.unwrap_or(clock + seconds(left));
            let terms = Terms { target_us: target * 1_000_000, ..terms() };
            let plan = plan(&calendar, &terms, start, &pauses).unwrap();
            proptest::prop_assert_eq!(deadline(&plan), Some(due));
            let order: Vec<Step> = plan.iter().map(|p| p.step).collect();
            let expected = [Step::Warn(50), Step::Warn(90), Step::Breach, Step::Escalate(1), Step::Escalate(2)];
            proptest::prop_assert_eq!(order, expected);
            let mut fired = BTreeSet::new();
            while let Some(step) = next(&plan, &fired) {
                proptest::prop_assert!(fired.insert(step.step.to_string()));
            }
            proptest::prop_assert_eq!(fired.len(), plan.len());
        }
    }
}
