//! Answers worked out by hand. March 2026: the 2nd is a Monday.

use calendar::{Calendar, CalendarError, CalendarSpec};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{at, calendar, h, m, office};

/// Hours in Shanghai, all +08:00.
fn sh(day_and_time: &str) -> DateTime<Utc> {
    at(&format!("2026-{day_and_time}:00+08:00"))
}

const LUNCH: &str = r#"{
    "zone": "Asia/Shanghai",
    "week": {
        "mon": ["09:00-12:00", "13:30-18:00"], "tue": ["09:00-12:00", "13:30-18:00"],
        "wed": ["09:00-12:00", "13:30-18:00"], "thu": ["09:00-12:00", "13:30-18:00"],
        "fri": ["09:00-12:00", "13:30-18:00"]
    },
    "holidays": [{"date": "2026-10-01", "name": "国庆节"}, {"date": "2026-10-02"}],
    "makeup_workdays": [{"date": "2026-10-10", "like": "mon", "name": "调休"}],
    "partial_days": [{"date": "2026-02-16", "intervals": ["09:00-12:00"], "name": "除夕"}]
}"#;

#[test]
fn lunch_break_is_not_business_time() {
    let c = calendar(LUNCH);
    assert_eq!(c.business_time_between(sh("03-02T11:00"), sh("03-02T14:00")), m(90));
    assert_eq!(c.add(sh("03-02T11:00"), m(90)), Ok(sh("03-02T14:00")));
    assert_eq!(c.business_time_between(sh("03-02T00:00"), sh("03-09T00:00")), m(5 * 450));
}

#[test]
fn intervals_are_half_open() {
    let c = calendar(LUNCH);
    let tick = TimeDelta::microseconds(1);
    assert!(c.is_open(sh("03-02T09:00")));
    assert!(!c.is_open(sh("03-02T09:00") - tick));
    assert!(!c.is_open(sh("03-02T12:00")));
    assert!(c.is_open(sh("03-02T12:00") - tick));
    assert!(!c.is_open(sh("03-07T10:00")), "saturday");
}

#[test]
fn an_amount_that_ends_at_closing_ends_there() {
    let c = calendar(LUNCH);
    assert_eq!(c.add(sh("03-02T09:00"), h(3)), Ok(sh("03-02T12:00")));
    assert_eq!(c.add(sh("03-06T17:00"), h(1)), Ok(sh("03-06T18:00")));
    let tick = TimeDelta::microseconds(1);
    assert_eq!(c.add(sh("03-06T17:00"), h(1) + tick), Ok(sh("03-09T09:00") + tick));
}

#[test]
fn nothing_to_add_is_the_start_even_when_closed() {
    let c = calendar(LUNCH);
    assert_eq!(c.add(sh("03-07T03:00"), h(0)), Ok(sh("03-07T03:00")));
    assert_eq!(c.add(sh("03-07T03:00"), h(-5)), Ok(sh("03-07T03:00")));
}

#[test]
fn backwards_is_zero() {
    let c = office("Asia/Shanghai");
    assert_eq!(c.business_time_between(sh("03-03T10:00"), sh("03-02T10:00")), h(0));
    assert_eq!(c.business_time_between(sh("03-03T10:00"), sh("03-03T10:00")), h(0));
}

#[test]
fn microseconds_are_kept() {
    let c = calendar(LUNCH);
    let from = at("2026-03-02T11:59:59.999999+08:00");
    let to = at("2026-03-02T13:30:00.000002+08:00");
    assert_eq!(c.business_time_between(from, to), TimeDelta::microseconds(3));
    assert_eq!(c.add(from, TimeDelta::microseconds(3)), Ok(to));
}

#[test]
fn whole_day_to_24_00_loses_no_minute() {
    let c = calendar(
        r#"{"zone": "Asia/Shanghai", "week": {"mon": ["00:00-24:00"], "tue": ["00:00-24:00"]}}"#,
    );
    assert_eq!(c.business_time_between(sh("03-02T00:00"), sh("03-09T00:00")), h(48));
    assert!(c.is_open(at("2026-03-02T23:59:59.999999+08:00")));
    assert_eq!(c.add(sh("03-02T23:59"), m(2)), Ok(sh("03-03T00:01")));
}

#[test]
fn always_open_equals_wall_clock() {
    let c = Calendar::new(CalendarSpec::always()).unwrap();
    let from = at("2026-03-02T23:59:58.5Z");
    let to = at("2027-11-05T01:02:03.25Z");
    assert_eq!(c.business_time_between(from, to), to - from);
    assert_eq!(c.add(from, to - from), Ok(to));
}

