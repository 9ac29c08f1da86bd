//! Raising a matter outside its deadlines: urges (催办) and repeated complaints.

use chrono::{DateTime, TimeDelta, Utc};

/// Window in which urges are counted together.
pub const URGE_WINDOW: TimeDelta = TimeDelta::hours(24);

/// So many urges within the window raise priority and level.
pub const URGES_THAT_RAISE: usize = 2;

/// A complaint of the same customer and category within this time is a repeat.
pub const REPEAT_WINDOW: TimeDelta = TimeDelta::days(7);

/// Who is told at levels 1, 2 and 3.
pub const TARGETS: [&str; 3] = ["supervisor", "department_head", "director"];

/// The level at which somebody is told, however many steps a policy has before him.
#[must_use]
pub fn level_of(target: &str) -> i32 {
    TARGETS.iter().zip(1..).find(|(t, _)| **t == target).map_or(1, |(_, level)| level)
}

/// The next level and who is told; `None` once the top has been told.
#[must_use]
pub fn one_level_up(level: i32) -> Option<(i32, &'static str)> {
    let index = usize::try_from(level).unwrap_or(0);
    TARGETS.get(index).map(|target| (level.max(0) + 1, *target))
}

/// Whether an urge at `now`, after these earlier ones, is one too many.
#[must_use]
pub fn urge_raises(earlier: &[DateTime<Utc>], now: DateTime<Utc>) -> bool {
    let recent = earlier.iter().filter(|at| now - **at <= URGE_WINDOW).count();
    recent + 1 >= URGES_THAT_RAISE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_end_at_the_director() {
        assert_eq!(one_level_up(0), Some((1, "supervisor")));
        assert_eq!(one_level_up(2), Some((3, "director")));
        assert_eq!(one_level_up(3), None);
    }

    #[test]
    fn a_policy_may_leave_levels_out() {
        assert_eq!(TARGETS.map(level_of), [1, 2, 3]);
    }

    #[test]
    fn the_second_urge_within_a_day_raises() {
        let now: DateTime<Utc> = "2026-03-06T10:00:00Z".parse().unwrap();
        assert!(!urge_raises(&[], now));
        assert!(urge_raises(&[now - TimeDelta::hours(24)], now));
        assert!(!urge_raises(&[now - TimeDelta::hours(25)], now));
    }
}
