//! Brakes guessing: after too many failures an account (per address) and an address have to wait.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_secs(300);
const PER_ACCOUNT: u32 = 10;
const PER_ADDRESS: u32 = 100;
/// Entries kept at most; beyond it the whole table starts anew rather than growing.
const MAX_ENTRIES: usize = 50_000;

/// Failures of the last minutes, kept in this process only.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<HashMap<String, Failures>>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: Instant,
    count: u32,
}

impl Guesses {
    /// Seconds to wait before another attempt is looked at.
    pub(super) fn wait(&self, account: &str, address: &str) -> Option<u32> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys(account, address)
            .into_iter()
            .filter_map(|(key, most)| {
                let failures = table.get(&key).filter(|f| f.count >= most)?;
                let left = WINDOW.checked_sub(failures.since.elapsed())?;
                Some(u32::try_from(left.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
            })
            .max()
    }

    pub(super) fn failed(&self, account: &str, address: &str) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= MAX_ENTRIES {
            table.retain(|_, f| f.since.elapsed() < WINDOW);
            if table.len() >= MAX_ENTRIES {
                table.clear();
            }
        }
        for (key, _) in keys(account, address) {
            let entry = table.entry(key).or_insert(Failures { since: Instant::now(), count: 0 });
            if entry.since.elapsed() >= WINDOW {
                *entry = Failures { since: Instant::now(), count: 0 };
            }
            entry.count = entry.count.saturating_add(1);
        }
    }
}

fn keys(account: &str, address: &str) -> [(String, u32); 2] {
    // Names are as long as the caller likes; their beginning tells them apart well enough.
    let account: String = account.chars().take(100).collect();
    [(format!("{account}\n{address}"), PER_ACCOUNT), (address.to_owned(), PER_ADDRESS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_make_wait_and_only_there() {
        let guesses = Guesses::default();
        for _ in 0..PER_ACCOUNT {
            assert_eq!(guesses.wait("li", "10.0.0.1"), None);
            guesses.failed("li", "10.0.0.1");
        }
        assert!(guesses.wait("li", "10.0.0.1").is_some());
        assert_eq!(guesses.wait("li", "10.0.0.2"), None, "nobody can lock another's account");
        assert_eq!(guesses.wait("wang", "10.0.0.1"), None);
        for n in 0..PER_ADDRESS {
            guesses.failed(&format!("user{n}"), "10.0.0.3");
        }
        assert!(guesses.wait("li", "10.0.0.3").is_some());
    }
}
