//! What a list of tickets may be asked for, and what the ordered indexes know of it.

use chrono::{DateTime, Utc};
use kernel::OrgPath;
use uuid::Uuid;

use super::facets;
use crate::domain::lifecycle::Status;

/// Which tickets; checked already. Empty lists and absent values ask for nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// The enterprise.
    pub root: String,
    /// A unit with everything below it.
    pub org: Option<OrgPath>,
    pub statuses: Vec<&'static str>,
    pub queue: Option<String>,
    pub handler: Option<String>,
    /// Only what has no handler.
    pub unassigned: bool,
    pub customer_id: Option<Uuid>,
    pub parent_id: Option<Uuid>,
    pub number: Option<String>,
    pub external_ref: Option<String>,
    pub import_number: Option<String>,
    pub kind: Option<String>,
    pub category: Option<String>,
    pub priority: Option<String>,
    pub first_responder: Option<String>,
    pub breached: Option<bool>,
    pub opened_from: Option<DateTime<Utc>>,
    pub opened_to: Option<DateTime<Utc>>,
    /// Tokens of the words that must all be there ([`store::text::query_tokens`]).
    pub words: Vec<String>,
}

impl Wanted {
    /// Tokens by which slices are searched.
    pub(super) fn tokens(&self) -> Vec<String> {
        let mut tokens = self.words.clone();
        tokens.extend(self.org.as_ref().map(|o| facets::org(o.as_str())));
        tokens.extend(self.kind.as_deref().map(facets::kind));
        tokens.extend(self.category.as_deref().map(facets::category));
        tokens.extend(self.priority.as_deref().map(facets::priority));
        tokens.extend(self.first_responder.as_deref().map(facets::first_responder));
        tokens
    }

    /// Whether an index leads to a few rows at once.
    pub(super) fn few(&self) -> bool {
        self.customer_id.is_some()
            || self.parent_id.is_some()
            || self.number.is_some()
            || self.external_ref.is_some()
            || self.import_number.is_some()
    }

    /// Whether all three columns are given by which one index is ordered.
    pub(super) fn classed(&self) -> bool {
        self.kind.is_some() && self.category.is_some() && self.priority.is_some()
    }

    /// Whether an index in the order of time begins with more than the enterprise.
    pub(super) fn listed(&self) -> bool {
        self.classed() || self.by_status()
    }

    /// Whether that index holds one status after the other.
    pub(super) fn by_status(&self) -> bool {
        !self.statuses.is_empty()
            || self.queue.is_some()
            || self.handler.is_some()
            || self.unassigned
    }

    /// The statuses asked for; all where none is named.
    pub(super) fn statuses(&self) -> Vec<&'static str> {
        match self.statuses.is_empty() {
            true => Status::ALL.map(Status::as_str).to_vec(),
            false => self.statuses.clone(),
        }
    }

    /// Only what one of the ordered indexes knows.
    pub(super) fn list(&self) -> Self {
        if self.classed() {
            let (kind, category) = (self.kind.clone(), self.category.clone());
            return Self { kind, category, priority: self.priority.clone(), ..self.bare() };
        }
        let (queue, handler) = (self.queue.clone(), self.handler.clone());
        let unassigned = self.unassigned;
        Self { statuses: self.statuses.clone(), queue, handler, unassigned, ..self.bare() }
    }

    /// Only what every one of them knows.
    fn bare(&self) -> Self {
        Self {
            root: self.root.clone(),
            opened_from: self.opened_from,
            opened_to: self.opened_to,
            ..Self::default()
        }
    }
}
