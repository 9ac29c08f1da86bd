//! Compares what every service has kept with what the ledger says was promised.
//!
//! Loading and judging are apart: the checks are pure functions of [`Facts`].

mod facts;
mod notices;
mod order;
mod surveys;
mod tickets;
mod timeline;

pub use facts::Facts;

/// What was found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What was compared, with figures.
    pub lines: Vec<String>,
    /// What is not as promised.
    pub broken: Vec<String>,
    /// Messages that stand in the topics more than once, beyond those produced on purpose.
    pub duplicates: usize,
    /// Mails that came again with the same `Message-ID`.
    pub mails_again: usize,
}

impl Verdict {
    pub fn line(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    pub fn broken(&mut self, text: impl Into<String>) {
        self.broken.push(text.into());
    }

    /// Two counts that have to be equal.
    pub fn same(&mut self, what: &str, found: usize, expected: usize) {
        self.line(format!("{what}: {found}"));
        if found != expected {
            self.broken(format!("{what}: {found}, expected {expected}"));
        }
    }

    /// A list of exceptions that has to be empty.
    pub fn none(&mut self, what: &str, found: &[String]) {
        if let Some(first) = found.first() {
            self.broken(format!("{what}: {}, e.g. {first}", found.len()));
        }
    }
}

/// Every check.
#[must_use]
pub fn judge(facts: &Facts) -> Verdict {
    let mut verdict = Verdict::default();
    for complaint in &facts.book.complaints {
        verdict.broken(complaint.clone());
    }
    tickets::check(facts, &mut verdict);
    surveys::check(facts, &mut verdict);
    notices::check(facts, &mut verdict);
    timeline::check(facts, &mut verdict);
    order::check(facts, &mut verdict);
    backbone(facts, &mut verdict);
    verdict
}

/// Nothing stuck, no dead letters but those that were made.
fn backbone(facts: &Facts, verdict: &mut Verdict) {
    for (service, stuck) in &facts.stuck {
        verdict.none(&format!("{service}: stuck"), stuck);
    }
    for (service, found) in &facts.dead_letters {
        let expected = facts.expected_dead_letters.get(service).copied().unwrap_or(0);
        verdict.same(&format!("dead letters of {service}"), *found, expected);
    }
}
