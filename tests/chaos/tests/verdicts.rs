//! The reconciliation as a pure function: a small world in order, and each way to break it.

use kefu_tests::chaos::{
    ledger::{Answered, Book, Customer, Ticket},
    reconcile::{Facts, judge},
    topics::Message,
};
use serde_json::{Value, json};

fn event(topic: &str, key: &str, id: &str, ty: &str, data: &Value) -> Message {
    Message {
        topic: format!("kefu.{topic}.events"),
        partition: 0,
        offset: 0,
        key: key.to_owned(),
        id: Some(id.to_owned()),
        ty: ty.to_owned(),
        payload: data.to_string().into_bytes(),
        headers: vec![],
    }
}

fn ticket(version: i64) -> Value {
    json!({ "ticket_id": "t", "customer_id": "c", "version": version, "breached": false })
}

/// One customer, one complaint, one reply, resolved, asked and answered.
fn world() -> Facts {
    let mut book = Book::default();
    book.customers.insert("c".into(), Customer { email: "c@example.org".into() });
    let promised = Ticket {
        number: "T1".into(),
        customer: "c".into(),
        kind: "complaint".into(),
        external_ref: "x".into(),
        articles: vec![("a".into(), "outbound".into())],
        resolved: 1,
        ..Ticket::default()
    };
    book.tickets.insert("t".into(), promised);
    book.answers.insert("c".into(), Answered { csat: 5 });
    let messages = vec![
        event(
            "customer",
            "c",
            "e0",
            "kefu.customer.registered.v1",
            &json!({ "customer": { "customer_id": "c", "version": 1 } }),
        ),
        event("ticketing", "t", "e1", "kefu.ticket.opened.v1", &json!({ "ticket": ticket(1) })),
        event(
            "ticketing",
            "t",
            "e2",
            "kefu.ticket.replied.v1",
            &json!({ "ticket": ticket(2), "article_id": "a", "direction": "outbound" }),
        ),
        event("ticketing", "t", "e3", "kefu.ticket.resolved.v1", &json!({ "ticket": ticket(3) })),
        event(
            "survey",
            "i",
            "e4",
            "kefu.survey.invited.v1",
            &json!({ "subject": { "customer_id": "c" } }),
        ),
    ];
    let delivery = |id: &str, event: &str, workflow: &str| {
        json!({ "id": id, "event_id": event, "workflow": workflow, "channel": "email", "recipient_kind": "customer",
            "recipient": "c", "state": "delivered", "ticket_id": "t" })
    };
    let rows = [
        ("customer.customer", vec![json!({ "id": "c" })]),
        ("ticketing.customer", vec![json!({ "id": "c" })]),
        ("notification.customer", vec![json!({ "id": "c" })]),
        (
            "customer.timeline",
            ["e0", "e1", "e2", "e3", "e4"]
                .iter()
                .map(|e| json!({ "event_id": e, "customer_id": "c", "ticket_id": null }))
                .collect(),
        ),
        (
            "ticketing.ticket",
            vec![
                json!({ "id": "t", "number": "T1", "kind": "complaint", "status": "resolved", "customer_id": "c",
                "external_ref": "x", "origin_kind": null, "origin_id": null, "urge_count": 0, "urges": 0,
                "reopen_count": 0, "timers": 2 }),
            ],
        ),
        (
            "ticketing.article",
            vec![
                json!({ "id": "first", "ticket_id": "t" }),
                json!({ "id": "a", "ticket_id": "t" }),
            ],
        ),
        (
            "survey.invitation",
            vec![
                json!({ "id": "i", "ticket_id": "t", "cycle": 0, "customer_id": "c", "state": "answered", "skip_reason": null }),
            ],
        ),
        (
            "survey.response",
            vec![
                json!({ "id": "r", "invitation_id": "i", "ticket_id": "t", "customer_id": "c", "csat": 5, "follow_up_id": null }),
            ],
        ),
        ("quality.survey_answer", vec![json!({ "response_id": "r" })]),
        ("quality.serviced_ticket", vec![json!({ "ticket_id": "t", "status": "resolved" })]),
        (
            "notification.delivery",
            vec![
                delivery("d1", "e1", "ticket_acknowledged"),
                delivery("d2", "e2", "ticket_replied"),
                delivery("d3", "e3", "ticket_resolved"),
                delivery("d4", "e4", "survey_invited"),
            ],
        ),
    ];
    let mails = ["d1", "d2", "d3", "d4"].map(|id| (id.to_owned(), 1)).into();
    Facts { book, messages, rows: rows.into(), mails, ..Facts::default() }
}

