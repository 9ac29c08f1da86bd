//! What every ticket says about itself in its search tokens, beside its words: when it was opened
//! and what seldom changes. A token that begins with `@` cannot be a word ([`store::text`]).
//!
//! Time is cut into slices at three resolutions, 16 of each in one of the next: 4.5 hours, 3 days,
//! 48 days. A search asks for "these tokens in this slice", slice after slice from the newest on, and
//! stops when its page is full: a word that every third ticket has needs a few fine slices, one that
//! a single ticket has a few dozen looks into the index, however many tickets there are.

use chrono::{DateTime, Utc};

use super::entities::ticket;

/// Seconds of a slice as powers of two, finest first.
const SHIFTS: [u32; 3] = [14, 18, 22];
/// Slices of one resolution that make one of the next.
const FAN: i64 = 16;

/// Tokens of a ticket that are no words.
#[must_use]
pub fn of(t: &ticket::Model) -> Vec<String> {
    let mut tokens: Vec<String> =
        (0..SHIFTS.len()).map(|level| slice(level, at(level, t.opened_at))).collect();
    let ends = t.org.char_indices().skip(1).filter(|(_, c)| *c == '/').map(|(i, _)| i);
    tokens.extend(ends.chain([t.org.len()]).map(|end| org(&t.org[..end])));
    tokens.extend([kind(&t.kind), priority(&t.priority)]);
    tokens.extend(t.category.as_deref().map(category));
    tokens.extend(t.first_responder.as_deref().map(first_responder));
    tokens
}

/// The unit or one below it.
#[must_use]
pub fn org(path: &str) -> String {
    format!("@o{path}")
}

#[must_use]
pub fn kind(key: &str) -> String {
    format!("@k{key}")
}

#[must_use]
pub fn priority(key: &str) -> String {
    format!("@p{key}")
}

#[must_use]
pub fn category(key: &str) -> String {
    format!("@c{key}")
}

#[must_use]
pub fn first_responder(id: &str) -> String {
    format!("@r{id}")
}

/// Slices that cover `oldest..=newest` without overlap, newest first, the finest at the beginning.
#[must_use]
pub fn slices(oldest: DateTime<Utc>, newest: DateTime<Utc>) -> Vec<String> {
    let mut all = Vec::new();
    let mut from = at(0, newest);
    for level in 0..SHIFTS.len() {
        let last = at(level, oldest);
        let whole = (from - FAN).div_euclid(FAN) * FAN;
        let to = if level + 1 == SHIFTS.len() { last } else { last.max(whole) };
        all.extend((to..=from).rev().map(|n| slice(level, n)));
        if to <= last {
            break;
        }
        from = to.div_euclid(FAN) - 1;
    }
    all
}

fn at(level: usize, time: DateTime<Utc>) -> i64 {
    time.timestamp() >> SHIFTS[level]
}

fn slice(level: usize, n: i64) -> String {
    format!("@{level}.{n}")
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn seconds(n: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(n, 0).unwrap()
    }

    #[test]
    fn a_minute_is_one_slice_and_three_years_some_seventy() {
        let newest = seconds(1_790_000_000);
        assert!(slices(newest - TimeDelta::seconds(60), newest).len() <= 2);
        let years = slices(newest - TimeDelta::days(1_096), newest).len();
        assert!((40..=90).contains(&years), "{years}");
    }

    proptest! {
        /// Every instant between the two ends is in one slice, and in the order of time.
        #[test]
        fn slices_cover_all_time_once(oldest in 0_i64..2_000_000_000, length in 0_i64..400_000_000, share in 0.0..=1.0) {
            let (from, to) = (seconds(oldest), seconds(oldest + length));
            let all = slices(from, to);
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
            let probe = seconds(oldest + (length as f64 * share) as i64);
            let own: Vec<String> = (0..SHIFTS.len()).map(|l| slice(l, at(l, probe))).collect();
            prop_assert_eq!(all.iter().filter(|s| own.contains(s)).count(), 1);
            let starts: Vec<i64> = all.iter().map(|s| {
                let (level, n) = s[1..].split_once('.').unwrap();
                n.parse::<i64>().unwrap() << SHIFTS[level.parse::<usize>().unwrap()]
            }).collect();
            prop_assert!(starts.windows(2).all(|pair| pair[0] > pair[1]));
        }
    }
}
