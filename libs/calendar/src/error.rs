//! What can be wrong with a calendar, or with a question put to it.

use chrono::{DateTime, Utc};
use kernel::Text;

use crate::arith::HORIZON_YEARS;

/// An invalid specification, or a question that has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The specification is wrong at `path`, a JSON pointer (RFC 6901) into the
    /// [`CalendarSpec`](crate::CalendarSpec), such as `/week/mon/0`.
    #[error("{path}: {message}")]
    Invalid { path: String, message: Text },

    /// The calendar does not hold enough business time within [`HORIZON_YEARS`] after `from`.
    #[error("not enough business time within {HORIZON_YEARS} years after {from}")]
    Unreachable { from: DateTime<Utc> },

    /// The instant lies outside the years 1 to 9999.
    #[error("{at} is outside the years 1 to 9999")]
    OutOfRange { at: DateTime<Utc> },
}

impl CalendarError {
    /// The JSON pointer to the wrong field; `None` unless the specification is at fault.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Invalid { path, .. } => Some(path),
            Self::Unreachable { .. } | Self::OutOfRange { .. } => None,
        }
    }

    pub(crate) fn invalid(path: impl Into<String>, message: Text) -> Self {
        Self::Invalid { path: path.into(), message }
    }
}
