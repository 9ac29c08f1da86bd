//! Rectification orders (整改单): mended by the owner, verified by somebody else.

use kernel::{Actor, ActorKind, Permission, Problem, Role, Text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{codes, messages};

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RectificationState {
    Open,
    Done,
    Verified,
    /// An appeal took away what it was opened for.
    Withdrawn,
}

impl RectificationState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Verified => "verified",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        [Self::Done, Self::Verified, Self::Withdrawn]
            .into_iter()
            .find(|s| s.as_str() == text)
            .unwrap_or(Self::Open)
    }
}

/// Why a published evaluation needs mending: a fatal item, or a score below the threshold.
#[must_use]
pub fn cause(score: Option<f64>, fatal: bool, threshold: f64) -> Option<&'static str> {
    if fatal {
        return Some("fatal");
    }
    score.filter(|score| *score < threshold).map(|_| "low_score")
}

/// Whether the actor leads others, so that he may open and verify orders: a supervisor, a director,
/// an administrator or a partner system that was given the right.
#[must_use]
pub fn leads(actor: &Actor) -> bool {
    actor.kind == ActorKind::Client
        || actor.has_role(Role::Supervisor)
        || actor.can(Permission::QualityDecide)
        || actor.can(Permission::QualityAdmin)
}

/// # Errors
/// `not-the-owner`, `rectification-state`.
pub fn may_finish(actor: &str, owner: &str, state: RectificationState) -> Result<(), Problem> {
    if actor != owner {
        return Err(Problem::of(&codes::NOT_THE_OWNER));
    }
    expect(state, RectificationState::Open)
}

/// # Errors
/// `verifier-is-owner`, `not-a-lead`, `rectification-state`.
pub fn may_verify(actor: &Actor, owner: &str, state: RectificationState) -> Result<(), Problem> {
    if actor.id == owner {
        return Err(Problem::of(&codes::VERIFIER_IS_OWNER));
    }
    if !leads(actor) {
        return Err(Problem::of(&codes::NOT_A_LEAD));
    }
    expect(state, RectificationState::Done)
}

impl RectificationState {
    fn word(self) -> Text {
        match self {
            Self::Open => messages::open(),
            Self::Done => messages::done(),
            Self::Verified => messages::verified(),
            Self::Withdrawn => messages::withdrawn(),
        }
    }
}

fn expect(found: RectificationState, wanted: RectificationState) -> Result<(), Problem> {
    if found == wanted {
        return Ok(());
    }
    Err(Problem::of(&codes::RECTIFICATION_STATE).detail(messages::it_is(found.word())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes() {
        assert_eq!(cause(Some(0.0), true, 60.0), Some("fatal"));
        assert_eq!(cause(Some(59.99), false, 60.0), Some("low_score"));
        assert_eq!(cause(Some(60.0), false, 60.0), None);
        assert_eq!(cause(None, false, 60.0), None);
    }
}
