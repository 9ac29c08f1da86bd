//! The customer's timeline has one line per event about him, and no row points to nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Verdict, facts::Facts, tickets::compare};

pub fn check(facts: &Facts, verdict: &mut Verdict) {
    let found = facts.ids("customer.timeline", "event_id");
    let concerning = facts.events().filter(|e| about_customer(&e.data()));
    let promised = concerning.filter_map(|e| e.id.clone()).collect();
    compare(verdict, "timeline entries", &found, &promised);
    verdict.same("timeline rows", facts.of("customer.timeline").len(), found.len());
    orphans(facts, verdict);
}

/// Whether an event names a customer, at the places where contracts have him.
fn about_customer(data: &Value) -> bool {
    const PARTS: [&str; 6] =
        ["ticket", "customer", "subject", "inspected", "rectification", "notice"];
    let named = |part: &Value| part["customer_id"].is_string();
    named(data) || PARTS.iter().any(|part| named(&data[*part]))
}

/// References from one service's rows into another's.
fn orphans(facts: &Facts, verdict: &mut Verdict) {
    let references = [
        ("customer.timeline", "customer_id", "customer.customer", "id"),
        ("customer.timeline", "ticket_id", "ticketing.ticket", "id"),
        ("ticketing.ticket", "customer_id", "customer.customer", "id"),
        ("ticketing.ticket", "origin_id", "survey.response", "id"),
        ("survey.invitation", "ticket_id", "ticketing.ticket", "id"),
        ("survey.response", "invitation_id", "survey.invitation", "id"),
        ("survey.response", "follow_up_id", "ticketing.ticket", "id"),
        ("quality.inspection", "ticket_id", "ticketing.ticket", "id"),
        ("quality.evaluation", "inspection_id", "quality.inspection", "id"),
        ("notification.delivery", "ticket_id", "ticketing.ticket", "id"),
    ];
    for (from, column, to, key) in references {
        let there = facts.ids(to, key);
        let lost: BTreeSet<String> = facts
            .ids(from, column)
            .into_iter()
            .filter(|id| !id.is_empty() && !there.contains(id))
            .collect();
        verdict.none(&format!("{from}.{column} points to nothing"), &Vec::from_iter(lost));
    }
}
