//! Notices: each event tells each recipient once, and what was delivered by mail did arrive.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Verdict,
    facts::{Facts, text},
    tickets::compare,
};
use crate::chaos::topics::Message;

pub fn check(facts: &Facts, verdict: &mut Verdict) {
    let rows = facts.of("notification.delivery");
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let parts = ["event_id", "workflow", "channel", "recipient_kind", "recipient"];
        *told.entry(parts.map(|p| text(row, p)).join(" ")).or_default() += 1;
    }
    let double: Vec<String> =
        told.iter().filter(|(_, n)| **n > 1).map(|(k, _)| k.clone()).collect();
    verdict.none("recipients told more than once", &double);

    let found: BTreeSet<String> = rows
        .iter()
        .filter(|r| text(r, "channel") == "email" && text(r, "recipient_kind") == "customer")
        .map(|r| format!("{} {} {}", text(r, "event_id"), text(r, "workflow"), text(r, "state")))
        .collect();
    let promised = facts
        .events()
        .filter_map(|event| Some(format!("{} {} delivered", event.id.as_ref()?, workflow(event)?)))
        .collect();
    compare(verdict, "mails to customers", &found, &promised);
    shown(facts, verdict);
    mails(facts, verdict);
}

/// What makes a customer hear by mail.
fn workflow(event: &Message) -> Option<&'static str> {
    let data = || event.data();
    match event.ty.as_str() {
        "kefu.ticket.opened.v1" if data()["ticket"]["origin"].is_null() => {
            Some("ticket_acknowledged")
        }
        "kefu.ticket.replied.v1" if data()["direction"] == "outbound" => Some("ticket_replied"),
        "kefu.ticket.resolved.v1" => Some("ticket_resolved"),
        "kefu.survey.invited.v1" => Some("survey_invited"),
        _ => None,
    }
}

/// A notice in the inbox is one item there.
fn shown(facts: &Facts, verdict: &mut Verdict) {
    let delivered: BTreeSet<String> = facts
        .of("notification.delivery")
        .iter()
        .filter(|r| text(r, "channel") == "inbox" && text(r, "state") == "delivered")
        .map(|r| text(r, "id"))
        .collect();
    compare(
        verdict,
        "inbox items",
        &facts.ids("notification.inbox_item", "delivery_id"),
        &delivered,
    );
    verdict.same("inbox rows", facts.of("notification.inbox_item").len(), delivered.len());
}

fn mails(facts: &Facts, verdict: &mut Verdict) {
    let sent: Vec<String> = facts
        .of("notification.delivery")
        .iter()
        .filter(|r| text(r, "channel") == "email" && text(r, "state") == "delivered")
        .map(|r| text(r, "id"))
        .collect();
    let lost: Vec<String> =
        sent.iter().filter(|id| !facts.mails.contains_key(*id)).cloned().collect();
    verdict.none("mails that never arrived", &lost);
    verdict.mails_again =
        sent.iter().filter_map(|id| facts.mails.get(id)).map(|n| n.saturating_sub(1)).sum();
    verdict
        .line(format!("mails that came again, with the same Message-ID: {}", verdict.mails_again));
}
