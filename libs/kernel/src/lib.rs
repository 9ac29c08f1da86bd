//! Shared vocabulary of all services: ids, [`Clock`], [`OrgPath`], [`Actor`] and its rights,
//! [`Problem`] (RFC 9457) and keyset [`Page`]s. No I/O: everything here is a value or a trait.

mod actor;
mod clock;
mod context;
mod fields;
mod org;
mod page;
mod problem;

pub use actor::{Actor, ActorKind, Permission, Role};
pub use clock::{Clock, ManualClock, SystemClock};
pub use context::{Context, TraceContext};
pub use fields::{Fields, limits};
pub use org::{InvalidOrg, OrgPath};
pub use page::{Cursor, Page, PageQuery};
pub use problem::{ErrorCode, FieldError, Locale, Problem, codes};

use uuid::Uuid;

/// A new time-ordered id (UUID version 7, RFC 9562).
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the one place where ids are made")]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
