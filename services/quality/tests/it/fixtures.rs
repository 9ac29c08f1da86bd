//! Tickets, answers and the usual people.

use chrono::{DateTime, Utc};
use contracts::{
    survey::{SurveyAnswered, SurveySubject},
    ticketing::{TicketResolved, TicketSnapshot},
};
use kernel::{Clock, Role};
use serde_json::{Value, json};
use testkit::{Client, TestApp};
use uuid::Uuid;

pub const ORG: &str = "/acme/north";

/// Starts the service on every database and runs the scenario.
macro_rules! on_every_database {
    (async |$app:ident| $body:block) => {
        for db in testkit::databases().await {
            eprintln!("on {}", db.name);
            let $app = testkit::TestApp::start(quality::module(), db).await;
            $body
        }
    };
}
pub(crate) use on_every_database;

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A resolved complaint of `agent`, an hour old.
pub fn ticket(app: &TestApp, agent: &str) -> TicketSnapshot {
    let now = app.clock.now();
    let id = kernel::new_id();
    TicketSnapshot {
        ticket_id: id,
        number: format!("T2026-{}", &id.simple().to_string()[24..]),
        org: ORG.into(),
        kind: "complaint".into(),
        category: None,
        priority: "normal".into(),
        status: "resolved".into(),
        complaint_level: Some("general".into()),
        subject: "包裹破损".into(),
        channel: "api".into(),
        locale: "zh-CN".into(),
        customer_id: Some(kernel::new_id()),
        tier: Some("vip".into()),
        account_manager: None,
        queue: None,
        first_responder: Some(agent.into()),
        handler: Some(agent.into()),
        parent_id: None,
        origin: None,
        opened_at: now - chrono::TimeDelta::minutes(60),
        first_responded_at: Some(now - chrono::TimeDelta::minutes(50)),
        resolved_at: Some(now),
        closed_at: None,
        reopen_count: 0,
        urge_count: 0,
        breached: false,
        resolution_attained: Some(true),
        response_attained: Some(true),
        version: 5,
        kind_name: None,
        category_name: None,
        first_response_due_at: None,
        resolution_due_at: None,
    }
}

pub fn resolved(ticket: TicketSnapshot) -> TicketResolved {
    TicketResolved { ticket, resolution: "赔付".into(), sealed_resolution: None }
}

pub fn answered(
    app: &TestApp,
    ticket: &TicketSnapshot,
    csat: i32,
    nps: Option<i32>,
) -> SurveyAnswered {
    SurveyAnswered {
        response_id: kernel::new_id(),
        invitation_id: kernel::new_id(),
        subject: SurveySubject {
            org: ticket.org.clone(),
            survey_key: "csat".into(),
            survey_version: 1,
            ticket_id: Some(ticket.ticket_id),
            ticket_number: Some(ticket.number.clone()),
            kind: Some(ticket.kind.clone()),
            customer_id: ticket.customer_id,
            tier: ticket.tier.clone(),
            handler: ticket.handler.clone(),
            first_responder: ticket.first_responder.clone(),
            account_manager: None,
        },
        csat: Some(csat),
        nps,
        comment: None,
        answered_at: app.clock.now(),
    }
}

pub fn admin(app: &TestApp) -> Client {
    app.as_user("ada", &[Role::Admin], "/acme")
}

pub fn inspector(app: &TestApp, name: &str) -> Client {
    app.as_user(name, &[Role::Inspector], "/acme")
}

pub fn agent(app: &TestApp, name: &str) -> Client {
    app.as_user(name, &[Role::Agent], ORG)
}

pub fn supervisor(app: &TestApp) -> Client {
    app.as_user("sue", &[Role::Supervisor], ORG)
}

pub fn director(app: &TestApp) -> Client {
    app.as_user("dora", &[Role::Director], "/acme")
}

/// The only inspection of a ticket.
pub async fn inspection_of(app: &TestApp, ticket: Uuid) -> Value {
    let reply = director(app)
        .get(&format!("/api/v1/inspections?ticket_id={ticket}"))
        .send()
        .await
        .expect(200);
    let items = reply.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{}", reply.text);
    items[0].clone()
}

/// Answers to the built-in scorecard that give 100.
pub fn perfect() -> Vec<Value> {
    vec![
        json!({ "item": "first_reply", "value": 5 }),
        json!({ "item": "kept_informed", "value": true }),
        json!({ "item": "understood", "value": 5 }),
        json!({ "item": "solution", "value": "right" }),
        json!({ "item": "cause", "value": true }),
        json!({ "item": "promise", "na": true }),
        json!({ "item": "courtesy", "value": 5 }),
        json!({ "item": "integrity", "value": true }),
        json!({ "item": "complete", "value": true }),
    ]
}

/// The perfect answers with some replaced.
pub fn answers(changes: &[(&str, Value)]) -> Vec<Value> {
    let change = |a: Value| match changes.iter().find(|(item, _)| a["item"] == *item) {
        Some((item, value)) => json!({ "item": item, "value": value }),
        None => a,
    };
    perfect().into_iter().map(change).collect()
}

/// A ticket of `agent` that the risk rule drew, evaluated by `ivy` with the given answers and
/// published; the id of the evaluation.
pub async fn evaluated(
    app: &TestApp,
    by: &str,
    changes: &[(&str, Value)],
) -> (TicketSnapshot, Uuid) {
    let ticket = TicketSnapshot { breached: true, ..ticket(app, by) };
    app.deliver(resolved(ticket.clone())).await;
    let inspection = inspection_of(app, ticket.ticket_id).await;
    let ivy = inspector(app, "ivy");
    let path = format!("/api/v1/inspections/{}/evaluations", inspection["id"].as_str().unwrap());
    let id =
        ivy.post(&path).json(&json!({ "answers": answers(changes) })).send().await.expect(201).id();
    ivy.post(&format!("/api/v1/evaluations/{id}/publish")).send().await.expect(200).done();
    (ticket, id)
}

pub async fn evaluation(app: &TestApp, id: Uuid) -> Value {
    director(app).get(&format!("/api/v1/evaluations/{id}")).send().await.expect(200).body
}
