//! When a failed delivery is tried again.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// Seconds to wait before the 1st, 2nd, … attempt (the schedule of Standard Webhooks): 8 attempts
/// within about 27.5 hours.
pub const SCHEDULE: [i64; 8] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];

/// Spread around a planned wait, so that what failed together does not come back together.
pub const SPREAD: f64 = 0.2;

/// A receiver's `Retry-After` is obeyed up to this many seconds.
pub const LONGEST_RETRY_AFTER: i64 = 86_400;

/// The instant of the next attempt after `failed` attempts of this round, or `None` when the
/// schedule is used up.
///
/// `luck` is in `[-1, 1]` and shifts the wait by up to ±20 %. A `Retry-After` (seconds) can only
/// prolong the wait, never shorten it, and by no more than [`LONGEST_RETRY_AFTER`].
#[must_use]
pub fn next_attempt(
    now: DateTime<Utc>,
    failed: usize,
    luck: f64,
    retry_after: Option<i64>,
) -> Option<DateTime<Utc>> {
    let planned = *SCHEDULE.get(failed)?;
    #[allow(clippy::cast_precision_loss, reason = "at most 36,000")]
    let spread = planned as f64 * (1.0 + SPREAD * luck.clamp(-1.0, 1.0));
    #[allow(clippy::cast_possible_truncation, reason = "at most 43,200,000 ms")]
    let wait = TimeDelta::milliseconds((spread * 1_000.0).round() as i64);
    let asked = TimeDelta::seconds(retry_after.unwrap_or(0).clamp(0, LONGEST_RETRY_AFTER));
    Some(now + wait.max(asked))
}

/// A number in `[-1, 1]` that looks random but is the same for the same delivery and attempt
/// (FNV-1a of both), so that the schedule can be foretold in a test and explained in a support case.
#[must_use]
pub fn luck(delivery: Uuid, attempt: usize) -> f64 {
    let bytes = delivery.as_bytes().iter().copied().chain(attempt.to_le_bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    // Fold the high half in: FNV's low bits alone are weak.
    let mixed = u32::try_from((hash ^ (hash >> 32)) & u64::from(u32::MAX)).unwrap_or(0);
    f64::from(mixed) / f64::from(u32::MAX) * 2.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(failed: usize, luck: f64, retry_after: Option<i64>) -> Option<i64> {
        let now = DateTime::from_timestamp(1_770_000_000, 0).unwrap();
        next_attempt(now, failed, luck, retry_after).map(|at| (at - now).num_seconds())
    }

    #[test]
    fn the_schedule_is_eight_attempts() {
        let waits: Vec<_> = (0..9).map(|n| wait(n, 0.0, None)).collect();
        let expected = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map(Some);
        assert_eq!(waits[..8], expected);
        assert_eq!(waits[8], None);
    }

    #[test]
    fn the_spread_is_a_fifth_at_most() {
        assert_eq!(wait(2, 1.0, None), Some(360));
        assert_eq!(wait(2, -1.0, None), Some(240));
        assert_eq!(wait(2, 99.0, None), Some(360));
        for n in 0..1_000 {
            let id = Uuid::from_u128(n);
            assert!((-1.0..=1.0).contains(&luck(id, 3)));
        }
        let mean = (0..1_000).map(|n| luck(Uuid::from_u128(n), 1)).sum::<f64>() / 1_000.0;
        assert!(mean.abs() < 0.1, "{mean}");
    }

    #[test]
    fn retry_after_prolongs_within_bounds() {
        assert_eq!(wait(1, 0.0, Some(120)), Some(120));
        assert_eq!(wait(3, 0.0, Some(10)), Some(1_800));
        assert_eq!(wait(1, 0.0, Some(i64::MAX)), Some(86_400));
        assert_eq!(wait(1, 0.0, Some(-5)), Some(5));
    }
}
