//! Two customers who may be one: who may say so, and what follows from it. A unit gets nothing of
//! another unit's customer before that unit has agreed, so where nobody sees both sides, both
//! sides have to be asked. The side that was known first comes first: until it has agreed, the
//! other must not even learn that somebody knows the same telephone number.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has decided yet.
    Open,
    /// The unit of the known customer has said `same`; the newcomer's unit is asked.
    Agreed,
    /// They are one customer now.
    Same,
    /// They are two, for ever.
    Different,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Open, Self::Agreed, Self::Same, Self::Different];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Agreed => "agreed",
            Self::Same => "same",
            Self::Different => "different",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    Same,
    Different,
}

/// Which of the two customers somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    pub known: bool,
    pub newcomer: bool,
}

impl Sight {
    /// Whether the suspicion itself may be seen.
    #[must_use]
    pub const fn suffices(self, agreed: bool) -> bool {
        self.known || (agreed && self.newcomer)
    }
}

/// What follows from an opinion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One side has agreed.
    Agree,
    Unite,
    Part,
    /// It was said before.
    Nothing,
}

/// `None`: it was decided before, and a decision is not changed.
#[must_use]
pub fn step(state: State, opinion: Opinion, sight: Sight) -> Option<Step> {
    match (state, opinion) {
        (State::Same | State::Different, _) => None,
        (_, Opinion::Different) => Some(Step::Part),
        (_, Opinion::Same) if sight.known && sight.newcomer => Some(Step::Unite),
        (State::Open, Opinion::Same) => Some(Step::Agree),
        (State::Agreed, Opinion::Same) if sight.newcomer => Some(Step::Unite),
        (State::Agreed, Opinion::Same) => Some(Step::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Opinion::{Different, Same};

    const KNOWN: Sight = Sight { known: true, newcomer: false };
    const NEWCOMER: Sight = Sight { known: false, newcomer: true };
    const BOTH: Sight = Sight { known: true, newcomer: true };

    #[test]
    fn nobody_gets_a_customer_whose_unit_has_not_agreed() {
        assert_eq!(step(State::Open, Same, KNOWN), Some(Step::Agree));
        assert_eq!(step(State::Agreed, Same, KNOWN), Some(Step::Nothing));
        assert_eq!(step(State::Agreed, Same, NEWCOMER), Some(Step::Unite));
        for state in [State::Open, State::Agreed] {
            assert_eq!(step(state, Same, BOTH), Some(Step::Unite));
            assert_eq!(step(state, Different, KNOWN), Some(Step::Part));
        }
        assert!(!NEWCOMER.suffices(false) && NEWCOMER.suffices(true) && KNOWN.suffices(false));
    }

    #[test]
    fn a_decision_stands() {
        for state in [State::Same, State::Different] {
            for opinion in [Same, Different] {
                assert_eq!(step(state, opinion, BOTH), None);
            }
        }
    }

    #[test]
    fn states_are_read_as_they_are_written() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("x"), None);
    }
}
