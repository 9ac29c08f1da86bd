//! Brakes guessing without locking anybody out: every failure makes the next attempt wait a little
//! longer, and a success ends it.
//!
//! Counted are failures of an account from an address, of an account from everywhere, and of an
//! address on every account. Where an account has logged in before, only its own failures from
//! there count, and least: what strangers do elsewhere, or to other accounts behind the same proxy,
//! does not delay its owner.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures are forgotten this long after the last one.
const CALM: Duration = Duration::from_secs(900);
/// How long an address is remembered where an account logged in.
const KNOWN: Duration = Duration::from_secs(30 * 86_400);
/// Entries of each table at most; the eldest go first.
const MOST: usize = 20_000;

/// How failures turn into seconds: none for the first `free`, then 1, 2, 4, … up to `most`.
struct Rule {
    free: u32,
    most: u64,
}

const PAIR: Rule = Rule { free: 5, most: 60 };
/// Where the account has logged in before.
const OWN_PLACE: Rule = Rule { free: 5, most: 10 };
const ACCOUNT: Rule = Rule { free: 50, most: 15 };
const ADDRESS: Rule = Rule { free: 50, most: 60 };

/// Failures of the last minutes, kept in this process only.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<Tables>);

type Pair = (String, String);

#[derive(Debug, Default)]
struct Tables {
    pairs: HashMap<Pair, Failures>,
    accounts: HashMap<String, Failures>,
    addresses: HashMap<String, Failures>,
    /// Where accounts have logged in. Failures add nothing here, so a flood of them erases nothing.
    known: HashMap<Pair, Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    last: Instant,
    count: u32,
}

impl Rule {
    /// Time from `now` until the next attempt is looked at.
    fn left(&self, failures: Option<&Failures>, now: Instant) -> Duration {
        let Some(failures) = failures else { return Duration::ZERO };
        let passed = now.saturating_duration_since(failures.last);
        let Some(beyond) = failures.count.checked_sub(self.free).filter(|_| passed < CALM) else {
            return Duration::ZERO;
        };
        let seconds = 1_u64.checked_shl(beyond).unwrap_or(self.most).min(self.most);
        Duration::from_secs(seconds).saturating_sub(passed)
    }
}

impl Guesses {
    /// Seconds to wait before another attempt is looked at.
    pub(super) fn wait(&self, account: &str, address: &str) -> Option<u32> {
        self.wait_at(account, address, Instant::now())
    }

    pub(super) fn failed(&self, account: &str, address: &str) {
        self.failed_at(account, address, Instant::now());
    }

    pub(super) fn succeeded(&self, account: &str, address: &str) {
        self.succeeded_at(account, address, Instant::now());
    }

    fn wait_at(&self, account: &str, address: &str, now: Instant) -> Option<u32> {
        let pair = pair(account, address);
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = tables.pairs.get(&pair);
        let left = if tables.knows(&pair, now) {
            OWN_PLACE.left(own, now)
        } else {
            PAIR.left(own, now)
                .max(ACCOUNT.left(tables.accounts.get(&pair.0), now))
                .max(ADDRESS.left(tables.addresses.get(&pair.1), now))
        };
        let seconds = u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        (seconds > 0).then_some(seconds)
    }

    fn failed_at(&self, account: &str, address: &str, now: Instant) {
        let pair = pair(account, address);
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !tables.knows(&pair, now) {
            // A person who mistypes where they always are is no attack on the account.
            count(&mut tables.accounts, pair.0.clone(), now);
            count(&mut tables.addresses, pair.1.clone(), now);
        }
        count(&mut tables.pairs, pair, now);
    }

    fn succeeded_at(&self, account: &str, address: &str, now: Instant) {
        let pair = pair(account, address);
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.pairs.remove(&pair);
        make_room(&mut tables.known, |last| *last);
        tables.known.insert(pair, now);
    }
}

impl Tables {
    fn knows(&self, pair: &Pair, now: Instant) -> bool {
        self.known.get(pair).is_some_and(|last| now.saturating_duration_since(*last) < KNOWN)
    }
}

