//! Customers and tickets: none missing, none twice, each as it was left.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Verdict,
    facts::{Facts, text},
};

pub fn check(facts: &Facts, verdict: &mut Verdict) {
    customers(facts, verdict);
    tickets(facts, verdict);
    articles(facts, verdict);
    timers(facts, verdict);
}

fn customers(facts: &Facts, verdict: &mut Verdict) {
    let promised: BTreeSet<String> = facts.book.customers.keys().cloned().collect();
    for table in ["customer.customer", "ticketing.customer", "notification.customer"] {
        let found = facts.ids(table, "id");
        compare(verdict, table, &found, &promised);
    }
}

/// Neither more nor fewer than promised.
pub fn compare(
    verdict: &mut Verdict,
    what: &str,
    found: &BTreeSet<String>,
    promised: &BTreeSet<String>,
) {
    verdict.line(format!("{what}: {} of {}", found.len(), promised.len()));
    let missing: Vec<String> = promised.difference(found).cloned().collect();
    let strange: Vec<String> = found.difference(promised).cloned().collect();
    verdict.none(&format!("{what}: missing"), &missing);
    verdict.none(&format!("{what}: nobody was told of"), &strange);
}

fn tickets(facts: &Facts, verdict: &mut Verdict) {
    let rows = facts.of("ticketing.ticket");
    let ours = rows.iter().filter(|r| text(r, "origin_kind").is_empty());
    let found: BTreeSet<String> = ours.clone().map(|r| text(r, "id")).collect();
    let promised = facts.book.tickets.keys().cloned().collect();
    compare(verdict, "tickets", &found, &promised);
    let numbers: BTreeSet<String> = rows.iter().map(|r| text(r, "number")).collect();
    verdict.same("ticket numbers", numbers.len(), rows.len());

    let mut wrong = vec![];
    for row in ours {
        let Some(ticket) = facts.book.tickets.get(&text(row, "id")) else { continue };
        let resolved = text(row, "status") == "resolved";
        let same = text(row, "number") == ticket.number
            && text(row, "customer_id") == ticket.customer
            && text(row, "external_ref") == ticket.external_ref
            && text(row, "kind") == ticket.kind
            && row["urge_count"] == ticket.urges
            && row["urges"] == ticket.urges
            && row["reopen_count"] == ticket.reopened
            && resolved == ticket.is_resolved();
        if !same {
            wrong.push(format!("{row}, promised {ticket:?}"));
        }
    }
    verdict.none("tickets that are not as they were left", &wrong);
}

/// The first article is the complaint itself; the others stand in the order of the answers.
fn articles(facts: &Facts, verdict: &mut Verdict) {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in facts.of("ticketing.article") {
        found.entry(text(row, "ticket_id")).or_default().push(text(row, "id"));
    }
    let mut count = 0;
    let mut wrong = vec![];
    for (id, ticket) in &facts.book.tickets {
        let mut promised: Vec<String> = ticket.articles.iter().map(|(id, _)| id.clone()).collect();
        let mut kept: Vec<String> = found.get(id).cloned().unwrap_or_default();
        count += kept.len();
        if facts.skewed {
            let known: BTreeSet<String> = promised.iter().cloned().collect();
            let first = kept.iter().position(|id| !known.contains(id));
            first.map(|at| kept.remove(at));
            kept.sort();
            promised.sort();
        } else if !kept.is_empty() {
            kept.remove(0);
        }
        if kept != promised {
            wrong.push(format!("{id}: {kept:?}, promised {promised:?}"));
        }
    }
    verdict.line(format!("articles: {count}"));
    verdict.none("tickets whose articles are not those promised, in order", &wrong);
}

/// Two timers per ticket and one more per reopening; each step that fired was told once.
fn timers(facts: &Facts, verdict: &mut Verdict) {
    let number = |row: &serde_json::Value, column: &str| row[column].as_u64().unwrap_or_default();
    let wrong: Vec<String> = facts
        .of("ticketing.ticket")
        .iter()
        .filter(|r| number(r, "timers") != 2 + number(r, "reopen_count"))
        .map(|r| r.to_string())
        .collect();
    verdict.none("tickets with too many or too few timers", &wrong);

    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for event in facts.events().filter(|e| e.topic == "kefu.ticketing.events") {
        if let Some(timer) = event.data()["timer_id"].as_str() {
            *told.entry(timer.to_owned()).or_default() += 1;
        }
    }
    let mut fired: BTreeMap<String, usize> = BTreeMap::new();
    for row in facts.of("ticketing.timer_fire").iter().filter(|r| r["told"] == true) {
        *fired.entry(text(row, "timer_id")).or_default() += 1;
    }
    verdict.line(format!("timer steps fired: {}", fired.values().sum::<usize>()));
    let timers: BTreeSet<&String> = fired.keys().chain(told.keys()).collect();
    let wrong: Vec<String> = timers
        .into_iter()
        .filter(|t| fired.get(*t) != told.get(*t))
        .map(|t| format!("{t}: fired {:?}, told {:?}", fired.get(t), told.get(t)))
        .collect();
    verdict.none("timers whose steps were not told exactly once", &wrong);
}
