//! [`Facts`]: rows of all services, messages of all topics, mails, and the ledger.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value;

use crate::{
    chaos::{
        field::Field,
        ledger::Book,
        topics::{self, Message},
    },
    stack::SERVICES,
};

/// Everything that the checks look at.
#[derive(Debug, Default)]
pub struct Facts {
    pub book: Book,
    /// A clock was off: the order of times in rows proves nothing.
    pub skewed: bool,
    pub messages: Vec<Message>,
    /// Messages that were produced again on purpose, and those that are no events.
    pub repeated_on_purpose: usize,
    pub poison: usize,
    /// Duplicates that the deaths of this run may explain.
    pub duplicates_allowed: usize,
    pub stuck: BTreeMap<String, Vec<String>>,
    pub dead_letters: BTreeMap<String, usize>,
    pub expected_dead_letters: BTreeMap<String, usize>,
    /// Rows by `service.table`.
    pub rows: BTreeMap<&'static str, Vec<Value>>,
    /// How many mails came by `Message-ID`.
    pub mails: BTreeMap<String, usize>,
    /// Ids in outboxes in the order of `seq`, by key; empty where outboxes forget what was sent.
    pub outbox: BTreeMap<String, Vec<String>>,
}

const QUERIES: [(&str, &str, &str); 15] = [
    ("customer.customer", "customer", "select id from customer"),
    ("customer.timeline", "customer", "select event_id, customer_id, ticket_id, type from timeline"),
    ("ticketing.customer", "ticketing", "select id from customer"),
    ("notification.customer", "notification", "select id from customer"),
    (
        "ticketing.ticket",
        "ticketing",
        "select id, number, kind, status, customer_id, external_ref, origin_kind, origin_id, urge_count, reopen_count, breached,
         (select count(*) from urge u where u.ticket_id = ticket.id) urges,
         (select count(*) from timer t where t.ticket_id = ticket.id) timers from ticket",
    ),
    (
        "ticketing.article",
        "ticketing",
        "select id, ticket_id, direction from article order by ticket_id, written_at, id",
    ),
    ("ticketing.timer_fire", "ticketing", "select timer_id, step, told from timer_fire"),
    (
        "survey.invitation",
        "survey",
        "select id, ticket_id, cycle, customer_id, state, skip_reason from invitation",
    ),
    (
        "survey.response",
        "survey",
        "select id, invitation_id, ticket_id, customer_id, csat, low, follow_up_id from response",
    ),
    ("quality.survey_answer", "quality", "select response_id from survey_answer"),
    ("quality.serviced_ticket", "quality", "select ticket_id, status from serviced_ticket"),
    ("quality.inspection", "quality", "select id, ticket_id, reasons, state from inspection"),
    ("quality.evaluation", "quality", "select id, inspection_id, state from evaluation"),
    (
        "notification.delivery",
        "notification",
        "select id, event_id, workflow, channel, recipient_kind, recipient, state, ticket_id from delivery",
    ),
    ("notification.inbox_item", "notification", "select delivery_id from inbox_item"),
];

impl Facts {
    /// Reads everything; the suite must be quiet.
    pub fn load(field: &Field, mails: &Path) -> Result<Self, String> {
        let mut facts = Self {
            book: field.ledger.book().clone(),
            skewed: field.deeds.skewed.load(std::sync::atomic::Ordering::SeqCst),
            repeated_on_purpose: field
                .deeds
                .repeated_messages
                .load(std::sync::atomic::Ordering::SeqCst),
            poison: field.deeds.poison_messages.load(std::sync::atomic::Ordering::SeqCst),
            expected_dead_letters: field.dead_letters().clone(),
            messages: topics::read_all(&field.cluster.brokers())?,
            mails: message_ids(mails),
            ..Self::default()
        };
        for (name, service, query) in QUERIES {
            facts.rows.insert(name, field.rows(service, query)?);
        }
        for service in SERVICES {
            facts.look_at_backbone(field, service)?;
        }
        Ok(facts)
    }

    fn look_at_backbone(&mut self, field: &Field, service: &str) -> Result<(), String> {
        let mut stuck = vec![];
        for (what, query) in [
            ("outbox", "select id, type from outbox where published_at is null limit 20"),
            ("parked", "select event_id, error from parked limit 20"),
        ] {
            stuck.extend(field.rows(service, query)?.iter().map(|row| format!("{what} {row}")));
        }
        self.stuck.insert(service.to_owned(), stuck);
        let dead = field.number(service, "select count(*) from dead_letter")?;
        self.dead_letters.insert(service.to_owned(), usize::try_from(dead).unwrap_or_default());
        for row in field.rows(
            service,
            "select id, aggregateid from outbox where topic like '%.events' order by seq",
        )? {
            self.outbox.entry(text(&row, "aggregateid")).or_default().push(text(&row, "id"));
        }
        Ok(())
    }

    #[must_use]
    pub fn of(&self, table: &str) -> &[Value] {
        self.rows.get(table).map_or(&[], Vec::as_slice)
    }

    /// Ids of a table, which may be asked for any column.
    #[must_use]
    pub fn ids(&self, table: &str, column: &str) -> BTreeSet<String> {
        self.of(table).iter().map(|row| text(row, column)).collect()
    }

    /// Events in the order of their first occurrence per partition, copies left out.
    pub fn events(&self) -> impl Iterator<Item = &Message> {
        let mut seen = BTreeSet::new();
        self.messages.iter().filter(move |m| m.id.as_ref().is_some_and(|id| seen.insert(id)))
    }
}

/// A field as text; empty where it is null.
#[must_use]
pub fn text(row: &Value, column: &str) -> String {
    match &row[column] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn message_ids(maildir: &Path) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for folder in ["new", "cur"] {
        let Ok(entries) = fs::read_dir(maildir.join(folder)) else { continue };
        for entry in entries.flatten() {
            let raw = fs::read(entry.path()).unwrap_or_default();
            let raw = String::from_utf8_lossy(&raw);
            let line = raw.lines().find(|l| l.to_ascii_lowercase().starts_with("message-id:"));
            let id = line
                .and_then(|l| l.split_once('<')?.1.split_once('@').map(|(id, _)| id.to_owned()));
            *ids.entry(id.unwrap_or_default()).or_default() += 1;
        }
    }
    ids
}
