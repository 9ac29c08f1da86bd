//! One level of appeal (申诉): who, until when, and what a decision may change.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use kernel::{Arg, Fields, Problem, limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{answers::Answer, scorecard::Form};
use crate::{codes, messages};

/// Where an evaluation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationState {
    Draft,
    Published,
    Appealed,
    Final,
}

impl EvaluationState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Appealed => "appealed",
            Self::Final => "final",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        [Self::Published, Self::Appealed, Self::Final]
            .into_iter()
            .find(|s| s.as_str() == text)
            .unwrap_or(Self::Draft)
    }

    /// Whether the score counts in reports at `now`: final, or nobody appealed within the limit.
    #[must_use]
    pub fn counts(self, appeal_until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        match self {
            Self::Final => true,
            Self::Published => appeal_until.is_some_and(|until| now > until),
            Self::Draft | Self::Appealed => false,
        }
    }
}

/// An item that the agent sees otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disputed {
    #[schema(min_length = 1, max_length = 40)]
    pub item: String,
    #[schema(min_length = 1, max_length = 20000)]
    pub reason: String,
}

/// How an appeal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every disputed item is changed.
    Accepted,
    /// Some disputed item is changed.
    Partly,
    /// Nothing is changed.
    Rejected,
}

impl Outcome {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Partly => "partly",
            Self::Rejected => "rejected",
        }
    }
}

/// Whether `actor` may appeal now. The limit itself is still in time.
///
/// # Errors
/// `not-the-agent`, `not-appealable`, `already-appealed`, `appeal-expired`.
pub fn may_appeal(
    actor: &str,
    agent: Option<&str>,
    state: EvaluationState,
    appealed_before: bool,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    if agent != Some(actor) {
        return Err(Problem::of(&codes::NOT_THE_AGENT));
    }
    if appealed_before {
        return Err(Problem::of(&codes::ALREADY_APPEALED));
    }
    match (state, until) {
        (EvaluationState::Draft, _) | (_, None) => Err(Problem::of(&codes::NOT_APPEALABLE)),
        (_, Some(until)) if now > until => {
            Err(Problem::of(&codes::APPEAL_EXPIRED).detail(messages::limit_was(until)))
        }
        (EvaluationState::Published, _) => Ok(()),
        (EvaluationState::Appealed | EvaluationState::Final, _) => {
            Err(Problem::of(&codes::NOT_APPEALABLE))
        }
    }
}

/// Whether the disputed items are items of the form, each once, each with a reason.
pub fn check_disputed(form: &Form, items: &[Disputed]) -> Result<(), Problem> {
    let mut fields = Fields::new();
    let mut seen = HashSet::new();
    fields.check(
        (1..=limits::BULK_ITEMS).contains(&items.len()),
        "/items",
        "out-of-range",
        messages::named_items_between(1, limits::BULK_ITEMS),
    );
    for (i, disputed) in items.iter().enumerate() {
        let at = format!("/items/{i}");
        let known = form.item(&disputed.item).is_some();
        fields.check(
            known,
            format!("{at}/item"),
            "unknown-item",
            messages::unknown_item(&disputed.item, Arg::list(form.items().map(|(_, i)| &i.key))),
        );
        fields.check(
            seen.insert(&disputed.item),
            format!("{at}/item"),
            "duplicate",
            messages::item_named_twice(),
        );
        fields.text(&format!("{at}/reason"), &disputed.reason, 1, limits::TEXT);
    }
    fields.finish()
}

/// Whether the changes of a decision fit its outcome and stay within what was disputed.
pub fn check_changes(
    disputed: &[Disputed],
    outcome: Outcome,
    changes: &[Answer],
) -> Result<(), Problem> {
    let mut fields = Fields::new();
    for (i, change) in changes.iter().enumerate() {
        let within = disputed.iter().any(|d| d.item == change.item);
        fields.check(
            within,
            format!("/changes/{i}/item"),
            "not-disputed",
            messages::not_disputed(),
        );
    }
    let changed: HashSet<&str> = changes.iter().map(|c| c.item.as_str()).collect();
    let (fits, detail) = match outcome {
        Outcome::Rejected => (changes.is_empty(), messages::rejected_changes_nothing()),
        Outcome::Partly => (!changes.is_empty(), messages::partly_changes_something()),
        Outcome::Accepted => (
            disputed.iter().all(|d| changed.contains(d.item.as_str())),
            messages::accepted_changes_all(),
        ),
    };
    fields.check(fits, "/changes", "does-not-fit-outcome", detail);
    fields.finish()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::answers::Value;

    fn code(result: Result<(), Problem>) -> &'static str {
        result.err().map_or("ok", |p| p.code.code)
    }

    #[test]
    fn only_the_agent_only_once_only_in_time() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let until = Some(now);
        let ask = |actor, state, before, now| {
            code(may_appeal(actor, Some("amy"), state, before, until, now))
        };
        assert_eq!(ask("amy", EvaluationState::Published, false, now), "ok");
        assert_eq!(ask("bob", EvaluationState::Published, false, now), "not-the-agent");
        assert_eq!(ask("amy", EvaluationState::Final, true, now), "already-appealed");
        assert_eq!(
            ask("amy", EvaluationState::Published, false, now + TimeDelta::microseconds(1)),
            "appeal-expired"
        );
        assert_eq!(
            ask("amy", EvaluationState::Final, false, now + TimeDelta::days(1)),
            "appeal-expired"
        );
        assert_eq!(ask("amy", EvaluationState::Draft, false, now), "not-appealable");
    }

    #[test]
    fn a_score_counts_when_final_or_unappealed_past_the_limit() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let later = now + TimeDelta::microseconds(1);
        assert!(EvaluationState::Final.counts(None, now));
        assert!(!EvaluationState::Published.counts(Some(now), now));
        assert!(EvaluationState::Published.counts(Some(now), later));
        assert!(!EvaluationState::Appealed.counts(Some(now), later));
        assert!(!EvaluationState::Draft.counts(None, later));
    }

    #[test]
    fn changes_fit_the_outcome() {
        let disputed: Vec<Disputed> =
            ["a", "b"].map(|i| Disputed { item: i.into(), reason: "wrong".into() }).to_vec();
        let change = |item: &str| Answer::of(item, Value::Bool(true));
        let check = |outcome, items: &[&str]| {
            let changes: Vec<Answer> = items.iter().map(|i| change(i)).collect();
            code(check_changes(&disputed, outcome, &changes))
        };
        assert_eq!(check(Outcome::Accepted, &["a", "b"]), "ok");
        assert_eq!(check(Outcome::Accepted, &["a"]), "invalid");
        assert_eq!(check(Outcome::Partly, &["a"]), "ok");
        assert_eq!(check(Outcome::Partly, &[]), "invalid");
        assert_eq!(check(Outcome::Partly, &["c"]), "invalid");
        assert_eq!(check(Outcome::Rejected, &[]), "ok");
        assert_eq!(check(Outcome::Rejected, &["a"]), "invalid");
    }
}