#[test]
fn overlapping_intervals_count_once() {
    let c = calendar(
        r#"{"zone": "UTC", "week": {"mon": ["10:00-14:00", "09:00-12:00", "11:00-11:30", "14:00-15:00"]}}"#,
    );
    assert_eq!(
        c.business_time_between(at("2026-03-02T00:00:00Z"), at("2026-03-03T00:00:00Z")),
        h(6)
    );
}

const NIGHT: &str = r#"{
    "zone": "Asia/Shanghai",
    "week": {
        "mon": ["22:00-06:00"], "tue": ["22:00-06:00"], "wed": ["22:00-06:00"],
        "thu": ["22:00-06:00"], "fri": ["22:00-06:00"]
    },
    "holidays": [{"date": "2026-03-04"}]
}"#;

#[test]
fn night_shift_runs_into_the_next_day() {
    let c = calendar(NIGHT);
    assert!(c.is_open(sh("03-07T05:59")), "friday's shift on saturday morning");
    assert!(!c.is_open(sh("03-07T06:00")));
    assert!(!c.is_open(sh("03-02T05:00")), "no shift began on sunday");
    assert_eq!(c.add(sh("03-06T23:00"), h(6)), Ok(sh("03-07T05:00")));
    assert_eq!(c.business_time_between(sh("03-09T00:00"), sh("03-16T00:00")), h(40));
}

#[test]
fn sunday_night_shift_runs_into_monday() {
    let c = calendar(r#"{"zone": "UTC", "week": {"sun": ["23:00-01:00"]}}"#);
    assert!(c.is_open(at("2026-03-09T00:30:00Z")));
    assert_eq!(
        c.business_time_between(at("2026-03-08T00:00:00Z"), at("2026-03-15T00:00:00Z")),
        h(2)
    );
}

#[test]
fn holiday_takes_its_night_shift_and_cuts_the_one_before() {
    let c = calendar(NIGHT);
    assert!(c.is_open(sh("03-03T23:30")));
    assert!(!c.is_open(sh("03-04T01:00")), "the holiday is closed from 00:00");
    assert!(!c.is_open(sh("03-04T23:00")));
    assert!(!c.is_open(sh("03-05T01:00")), "the part after midnight goes with its shift");
    assert!(c.is_open(sh("03-05T22:00")));
}

#[test]
fn partial_night_shift_goes_on_into_an_ordinary_day() {
    let c = calendar(
        r#"{"zone": "UTC", "week": {"fri": ["10:00-11:00"]},
            "partial_days": [{"date": "2026-03-05", "intervals": ["22:00-02:00"]}]}"#,
    );
    assert_eq!(
        c.business_time_between(at("2026-03-05T00:00:00Z"), at("2026-03-06T00:00:00Z")),
        h(2)
    );
    assert_eq!(
        c.business_time_between(at("2026-03-06T00:00:00Z"), at("2026-03-07T00:00:00Z")),
        h(3)
    );
}

#[test]
fn holidays_and_makeup_workdays() {
    let c = calendar(LUNCH);
    // Wed 30 Sep 17:00; Thu and Fri off, weekend, Monday 5 Oct.
    assert_eq!(c.add(sh("09-30T17:00"), h(2)), Ok(sh("10-05T10:00")));
    assert!(c.is_open(sh("10-10T10:00")), "make-up saturday");
    assert!(!c.is_open(sh("10-10T12:30")), "with monday's lunch break");
    assert_eq!(c.add(sh("10-09T17:00"), h(2)), Ok(sh("10-10T10:00")));
    assert_eq!(c.business_time_between(sh("02-16T00:00"), sh("02-17T00:00")), h(3));
}

#[test]
fn stronger_exceptions_win() {
    let c = calendar(
        r#"{"zone": "UTC", "week": {"mon": ["09:00-17:00"]},
            "holidays": [{"date": "2026-03-02"}, {"date": "2026-03-03"}, {"date": "2026-03-04"}],
            "makeup_workdays": [{"date": "2026-03-03", "like": "mon"}, {"date": "2026-03-04", "like": "mon"}],
            "partial_days": [{"date": "2026-03-04", "intervals": ["10:00-11:00"]}]}"#,
    );
    let day = |d: u32| at(&format!("2026-03-{d:02}T00:00:00Z"));
    let open: Vec<_> = (2..=5).map(|d| c.business_time_between(day(d), day(d + 1))).collect();
    assert_eq!(open, [h(0), h(8), h(1), h(0)]);
}

