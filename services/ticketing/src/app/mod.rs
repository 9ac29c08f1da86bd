//! Use cases, one file each: load → decide → save with history and events, in one transaction.

pub mod auto_close;
pub mod change_ticket;
mod colleagues;
pub mod config_documents;
mod correct_ticket;
mod edit;
pub mod external_ref;
mod facts;
pub mod fire_timers;
pub mod forget_customer;
pub mod hand_over;
pub mod import_servicenow;
mod known;
pub mod known_customer;
pub mod list_tickets;
pub mod move_ticket;
mod numbers;
pub mod open_ticket;
mod owed_timers;
pub mod read_ticket;
pub mod sla_report;
mod snapshot;
pub mod tasks;
pub(crate) mod timers;
mod tracked;
pub mod urge_ticket;
pub mod write_article;

use std::sync::Arc;

use kernel::Clock;
use store::{Db, Pii};

pub use self::{known_customer::Arrivals, numbers::Numbers};
use crate::store::configs::Configs;

/// What use cases work with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub pii: Pii,
    pub configs: Configs,
    pub numbers: Numbers,
    pub arrivals: Arrivals,
}
