//! Properties against a model that knows nothing of the crate's inside: it asks `chrono` for the
//! wall clock of every single minute and looks that up in the specification.

use std::collections::BTreeMap;

use calendar::{
    Calendar, CalendarSpec, Due, Holiday, MakeupWorkday, PartialDay, Pause, Weekday, due, elapsed,
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

/// Whether a shift in minutes, as written, is on at a minute of its own day or of the next.
fn on(text: &str, minute: u32, next_day: bool) -> bool {
    let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().expect("two digits");
    let start = number(0..2) * 60 + number(3..5);
    let end = number(6..8) * 60 + number(9..11);
    match (start < end, next_day) {
        (true, false) => start <= minute && minute < end,
        (true, true) => false,
        (false, false) => start <= minute,
        (false, true) => minute < end,
    }
}

/// The intervals that begin on a date, and whether the evening before may run into it.
fn rule(spec: &CalendarSpec, date: NaiveDate) -> (&[String], bool) {
    let of_week = |day: Weekday| spec.week.get(&day).map_or(&[][..], |list| &list[..]);
    if let Some(partial) = spec.partial_days.iter().find(|day| day.date == date) {
        return (&partial.intervals, false);
    }
    if let Some(makeup) = spec.makeup_workdays.iter().find(|day| day.date == date) {
        return (of_week(makeup.like), true);
    }
    if spec.holidays.iter().any(|day| day.date == date) {
        return (&[], false);
    }
    (of_week(Weekday::of(date)), true)
}

fn model_open(spec: &CalendarSpec, at: DateTime<Utc>) -> bool {
    let zone: Tz = spec.zone.parse().expect("a zone");
    let local = at.with_timezone(&zone);
    let minute = local.hour() * 60 + local.minute();
    let (today, admits) = rule(spec, local.date_naive());
    let (yesterday, _) = rule(spec, local.date_naive() - Days::new(1));
    today.iter().any(|text| on(text, minute, false))
        || admits && yesterday.iter().any(|text| on(text, minute, true))
}

fn paused(pauses: &[Pause], at: DateTime<Utc>) -> bool {
    pauses.iter().any(|pause| pause.from <= at && pause.to.is_none_or(|to| at < to))
}

/// Around a change of clocks of each zone, so that most cases cross one.
const PLACES: [(&str, &str); 7] = [
    ("Asia/Shanghai", "2026-09-28T00:00:00Z"),
    ("Asia/Shanghai", "1987-04-09T00:00:00Z"),
    ("Europe/Berlin", "2026-03-25T00:00:00Z"),
    ("Europe/Berlin", "2026-10-21T00:00:00Z"),
    ("America/New_York", "2026-10-29T00:00:00Z"),
    ("America/St_Johns", "2007-10-30T00:00:00Z"),
    ("Pacific/Apia", "2011-12-26T00:00:00Z"),
];

/// The first date of the exceptions and the stretch of minutes that cases lie in.
const DAYS: u64 = 12;
const MINUTES: i64 = 9 * 24 * 60;

fn interval() -> impl Strategy<Value = String> {
    (0u32..96, 1u32..=96).prop_filter_map("empty", |(start, end)| {
        let text = |quarter: u32| format!("{:02}:{:02}", quarter / 4, quarter % 4 * 15);
        (start != end).then(|| format!("{}-{}", text(start), text(end)))
    })
}

fn intervals(from: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(interval(), from..4)
}

#[derive(Debug, Clone)]
struct Case {
    spec: CalendarSpec,
    origin: DateTime<Utc>,
}

/// What befalls a date: nothing, or any mix of holiday, make-up workday and partial day.
fn case() -> impl Strategy<Value = Case> {
    let week = prop::collection::vec(intervals(0), 7);
    let exceptions = prop::collection::btree_map(
        0..DAYS,
        (any::<bool>(), prop::option::of(0usize..7), prop::option::of(intervals(1))),
        0..5,
    );
    (prop::sample::select(PLACES.to_vec()), week, exceptions).prop_filter_map(
        "never open",
        |((zone, origin), week, exceptions)| {
            let origin: DateTime<Utc> = origin.parse().expect("an instant");
            let mut spec = CalendarSpec {
                zone: zone.to_owned(),
                week: Weekday::ALL.into_iter().zip(week).collect::<BTreeMap<_, _>>(),
                holidays: vec![],
                partial_days: vec![],
                makeup_workdays: vec![],
            };
            if spec.week.values().all(Vec::is_empty) {
                return None;
            }
            for (day, (holiday, like, partial)) in exceptions {
                let date = origin.date_naive() + Days::new(day);
                let name = String::new();
                if holiday {
                    spec.holidays.push(Holiday { date, name: name.clone() });
                }
                if let Some(like) = like.map(|index| Weekday::ALL[index])
                    && !spec.week[&like].is_empty()
                {
                    spec.makeup_workdays.push(MakeupWorkday { date, like, name: name.clone() });
                }
                if let Some(intervals) = partial {
                    spec.partial_days.push(PartialDay { date, intervals, name });
                }
            }
            Some(Case { spec, origin })
        },
    )
}

fn pauses() -> impl Strategy<Value = Vec<(i64, Option<i64>)>> {
    prop::collection::vec((-600..MINUTES, prop::option::weighted(0.8, -600..MINUTES)), 0..4)
}

fn place(origin: DateTime<Utc>, pauses: &[(i64, Option<i64>)]) -> Vec<Pause> {
    let at = |minute: i64| origin + TimeDelta::minutes(minute);
    pauses.iter().map(|&(from, to)| Pause { from: at(from), to: to.map(at) }).collect()
}

/// Any instant of the stretch, to the microsecond.
fn micros() -> impl Strategy<Value = TimeDelta> {
    (0..MINUTES * 60_000_000).prop_map(TimeDelta::microseconds)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..Default::default() })]

    #[test]
    fn open_exactly_when_the_wall_clock_says_so(case in case(), start in micros()) {
        let calendar = Calendar::new(case.spec.clone()).unwrap();
        // Steps that fall on every quarter and beside it.
        for step in 0..400 {
            let at = case.origin + start + TimeDelta::minutes(step * 7);
            prop_assert_eq!(calendar.is_open(at), model_open(&case.spec, at), "{}", at);
        }
    }

    #[test]
    fn between_equals_the_open_minutes(case in case(), from in 0..MINUTES, length in 0..MINUTES) {
        let calendar = Calendar::new(case.spec.clone()).unwrap();
        let from = case.origin + TimeDelta::minutes(from);
        let minute = |n: &i64| from + TimeDelta::minutes(*n);
        let open = (0..length).filter(|n| model_open(&case.spec, minute(n))).count();
        let between = calendar.business_time_between(from, minute(&length));
        prop_assert_eq!(between, TimeDelta::minutes(open as i64));
    }

    #[test]
    fn between_is_additive_and_monotone(case in case(), mut t in prop::array::uniform3(micros())) {
        t.sort();
        let calendar = Calendar::new(case.spec).unwrap();
        let [a, b, c] = t.map(|offset| case.origin + offset);
        let between = |x, y| calendar.business_time_between(x, y);
        prop_assert_eq!(between(a, b) + between(b, c), between(a, c));
        prop_assert!(between(a, b) <= between(a, c));
        prop_assert!(between(a, c) <= c - a);
        prop_assert!(between(a, c) >= TimeDelta::zero());
    }

    #[test]
    fn add_reaches_the_amount_and_not_before(
        case in case(), from in micros(), business in 1i64..200 * 3_600_000_000,
    ) {
        let calendar = Calendar::new(case.spec).unwrap();
        let from = case.origin + from;
        let business = TimeDelta::microseconds(business);
        let reached = calendar.add(from, business).unwrap();
        prop_assert_eq!(calendar.business_time_between(from, reached), business);
        let before = reached - TimeDelta::microseconds(1);
        prop_assert!(calendar.business_time_between(from, before) < business);
        prop_assert!(calendar.is_open(before), "reached {} while closed", reached);
    }

    #[test]
    fn add_is_monotone_and_composes(
        case in case(), from in micros(), a in micros(), b in micros(),
    ) {
        let calendar = Calendar::new(case.spec).unwrap();
        let from = case.origin + from;
        let (one, both) = (calendar.add(from, a).unwrap(), calendar.add(from, a + b).unwrap());
        prop_assert!(one <= both);
        prop_assert_eq!(calendar.add(one, b).unwrap(), both);
        prop_assert!(calendar.add(from + a, b).unwrap() >= calendar.add(from, b).unwrap());
    }

    #[test]
    fn due_equals_counting_minutes(
        case in case(), ledger in pauses(), start in 0..MINUTES, target in 1i64..3_000,
    ) {
        let calendar = Calendar::new(case.spec.clone()).unwrap();
        let pauses = place(case.origin, &ledger);
        let start = case.origin + TimeDelta::minutes(start);
        let mut at = start;
        let mut counted = 0;
        let last = start + TimeDelta::days(30);
        while counted < target && at < last {
            if model_open(&case.spec, at) && !paused(&pauses, at) {
                counted += 1;
            }
            at += TimeDelta::minutes(1);
        }
        let open_pause = pauses.iter().any(|pause| pause.to.is_none());
        match due(&calendar, start, TimeDelta::minutes(target), &pauses).unwrap() {
            Due::At(due) if counted == target => prop_assert_eq!(due, at),
            Due::At(due) => prop_assert!(due > last && !open_pause),
            Due::Paused { remaining } => {
                prop_assert!(open_pause && counted < target);
                prop_assert_eq!(remaining, TimeDelta::minutes(target - counted));
            }
        }
    }

    #[test]
    fn elapsed_equals_counting_minutes(
        case in case(), ledger in pauses(), start in 0..MINUTES, length in 0..MINUTES,
    ) {
        let calendar = Calendar::new(case.spec.clone()).unwrap();
        let pauses = place(case.origin, &ledger);
        let start = case.origin + TimeDelta::minutes(start);
        let minute = |n: i64| start + TimeDelta::minutes(n);
        let running = |at| model_open(&case.spec, at) && !paused(&pauses, at);
        let counted = (0..length).filter(|&n| running(minute(n))).count();
        let elapsed = elapsed(&calendar, start, minute(length), &pauses);
        prop_assert_eq!(elapsed, TimeDelta::minutes(counted as i64));
    }

    #[test]
    fn due_and_elapsed_agree_to_the_microsecond(
        case in case(), ledger in pauses(), start in micros(), target in micros(),
    ) {
        prop_assume!(target > TimeDelta::zero());
        let calendar = Calendar::new(case.spec).unwrap();
        let pauses = place(case.origin, &ledger);
        let start = case.origin + start;
        if let Due::At(at) = due(&calendar, start, target, &pauses).unwrap() {
            prop_assert_eq!(elapsed(&calendar, start, at, &pauses), target);
            let before = at - TimeDelta::microseconds(1);
            prop_assert!(elapsed(&calendar, start, before, &pauses) < target);
        }
    }
}
