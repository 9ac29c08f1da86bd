//! Surveys, follow-ups, inspections: one decision per resolved matter, one response per answer, one
//! inspection per ticket.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Verdict,
    facts::{Facts, text},
    tickets::compare,
};

/// Satisfaction of this or less is followed up.
const LOW: i64 = 2;

pub fn check(facts: &Facts, verdict: &mut Verdict) {
    invitations(facts, verdict);
    responses(facts, verdict);
    follow_ups(facts, verdict);
    quality(facts, verdict);
}

/// Each time a ticket is resolved, its customer is asked or left in peace, once; a customer is
/// asked once within the cool-down, which no run outlasts.
fn invitations(facts: &Facts, verdict: &mut Verdict) {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    for row in facts.of("survey.invitation") {
        *found.entry(format!("{} {}", text(row, "ticket_id"), row["cycle"])).or_default() += 1;
        if row["skip_reason"].is_null() {
            *asked.entry(text(row, "customer_id")).or_default() += 1;
        }
    }
    let mut promised = BTreeSet::new();
    let mut customers = BTreeSet::new();
    for (id, ticket) in &facts.book.tickets {
        promised.extend((0..ticket.resolved).map(|cycle| format!("{id} {cycle}")));
        if ticket.resolved > 0 {
            customers.insert(ticket.customer.clone());
        }
    }
    compare(verdict, "invitations and skips", &found.keys().cloned().collect(), &promised);
    compare(verdict, "customers asked", &asked.keys().cloned().collect(), &customers);
    let double = |counts: &BTreeMap<String, usize>| -> Vec<String> {
        counts.iter().filter(|(_, n)| **n > 1).map(|(what, n)| format!("{what}: {n}")).collect()
    };
    verdict.none("resolved matters decided about more than once", &double(&found));
    verdict.none("customers asked more than once", &double(&asked));
}

fn responses(facts: &Facts, verdict: &mut Verdict) {
    let rows = facts.of("survey.response");
    let found: BTreeSet<String> = rows.iter().map(|r| text(r, "customer_id")).collect();
    let promised = facts.book.answers.keys().cloned().collect();
    compare(verdict, "customers who answered", &found, &promised);
    verdict.same("responses", rows.len(), facts.book.answers.len());
    let wrong: Vec<String> = rows
        .iter()
        .filter(|r| {
            facts.book.answers.get(&text(r, "customer_id")).is_some_and(|a| r["csat"] != a.csat)
        })
        .map(|r| r.to_string())
        .collect();
    verdict.none("responses that say something else", &wrong);
    let kept = facts.ids("quality.survey_answer", "response_id");
    compare(verdict, "answers known to quality", &kept, &facts.ids("survey.response", "id"));
}

/// A bad answer opens one ticket, and the response knows it.
fn follow_ups(facts: &Facts, verdict: &mut Verdict) {
    let tickets =
        facts.of("ticketing.ticket").iter().filter(|r| !text(r, "origin_kind").is_empty());
    let opened: Vec<(String, String)> =
        tickets.map(|r| (text(r, "origin_id"), text(r, "id"))).collect();
    let bad: Vec<(String, String)> = facts
        .of("survey.response")
        .iter()
        .filter(|r| r["csat"].as_i64().is_some_and(|csat| csat <= LOW))
        .map(|r| (text(r, "id"), text(r, "follow_up_id")))
        .collect();
    let (opened, bad): (BTreeSet<_>, BTreeSet<_>) =
        (opened.into_iter().collect(), bad.into_iter().collect());
    let joined = |set: BTreeSet<(String, String)>| {
        set.into_iter().map(|(a, b)| format!("{a} {b}")).collect()
    };
    compare(verdict, "follow-ups of bad answers", &joined(opened), &joined(bad));
}

fn quality(facts: &Facts, verdict: &mut Verdict) {
    let statuses = |table: &str, id: &str| -> BTreeSet<String> {
        facts.of(table).iter().map(|r| format!("{} {}", text(r, id), text(r, "status"))).collect()
    };
    let known = statuses("quality.serviced_ticket", "ticket_id");
    compare(verdict, "tickets known to quality", &known, &statuses("ticketing.ticket", "id"));

    let mut due: BTreeSet<String> = facts
        .events()
        .filter(|e| e.ty == "kefu.ticket.resolved.v1")
        .map(|e| e.data())
        .filter(|data| data["ticket"]["breached"] == true)
        .map(|data| text(&data["ticket"], "ticket_id"))
        .collect();
    let low =
        facts.of("survey.response").iter().filter(|r| r["csat"].as_i64().is_some_and(|c| c <= LOW));
    due.extend(low.map(|r| text(r, "ticket_id")));
    let inspections = facts.of("quality.inspection");
    let drawn: BTreeSet<String> = inspections.iter().map(|r| text(r, "ticket_id")).collect();
    compare(verdict, "inspections that the rules want", &drawn, &due);
    verdict.same("inspections", inspections.len(), drawn.len());

    let rows = facts.of("quality.evaluation");
    let found: BTreeSet<String> = rows.iter().map(|r| text(r, "id")).collect();
    let promised = facts.book.evaluations.values().filter_map(|e| e.evaluation.clone()).collect();
    compare(verdict, "evaluations", &found, &promised);
    let published: BTreeSet<&String> = facts
        .book
        .evaluations
        .values()
        .filter(|e| e.published)
        .filter_map(|e| e.evaluation.as_ref())
        .collect();
    let wrong: Vec<String> = rows
        .iter()
        .filter(|r| (text(r, "state") != "draft") != published.contains(&text(r, "id")))
        .map(|r| r.to_string())
        .collect();
    verdict.none("evaluations that are not as they were left", &wrong);
}
