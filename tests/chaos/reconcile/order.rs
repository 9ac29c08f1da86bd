//! The topics themselves: per key in the order in which things happened, and hardly anything twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Verdict, facts::Facts};

pub fn check(facts: &Facts, verdict: &mut Verdict) {
    duplicates(facts, verdict);
    versions(facts, verdict);
    outboxes(facts, verdict);
    articles(facts, verdict);
}

fn duplicates(facts: &Facts, verdict: &mut Verdict) {
    let distinct = facts.events().count();
    let all = facts.messages.iter().filter(|m| m.id.is_some()).count();
    verdict.duplicates = (all - distinct).saturating_sub(facts.repeated_on_purpose);
    verdict.line(format!(
        "events in topics: {distinct}, sent again: {} (allowed {}), produced again on purpose: {}",
        verdict.duplicates, facts.duplicates_allowed, facts.repeated_on_purpose
    ));
    if verdict.duplicates > facts.duplicates_allowed {
        verdict.broken(format!(
            "events sent more than once: {} of {distinct}, while deaths explain {}",
            verdict.duplicates, facts.duplicates_allowed
        ));
    }
}

/// Versions of an aggregate never go back; several events of one change share one.
fn versions(facts: &Facts, verdict: &mut Verdict) {
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    let mut wrong = vec![];
    for event in facts.events() {
        let Some(version) = version_of(&event.data()) else { continue };
        let before = last.insert(&event.key, version).unwrap_or(0);
        if version < before {
            wrong.push(format!(
                "{} {} of {}: {version} after {before}",
                event.ty, event.offset, event.key
            ));
        }
    }
    verdict.none("keys whose events are out of order", &wrong);
}

fn version_of(data: &Value) -> Option<i64> {
    ["ticket", "customer"].iter().find_map(|part| data[*part]["version"].as_i64())
}

/// Where outboxes keep what was sent: every row is in the topics, in the rows' order per key.
fn outboxes(facts: &Facts, verdict: &mut Verdict) {
    if facts.outbox.is_empty() {
        return;
    }
    let mut sent: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in facts.events() {
        sent.entry(&event.key).or_default().push(event.id.as_deref().unwrap_or_default());
    }
    let mut wrong = vec![];
    let mut rows = 0;
    for (key, written) in &facts.outbox {
        rows += written.len();
        let there = sent.get(key.as_str()).cloned().unwrap_or_default();
        if there != *written {
            wrong.push(difference(key, written, &there));
        }
    }
    verdict.line(format!("outbox rows found in topics, in order per key: {rows}"));
    verdict.none("keys whose topic is not what the outbox held, in order", &wrong);
}

fn difference(key: &str, written: &[String], sent: &[&str]) -> String {
    let known: BTreeSet<&str> = sent.iter().copied().collect();
    let missing = written.iter().filter(|id| !known.contains(id.as_str())).count();
    format!("{key}: {} written, {} sent, {missing} missing", written.len(), sent.len())
}

/// Public articles were told in the order in which they were accepted.
fn articles(facts: &Facts, verdict: &mut Verdict) {
    let mut told: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for event in facts.events().filter(|e| e.ty == "kefu.ticket.replied.v1") {
        let article = event.data()["article_id"].as_str().unwrap_or_default().to_owned();
        told.entry(&event.key).or_default().push(article);
    }
    let mut wrong = vec![];
    for (id, ticket) in &facts.book.tickets {
        let public = ticket.articles.iter().filter(|(_, direction)| direction != "internal");
        let promised: Vec<String> = public.map(|(article, _)| article.clone()).collect();
        let there = told.remove(id.as_str()).unwrap_or_default();
        if there != promised {
            wrong.push(format!("{id}: {there:?}, promised {promised:?}"));
        }
    }
    verdict.none("tickets whose replies were not told once each, in order", &wrong);
}
