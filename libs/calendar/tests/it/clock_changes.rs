//! Clock changes. Berlin 2026: 29 March 02:00→03:00, 25 October 03:00→02:00. New York 2026:
//! 8 March 02:00→03:00, 1 November 02:00→01:00.

use chrono::TimeDelta;

use crate::{at, calendar, h, m, office};

#[test]
fn a_day_of_23_hours_and_a_day_of_25() {
    for (zone, short, long) in [
        ("Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-10-25T00:00:00+02:00"),
        ("America/New_York", "2026-03-08T00:00:00-05:00", "2026-11-01T00:00:00-04:00"),
    ] {
        let c = calendar(&format!(r#"{{"zone": "{zone}", "week": {{"sun": ["00:00-24:00"]}}}}"#));
        let day = |from| c.business_time_between(at(from), at(from) + TimeDelta::days(2));
        assert_eq!(day(short), h(23), "{zone}");
        assert_eq!(day(long), h(25), "{zone}");
        assert_eq!(c.add(at(short), h(23)), Ok(at(short) + h(23)));
        assert_eq!(c.add(at(long), h(25)), Ok(at(long) + h(25)));
    }
}

#[test]
fn office_hours_keep_to_the_wall_clock() {
    let c = office("Europe/Berlin");
    // Friday 17:00 in winter time, Monday 10:00 in summer time.
    let friday = at("2026-03-27T17:00:00+01:00");
    assert_eq!(c.add(friday, h(2)), Ok(at("2026-03-30T10:00:00+02:00")));
    let c = office("America/New_York");
    let friday = at("2026-10-30T17:00:00-04:00");
    assert_eq!(c.add(friday, h(2)), Ok(at("2026-11-02T10:00:00-05:00")));
}

#[test]
fn a_start_in_the_gap_is_the_first_instant_after_it() {
    let c = calendar(r#"{"zone": "Europe/Berlin", "week": {"sun": ["02:30-05:00"]}}"#);
    let gap = at("2026-03-29T03:00:00+02:00");
    assert_eq!(c.next_open(at("2026-03-28T12:00:00Z")), Ok(gap));
    assert!(!c.is_open(gap - TimeDelta::microseconds(1)));
    assert_eq!(c.business_time_between(gap - h(3), gap + h(12)), h(2));
}

#[test]
fn an_interval_inside_the_gap_holds_nothing() {
    let c = calendar(r#"{"zone": "Europe/Berlin", "week": {"sun": ["02:10-02:50"]}}"#);
    let (from, to) = (at("2026-03-29T00:00:00+01:00"), at("2026-03-30T00:00:00+02:00"));
    assert_eq!(c.business_time_between(from, to), h(0));
    assert_eq!(c.next_open(from), Ok(at("2026-04-05T02:10:00+02:00")));
    // Nor is it a business day.
    assert_eq!(c.add_business_days(from - h(24), 1), Ok(at("2026-04-05T02:50:00+02:00")));
}

#[test]
fn an_hour_shown_twice_counts_twice() {
    let c = calendar(r#"{"zone": "Europe/Berlin", "week": {"sun": ["01:00-04:00"]}}"#);
    let from = at("2026-10-25T01:00:00+02:00");
    assert_eq!(c.business_time_between(from, from + h(12)), h(4));
    assert_eq!(c.add(from, h(3)), Ok(at("2026-10-25T03:00:00+01:00")));
}

#[test]
fn an_interval_inside_the_repeated_hour_opens_in_both_passes() {
    let c = calendar(r#"{"zone": "America/New_York", "week": {"sun": ["01:15-01:45"]}}"#);
    let first = at("2026-11-01T01:15:00-04:00");
    let second = at("2026-11-01T01:15:00-05:00");
    assert_eq!(c.business_time_between(first - h(1), first + h(12)), h(1));
    assert!(!c.is_open(first + m(30)));
    assert!(!c.is_open(second - m(1)));
    assert!(c.is_open(second));
    assert_eq!(c.add(first, m(31)), Ok(second + m(1)));
    assert_eq!(c.add_business_days(first - h(24), 1), Ok(second + m(30)), "the last closing");
}

#[test]
fn a_night_shift_over_the_change_has_its_real_length() {
    let json = |zone: &str| format!(r#"{{"zone": "{zone}", "week": {{"sat": ["22:00-06:00"]}}}}"#);
    let c = calendar(&json("Europe/Berlin"));
    let (spring, autumn) = (at("2026-03-28T22:00:00+01:00"), at("2026-10-24T22:00:00+02:00"));
    assert_eq!(c.business_time_between(spring, spring + h(48)), h(7));
    assert_eq!(c.business_time_between(autumn, autumn + h(48)), h(9));
    assert_eq!(c.add_business_days(autumn - h(24), 1), Ok(at("2026-10-25T06:00:00+01:00")));
}

#[test]
fn past_dates_use_the_offset_of_their_time() {
    let c = office("Asia/Shanghai");
    // Monday 6 July 1987, summer time: +09:00.
    assert_eq!(c.next_open(at("1987-07-05T12:00:00Z")), Ok(at("1987-07-06T09:00:00+09:00")));
    assert!(!c.is_open(at("1987-07-06T18:30:00+09:00")));
    assert!(c.is_open(at("2026-07-06T17:30:00+08:00")));
    // Before 1901 local mean time, 8:05:43 ahead of UTC.
    assert_eq!(c.next_open(at("1899-12-31T12:00:00Z")), Ok(at("1900-01-01T00:54:17Z")));
}

#[test]
fn a_clock_set_back_over_midnight_shows_the_date_before_again() {
    // St. John's, 4 November 2007 00:01 → 3 November 23:01: the 3rd ends twice.
    let c = calendar(r#"{"zone": "America/St_Johns", "week": {"sat": ["00:00-24:00"]}}"#);
    let from = at("2007-11-03T00:00:00-02:30");
    assert_eq!(c.business_time_between(from, from + h(48)), h(24) + m(59));
    assert!(!c.is_open(at("2007-11-04T00:00:30-02:30")));
    assert!(c.is_open(at("2007-11-03T23:01:00-03:30")));
    assert_eq!(c.add(from, h(24) + m(1)), Ok(at("2007-11-03T23:02:00-03:30")));
    assert_eq!(c.add_business_days(from - h(24), 1), Ok(at("2007-11-04T00:00:00-03:30")));
}

#[test]
fn a_midnight_that_does_not_exist() {
    // Cairo, Friday 24 April 2026: 00:00 → 01:00.
    let c = calendar(r#"{"zone": "Africa/Cairo", "week": {"fri": ["00:00-24:00"]}}"#);
    let from = at("2026-04-23T00:00:00+02:00");
    assert_eq!(c.next_open(from), Ok(at("2026-04-24T01:00:00+03:00")));
    assert_eq!(c.business_time_between(from, from + h(72)), h(23));
}

#[test]
fn a_date_that_does_not_exist_is_no_business_day() {
    // Samoa went from Thursday 29 to Saturday 31 December 2011.
    let c = calendar(
        r#"{"zone": "Pacific/Apia", "week": {"thu": ["09:00-17:00"], "fri": ["09:00-17:00"],
            "sat": ["09:00-17:00"]}}"#,
    );
    let from = at("2011-12-29T16:00:00-10:00");
    assert_eq!(c.add(from, h(2)), Ok(at("2011-12-31T10:00:00+14:00")));
    assert_eq!(c.add_business_days(from, 1), Ok(at("2011-12-31T17:00:00+14:00")));
}

#[test]
fn summer_time_of_one_week_is_not_skipped_over() {
    // Recife had summer time from 8 to 15 October 2000 only.
    let c = office("America/Recife");
    let from = at("2000-10-06T18:00:00-03:00");
    assert_eq!(c.next_open(from), Ok(at("2000-10-09T09:00:00-02:00")));
    for day in 0..10 {
        let from = at("2000-10-01T00:00:00-03:00") + TimeDelta::days(day);
        let walked = c.add(from, h(45)).unwrap();
        let local = walked.with_timezone(&c.zone()).format("%H:%M").to_string();
        assert_eq!(local, "18:00", "from {from}");
    }
}
