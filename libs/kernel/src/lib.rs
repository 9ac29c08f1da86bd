//! Shared vocabulary of all services: ids, [`Clock`], [`OrgPath`], [`Actor`] and its rights,
//! [`Problem`] (RFC 9457), its [`Text`]s in two languages, and keyset [`Page`]s. No I/O: everything here is a value or a trait.

mod actor;
mod clock;
mod context;
mod fields;
mod ids;
mod message;
pub mod messages;
mod org;
mod page;
mod problem;

pub use actor::{Actor, ActorKind, Permission, Role};
pub use clock::{Clock, ManualClock, SystemClock};
pub use context::{Context, TraceContext};
pub use fields::{Fields, limits};
pub use ids::{drawing_ids, new_id};
pub use message::{Arg, Message, Text, faults_of_catalogue, faults_of_codes, is_chinese};
pub use org::{InvalidOrg, OrgPath};
pub use page::{Cursor, Page, PageQuery};
pub use problem::{ErrorCode, FieldError, Locale, Problem, codes};
