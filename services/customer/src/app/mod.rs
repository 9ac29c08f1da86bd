//! Use cases, one per file: load → decide → save and emit, in one transaction.

pub mod aftercare;
pub mod amend;
pub mod assign;
pub mod contacts;
pub mod create;
pub mod erase;
pub mod import;
pub mod input;
pub mod intake;
pub mod list;
mod newcomers;
pub mod party;
pub mod publish;
pub mod reach;
pub mod read;
pub mod recognise;
pub mod suspicions;
pub mod tiers;
pub mod timeline;
pub mod unite;
pub mod view;

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Utc};
use kernel::Clock;
use store::{Db, Pii};

use crate::domain::number::Pattern;

/// What every use case works with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub pii: Pii,
    pub numbering: Arc<Numbering>,
}

/// How customers are numbered.
#[derive(Debug, Clone)]
pub struct Numbering {
    /// For enterprises that have no pattern of their own.
    pub pattern: Pattern,
    /// Enterprise (first segment of the organisation path) and its pattern.
    pub own: Vec<(String, Pattern)>,
    /// Where the enterprises' calendar day begins.
    pub offset: FixedOffset,
}

impl Numbering {
    pub(crate) fn of(&self, root: &str) -> &Pattern {
        self.own.iter().find(|(org, _)| org == root).map_or(&self.pattern, |(_, pattern)| pattern)
    }
}

impl App {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}