#[test]
fn an_exception_years_away_is_found_among_plain_weeks() {
    let c = calendar(
        r#"{"zone": "Asia/Shanghai", "week": {"mon": ["09:00-10:00"]},
            "holidays": [{"date": "2030-06-03"}]}"#,
    );
    // Mondays from 2 March 2026 to 27 December 2032: 357, one of them off.
    let total = c.business_time_between(sh("03-01T00:00"), at("2033-01-01T00:00:00+08:00"));
    assert_eq!(total, h(356));
    assert_eq!(c.add(sh("03-01T00:00"), h(356)), Ok(at("2032-12-27T10:00:00+08:00")));
}

#[test]
fn next_open() {
    let c = calendar(LUNCH);
    assert_eq!(c.next_open(sh("03-02T10:15")), Ok(sh("03-02T10:15")));
    assert_eq!(c.next_open(sh("03-02T12:00")), Ok(sh("03-02T13:30")));
    assert_eq!(c.next_open(sh("03-06T18:00")), Ok(sh("03-09T09:00")));
}

#[test]
fn business_days_end_at_closing_time() {
    let c = calendar(LUNCH);
    assert_eq!(c.add_business_days(sh("03-02T08:00"), 3), Ok(sh("03-05T18:00")));
    assert_eq!(c.add_business_days(sh("03-02T23:00"), 3), Ok(sh("03-05T18:00")));
    assert_eq!(c.add_business_days(sh("03-06T10:00"), 1), Ok(sh("03-09T18:00")));
    assert_eq!(c.add_business_days(sh("03-07T10:00"), 1), Ok(sh("03-09T18:00")));
    assert_eq!(c.add_business_days(sh("03-07T10:00"), 0), Ok(sh("03-07T10:00")));
    // Thu 1 and Fri 2 October off; Saturday the 10th is worked.
    assert_eq!(c.add_business_days(sh("09-30T10:00"), 6), Ok(sh("10-10T18:00")));
    assert_eq!(c.add_business_days(sh("02-15T10:00"), 1), Ok(sh("02-16T12:00")), "half day");
}

#[test]
fn business_day_of_a_night_shift_closes_next_morning() {
    let c = calendar(NIGHT);
    assert_eq!(c.add_business_days(sh("03-05T12:00"), 1), Ok(sh("03-07T06:00")));
    assert_eq!(c.add_business_days(sh("03-06T12:00"), 1), Ok(sh("03-10T06:00")));
    assert_eq!(c.add_business_days(sh("03-02T12:00"), 1), Ok(sh("03-04T00:00")), "cut by holiday");
    let always = Calendar::new(CalendarSpec::always()).unwrap();
    let from = at("2026-03-02T12:00:00Z");
    assert_eq!(always.add_business_days(from, 1), Ok(at("2026-03-04T00:00:00Z")));
}

#[test]
fn what_cannot_be_reached_is_an_error() {
    let c = calendar(
        r#"{"zone": "UTC", "partial_days": [{"date": "2026-03-05", "intervals": ["10:00-12:00"]}]}"#,
    );
    let from = at("2026-03-01T00:00:00Z");
    assert_eq!(c.add(from, h(2)), Ok(at("2026-03-05T12:00:00Z")));
    assert_eq!(c.add(from, h(3)), Err(CalendarError::Unreachable { from }));
    assert_eq!(c.add_business_days(from, 2), Err(CalendarError::Unreachable { from }));
    let late = at("2026-03-05T12:00:00Z");
    assert_eq!(c.next_open(late), Err(CalendarError::Unreachable { from: late }));
    let always = Calendar::new(CalendarSpec::always()).unwrap();
    assert!(always.add(from, TimeDelta::days(20 * 365)).is_ok());
    assert!(always.add(from, TimeDelta::days(21 * 366)).is_err());
    assert!(always.add(from, TimeDelta::MAX).is_err());
    assert!(always.add_business_days(from, u32::MAX).is_err());
}

#[test]
fn extreme_instants_do_not_panic() {
    let c = office("Asia/Shanghai");
    let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    for extreme in [first, last] {
        assert!(!c.is_open(extreme));
        assert_eq!(c.add(extreme, h(1)), Err(CalendarError::OutOfRange { at: extreme }));
        assert_eq!(c.next_open(extreme), Err(CalendarError::OutOfRange { at: extreme }));
        assert!(c.add_business_days(extreme, 1).is_err());
    }
    let total = c.business_time_between(first, last);
    // 9999 years of about 52.18 weeks of 45 hours.
    assert!((h(23_470_000)..h(23_490_000)).contains(&total), "{total}");
    assert!(c.add(at("9999-12-31T23:00:00Z"), h(1)).is_ok());
}
