//! Deadlines with pauses. Office 09:00–18:00 in Shanghai; 2 March 2026 is a Monday.

use calendar::{Due, Pause, due, elapsed, offset_after, warning_at};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{at, calendar, h, m, office};

fn sh(day_and_time: &str) -> DateTime<Utc> {
    at(&format!("2026-03-{day_and_time}:00+08:00"))
}

fn pause(from: &str, to: &str) -> Pause {
    Pause { from: sh(from), to: Some(sh(to)) }
}

fn open_pause(from: &str) -> Pause {
    Pause { from: sh(from), to: None }
}

#[test]
fn without_pauses_due_is_add() {
    let c = office("Asia/Shanghai");
    assert_eq!(due(&c, sh("06T16:00"), h(4), &[]), Ok(Due::At(sh("09T11:00"))));
}

#[test]
fn a_pause_over_a_weekend_is_not_over_credited() {
    let c = office("Asia/Shanghai");
    // Paused Friday 17:00 to Monday 10:00: two business hours, not 65.
    let pauses = [pause("06T17:00", "09T10:00")];
    assert_eq!(due(&c, sh("06T16:00"), h(4), &pauses), Ok(Due::At(sh("09T13:00"))));
    assert_eq!(elapsed(&c, sh("06T16:00"), sh("09T13:00"), &pauses), h(4));
    // Paused while closed: nothing moves.
    let closed = [pause("06T18:00", "09T09:00")];
    assert_eq!(due(&c, sh("06T16:00"), h(4), &closed), Ok(Due::At(sh("09T11:00"))));
}

#[test]
fn an_open_pause_leaves_a_remainder() {
    let c = office("Asia/Shanghai");
    let pauses = [pause("02T10:00", "02T11:00"), open_pause("02T12:00")];
    let state = due(&c, sh("02T09:00"), h(4), &pauses);
    assert_eq!(state, Ok(Due::Paused { remaining: h(2) }));
    assert_eq!(state.unwrap().instant(), None);
    assert_eq!(elapsed(&c, sh("02T09:00"), sh("20T09:00"), &pauses), h(2));
}

#[test]
fn an_open_pause_after_the_deadline_does_not_undo_it() {
    let c = office("Asia/Shanghai");
    let pauses = [open_pause("02T13:00")];
    assert_eq!(due(&c, sh("02T09:00"), h(4), &pauses), Ok(Due::At(sh("02T13:00"))));
    assert_eq!(due(&c, sh("02T09:00"), h(3), &pauses), Ok(Due::At(sh("02T12:00"))));
    let tick = TimeDelta::microseconds(1);
    assert_eq!(due(&c, sh("02T09:00"), h(4) + tick, &pauses), Ok(Due::Paused { remaining: tick }));
}

#[test]
fn an_open_pause_in_closed_hours_reaches_at_the_closing_before() {
    let c = office("Asia/Shanghai");
    let pauses = [open_pause("03T03:00")];
    assert_eq!(due(&c, sh("02T09:00"), h(9), &pauses), Ok(Due::At(sh("02T18:00"))));
}

#[test]
fn overlapping_unsorted_and_void_pauses_count_once() {
    let c = office("Asia/Shanghai");
    let pauses = [
        pause("02T12:00", "02T14:00"),
        pause("02T10:00", "02T13:00"),
        pause("02T10:30", "02T11:00"),
        pause("02T16:00", "02T15:00"),
        pause("02T17:00", "02T17:00"),
        pause("01T00:00", "02T09:30"),
    ];
    // Paused 09:00–09:30 and 10:00–14:00.
    assert_eq!(elapsed(&c, sh("02T09:00"), sh("02T18:00"), &pauses), m(270));
    assert_eq!(due(&c, sh("02T09:00"), h(1), &pauses), Ok(Due::At(sh("02T14:30"))));
}

#[test]
fn a_target_of_zero_is_due_at_the_start() {
    let c = office("Asia/Shanghai");
    let start = sh("07T03:00");
    assert_eq!(due(&c, start, h(0), &[open_pause("01T00:00")]), Ok(Due::At(start)));
}

#[test]
fn elapsed_before_the_start_is_zero() {
    let c = office("Asia/Shanghai");
    let pauses = [pause("03T10:00", "03T11:00")];
    assert_eq!(elapsed(&c, sh("03T09:00"), sh("02T09:00"), &pauses), h(0));
    assert_eq!(elapsed(&c, sh("03T09:00"), sh("03T10:30"), &pauses), h(1));
}

#[test]
fn warnings_do_not_land_at_midnight() {
    let c = office("Asia/Shanghai");
    // 8 hours from Friday 16:00 are due on Monday 15:00. Halfway on the wall clock would be
    // Sunday 03:30; 75 % of it back from the deadline falls into the night as well.
    let start = sh("06T16:00");
    let warn = |percent| warning_at(&c, start, h(8), percent, &[]).unwrap().instant().unwrap();
    assert_eq!(warn(25), sh("06T18:00"));
    assert_eq!(warn(50), sh("09T11:00"));
    assert_eq!(warn(75), sh("09T13:00"));
    assert_eq!(warn(90), sh("09T14:12"));
    assert_eq!(warn(100), sh("09T15:00"));
    assert_eq!(warn(150), sh("10T10:00"));
    assert_eq!(warn(0), start);
}

#[test]
fn warnings_respect_pauses() {
    let c = office("Asia/Shanghai");
    let pauses = [pause("02T10:00", "02T12:00"), open_pause("02T15:00")];
    let warn = |percent| warning_at(&c, sh("02T09:00"), h(8), percent, &pauses);
    assert_eq!(warn(25), Ok(Due::At(sh("02T13:00"))));
    assert_eq!(warn(50), Ok(Due::At(sh("02T15:00"))));
    assert_eq!(warn(75), Ok(Due::Paused { remaining: h(2) }));
}

#[test]
fn a_warning_is_never_early_by_a_fraction() {
    let c = office("Asia/Shanghai");
    let target = TimeDelta::microseconds(1_000_001);
    let warned = warning_at(&c, sh("02T09:00"), target, 33, &[]);
    // 33 % of 1,000,001 µs is 330,000.33 µs.
    assert_eq!(warned, Ok(Due::At(sh("02T09:00") + TimeDelta::microseconds(330_001))));
    assert!(warning_at(&c, sh("02T09:00"), TimeDelta::MAX, u32::MAX, &[]).is_err());
}

#[test]
fn escalation_levels_follow_the_deadline_in_business_time() {
    let c = office("Asia/Shanghai");
    assert_eq!(offset_after(&c, sh("06T17:30"), h(1)), Ok(sh("09T09:30")));
    assert_eq!(offset_after(&c, sh("06T17:30"), h(0)), Ok(sh("06T17:30")));
}

#[test]
fn a_pause_reads_back() {
    let json = r#"{"from":"2026-03-02T01:00:00Z","to":null}"#;
    let read: Pause = serde_json::from_str(json).unwrap();
    assert_eq!(read, open_pause("02T09:00"));
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
}

#[test]
fn a_new_calendar_applies_back_to_the_start() {
    let pauses = [pause("02T11:00", "02T13:00")];
    let before = office("Asia/Shanghai");
    let after =
        calendar(r#"{"zone": "Asia/Shanghai", "week": {"mon": ["10:00-12:00", "13:30-16:00"]}}"#);
    assert_eq!(due(&before, sh("02T09:00"), h(3), &pauses), Ok(Due::At(sh("02T14:00"))));
    assert_eq!(due(&after, sh("02T09:00"), h(3), &pauses), Ok(Due::At(sh("02T15:30"))));
}