fn change(facts: &mut Facts, table: &str, at: usize, column: &str, value: Value) {
    facts.rows.get_mut(table).expect("the table")[at][column] = value;
}

#[track_caller]
fn broken(facts: &Facts, words: &str) {
    let found = judge(facts).broken;
    assert!(found.iter().any(|line| line.contains(words)), "{words:?} not in {found:#?}");
}

#[test]
fn a_world_in_order_is_green() {
    let verdict = judge(&world());
    assert!(verdict.broken.is_empty(), "{:#?}", verdict.broken);
    assert!(verdict.lines.len() > 10);
}

#[test]
fn what_is_lost_is_missed() {
    for (table, words) in [
        ("ticketing.ticket", "tickets: missing"),
        ("customer.customer", "customer.customer: missing"),
        ("notification.customer", "notification.customer: missing"),
        ("customer.timeline", "timeline entries: missing"),
        ("survey.invitation", "invitations and skips: missing"),
        ("survey.response", "customers who answered: missing"),
        ("quality.serviced_ticket", "tickets known to quality: missing"),
        ("notification.delivery", "mails to customers: missing"),
        ("ticketing.article", "articles are not those promised"),
    ] {
        let mut facts = world();
        facts.rows.get_mut(table).unwrap().pop();
        broken(&facts, words);
    }
    let mut facts = world();
    facts.mails.remove("d2");
    broken(&facts, "mails that never arrived");
}

#[test]
fn what_is_double_is_seen() {
    let mut facts = world();
    let twice = facts.of("survey.invitation")[0].clone();
    facts.rows.get_mut("survey.invitation").unwrap().push(twice);
    broken(&facts, "decided about more than once");
    let mut facts = world();
    let twice = facts.of("notification.delivery")[0].clone();
    facts.rows.get_mut("notification.delivery").unwrap().push(twice);
    broken(&facts, "told more than once");
    let mut facts = world();
    facts.messages.extend(facts.messages.clone());
    broken(&facts, "events sent more than once");
    facts.duplicates_allowed = 5;
    assert!(judge(&facts).broken.is_empty());
}

#[test]
fn disorder_is_seen() {
    let mut facts = world();
    facts.messages.swap(1, 3);
    broken(&facts, "out of order");
    // The outbox says what was said in which order.
    let mut facts = world();
    facts.outbox.insert("t".into(), ["e1", "e3", "e2"].map(str::to_owned).into());
    broken(&facts, "not what the outbox held");
    // A copy that comes later is no disorder.
    let mut facts = world();
    facts.messages.push(facts.messages[1].clone());
    facts.repeated_on_purpose = 1;
    assert!(judge(&facts).broken.is_empty());
}

#[test]
fn other_contents_and_loose_ends_are_seen() {
    let mut facts = world();
    change(&mut facts, "ticketing.ticket", 0, "status", json!("open"));
    broken(&facts, "not as they were left");
    let mut facts = world();
    change(&mut facts, "survey.response", 0, "csat", json!(4));
    broken(&facts, "say something else");
    let mut facts = world();
    change(&mut facts, "survey.invitation", 0, "ticket_id", json!("nowhere"));
    broken(&facts, "points to nothing");
    let mut facts = world();
    change(&mut facts, "ticketing.ticket", 0, "timers", json!(3));
    broken(&facts, "too many or too few timers");
    let mut facts = world();
    facts.rows.insert(
        "ticketing.timer_fire",
        vec![json!({ "timer_id": "m", "step": "breach", "told": true })],
    );
    broken(&facts, "not told exactly once");
    let mut facts = world();
    facts.stuck.insert("survey".into(), vec!["parked e4".into()]);
    broken(&facts, "survey: stuck");
    let mut facts = world();
    facts.dead_letters.insert("survey".into(), 1);
    broken(&facts, "dead letters of survey");
    facts.expected_dead_letters.insert("survey".into(), 1);
    assert!(judge(&facts).broken.is_empty());
}
