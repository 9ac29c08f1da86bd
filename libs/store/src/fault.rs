//! Deliberate faults, so that the fault harness can strike at an exact moment and can be shown to
//! notice broken guarantees. Read from the environment by debug builds only: in a release build
//! both functions are constants.
//!
//! - `KEFU_CRASH_AT=NAME[:COUNT]` ends the process without any clean-up when it passes the named
//!   point for the COUNT-th time (default 1).
//! - `KEFU_MUTATION=NAME` breaks one guarantee on purpose.

/// A guarantee that `KEFU_MUTATION` can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// `relay`: rows are marked published before they are sent.
    Relay,
    /// `inbox`: every event counts as new.
    Inbox,
    /// `lease`: everybody gets every lease and keeps it.
    Lease,
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    };

    use super::Mutation;

    struct Crash {
        at: String,
        count: u32,
        passed: AtomicU32,
    }

    fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|text| !text.is_empty())
    }

    static CRASH: LazyLock<Option<Crash>> = LazyLock::new(|| {
        let text = variable("KEFU_CRASH_AT")?;
        let (at, count) = text.split_once(':').unwrap_or((&text, "1"));
        let count = count.parse().unwrap_or(1);
        Some(Crash { at: at.to_owned(), count, passed: AtomicU32::new(0) })
    });

    static MUTATION: LazyLock<Option<Mutation>> =
        LazyLock::new(|| match variable("KEFU_MUTATION")?.as_str() {
            "relay" => Some(Mutation::Relay),
            "inbox" => Some(Mutation::Inbox),
            "lease" => Some(Mutation::Lease),
            _ => None,
        });

    pub fn point(name: &str) {
        let Some(crash) = CRASH.as_ref().filter(|crash| crash.at == name) else { return };
        if crash.passed.fetch_add(1, Ordering::SeqCst) + 1 >= crash.count {
            tracing::error!(name, "crash point reached");
            std::process::abort();
        }
    }

    pub fn mutated(mutation: Mutation) -> bool {
        *MUTATION == Some(mutation)
    }
}

/// A place where the process can be made to die.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    armed::point(name);
}

/// A place where the process can be made to die.
#[cfg(not(debug_assertions))]
pub const fn point(_name: &str) {}

/// Whether this guarantee is broken on purpose.
#[cfg(debug_assertions)]
#[must_use]
pub fn mutated(mutation: Mutation) -> bool {
    armed::mutated(mutation)
}

/// Whether this guarantee is broken on purpose.
#[cfg(not(debug_assertions))]
#[must_use]
pub const fn mutated(_mutation: Mutation) -> bool {
    false
}