fn count<K: Eq + Hash>(table: &mut HashMap<K, Failures>, key: K, now: Instant) {
    if !table.contains_key(&key) {
        make_room(table, |failures| failures.last);
    }
    let entry = table.entry(key).or_insert(Failures { last: now, count: 0 });
    if now.saturating_duration_since(entry.last) >= CALM {
        entry.count = 0;
    }
    *entry = Failures { last: now, count: entry.count.saturating_add(1) };
}

/// Of a full table the elder half goes.
fn make_room<K, V>(table: &mut HashMap<K, V>, last: impl Fn(&V) -> Instant) {
    if table.len() < MOST {
        return;
    }
    let mut ages: Vec<Instant> = table.values().map(&last).collect();
    let (_, middle, _) = ages.select_nth_unstable(MOST / 2);
    let middle = *middle;
    table.retain(|_, value| last(value) > middle);
}

/// Names are as long as the caller likes; their beginning tells them apart well enough.
fn pair(account: &str, address: &str) -> Pair {
    (account.chars().take(100).collect(), address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails `n` times as fast as the brake allows; the time when it is over.
    fn fail(guesses: &Guesses, n: u32, account: &str, address: &str, mut now: Instant) -> Instant {
        for _ in 0..n {
            let wait = guesses.wait_at(account, address, now).unwrap_or(0);
            now += Duration::from_secs(wait.into());
            guesses.failed_at(account, address, now);
        }
        now
    }

    #[test]
    fn every_failure_delays_longer_and_none_locks_out() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        let mut now = fail(&guesses, 4, "li", "10.0.0.1", start);
        let mut waits = vec![];
        for _ in 0..9 {
            guesses.failed_at("li", "10.0.0.1", now);
            waits.push(guesses.wait_at("li", "10.0.0.1", now).unwrap_or(0));
            now += Duration::from_secs(waits.last().copied().unwrap().into());
            assert_eq!(guesses.wait_at("li", "10.0.0.1", now), None, "the delay ends by itself");
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(guesses.wait_at("li", "10.0.0.2", now), None, "another address");
        assert_eq!(guesses.wait_at("wang", "10.0.0.1", now), None, "another account");
        guesses.failed_at("li", "10.0.0.1", now);
        assert_eq!(guesses.wait_at("li", "10.0.0.1", now + CALM), None, "and is forgotten");
    }

    #[test]
    fn an_owner_is_not_delayed_by_what_others_do() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        guesses.succeeded_at("li", "10.0.0.1", now);
        for n in 0..200 {
            // Everywhere at the account, and from the owner's address at everybody else's.
            guesses.failed_at("li", &format!("10.1.0.{n}"), now);
            guesses.failed_at(&format!("user{n}"), "10.0.0.1", now);
        }
        assert_eq!(guesses.wait_at("li", "10.0.0.1", now), None);
        assert_eq!(guesses.wait_at("li", "10.9.9.9", now), Some(15), "a stranger has to wait");
        assert_eq!(guesses.wait_at("wang", "10.0.0.1", now), Some(60));
        let later = fail(&guesses, 20, "li", "10.0.0.1", now);
        assert_eq!(guesses.wait_at("li", "10.0.0.1", later), Some(10), "guessed beside the owner");
        guesses.succeeded_at("li", "10.0.0.1", later + Duration::from_secs(10));
        assert_eq!(guesses.wait_at("li", "10.0.0.1", later), None);
    }

    #[test]
    fn memory_is_bounded_and_a_flood_forgets_no_owner() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        guesses.succeeded_at("li", "10.0.0.1", now);
        let many = u64::try_from(MOST).unwrap() + 10;
        for n in 0..many {
            let (account, address) = (format!("user{n}"), format!("address{n}"));
            guesses.failed_at(&account, &address, now + Duration::from_millis(n));
        }
        let tables = guesses.0.lock().unwrap();
        for size in [tables.pairs.len(), tables.accounts.len(), tables.addresses.len()] {
            assert!((MOST / 2..=MOST).contains(&size), "{size}");
        }
        assert!(tables.knows(&pair("li", "10.0.0.1"), now));
    }
}
