//! What the suite has promised: everything that was answered 2xx, by kind and id, in the order in
//! which each ticket saw it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Filled by the load, read by the reconciliation.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Book>);

#[derive(Debug, Clone, Default)]
pub struct Book {
    /// By id.
    pub customers: BTreeMap<String, Customer>,
    /// By id.
    pub tickets: BTreeMap<String, Ticket>,
    /// Accepted answers by the ticket that was asked about.
    pub answers: BTreeMap<String, Answered>,
    /// Evaluations by inspection.
    pub evaluations: BTreeMap<String, Evaluated>,
    /// Broken promises seen while the load ran.
    pub complaints: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Customer {
    pub email: String,
}

#[derive(Debug, Clone, Default)]
pub struct Ticket {
    pub number: String,
    pub customer: String,
    pub kind: String,
    pub external_ref: String,
    /// Ids and directions, in the order in which they were accepted.
    pub articles: Vec<(String, String)>,
    pub urges: usize,
    pub resolved: usize,
    pub reopened: usize,
}

impl Ticket {
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.resolved > self.reopened
    }
}

#[derive(Debug, Clone)]
pub struct Answered {
    pub csat: i64,
}

#[derive(Debug, Clone, Default)]
pub struct Evaluated {
    /// Absent where the only answer that told it was lost.
    pub evaluation: Option<String>,
    pub published: bool,
}

impl Ledger {
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A promise that was broken towards a caller.
    pub fn complain(&self, what: String) {
        let mut book = self.book();
        if book.complaints.len() < 50 {
            book.complaints.push(what);
        }
    }

    /// Changes one ticket.
    pub fn ticket(&self, id: &str, change: impl FnOnce(&mut Ticket)) {
        if let Some(ticket) = self.book().tickets.get_mut(id) {
            change(ticket);
        }
    }
}
