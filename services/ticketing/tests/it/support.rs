//! What the scenarios share.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::customer::{CustomerChanged, CustomerRegistered, CustomerSnapshot, ServiceStandard};
use kernel::{Clock, Role};
use serde_json::{Value, json};
use testkit::{Client, Reply, TestApp};
use uuid::Uuid;

/// Starts the service on every database and runs the scenario.
macro_rules! on_every_database {
    (async |$app:ident| $body:block) => {
        for db in testkit::databases().await {
            eprintln!("on {}", db.name);
            let $app = testkit::TestApp::start(ticketing::module(), db).await;
            $body
        }
    };
}
pub(crate) use on_every_database;

pub const ORG: &str = "/acme/north";

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn agent(app: &TestApp, name: &str) -> Client {
    app.as_user(name, &[Role::Agent], ORG)
}

/// Leads the agents of the unit.
pub fn lead(app: &TestApp) -> Client {
    app.as_user("lea", &[Role::Supervisor], ORG)
}

/// Configures the enterprise.
pub fn admin(app: &TestApp) -> Client {
    app.as_user("ada", &[Role::Admin], "/acme")
}

/// What opens a ticket of a kind.
pub fn matter(kind: &str, subject: &str) -> Value {
    json!({ "kind": kind, "subject": subject })
}

pub async fn open(client: &Client, body: &Value) -> Reply {
    client.post("/api/v1/tickets").json(body).send().await.expect(201)
}

pub async fn read(client: &Client, id: Uuid) -> Reply {
    client.get(&format!("/api/v1/tickets/{id}")).send().await.expect(200)
}

/// Posts to `/api/v1/tickets/{id}/{action}`.
pub async fn act(client: &Client, id: Uuid, action: &str, body: Value) -> Reply {
    client.post(&format!("/api/v1/tickets/{id}/{action}")).json(&body).send().await
}

/// A public answer to the customer.
pub async fn answer(client: &Client, id: Uuid, body: &str) -> Reply {
    act(client, id, "articles", json!({ "direction": "outbound", "body": body })).await.expect(201)
}

/// What the customer says.
pub async fn hear(client: &Client, id: Uuid, body: &str) -> Reply {
    act(client, id, "articles", json!({ "direction": "inbound", "body": body })).await.expect(201)
}

pub async fn resolve(client: &Client, id: Uuid) -> Reply {
    act(client, id, "resolve", json!({ "resolution": "done" })).await.expect(200)
}

pub async fn timers(client: &Client, id: Uuid) -> Vec<Value> {
    let reply = client.get(&format!("/api/v1/tickets/{id}/timers")).send().await.expect(200);
    reply.body["items"].as_array().unwrap().clone()
}

/// The timer of a metric in its last cycle.
pub async fn timer(client: &Client, id: Uuid, metric: &str) -> Value {
    let all = timers(client, id).await;
    let found =
        all.into_iter().filter(|t| t["metric"] == metric).max_by_key(|t| t["cycle"].as_i64());
    found.unwrap_or_else(|| panic!("there is no timer {metric}"))
}

pub fn time(value: &Value) -> DateTime<Utc> {
    at(value.as_str().unwrap_or_else(|| panic!("{value} is no time")))
}

/// The fields of the history, oldest first, as `field: old → new`.
pub async fn history(client: &Client, id: Uuid) -> Vec<String> {
    let path = format!("/api/v1/tickets/{id}/history?limit=200");
    let reply = client.get(&path).send().await.expect(200);
    let text = |v: &Value| v.as_str().unwrap_or("-").to_owned();
    let line =
        |h: &Value| format!("{}: {} → {}", text(&h["field"]), text(&h["old"]), text(&h["new"]));
    reply.body["items"].as_array().unwrap().iter().map(line).collect()
}

/// Types of the events about a ticket, oldest first, without `kefu.ticket.` and version.
pub async fn told(app: &TestApp, id: Uuid) -> Vec<String> {
    let all = app.emitted().await;
    let own = all.iter().filter(|e| e.data["ticket"]["ticket_id"] == id.to_string());
    own.map(|e| e.ty.trim_start_matches("kefu.ticket.").trim_end_matches(".v1").to_owned())
        .collect()
}

/// How many events of a type there are about a ticket.
pub async fn told_times(app: &TestApp, id: Uuid, what: &str) -> usize {
    told(app, id).await.iter().filter(|ty| *ty == what).count()
}

/// A customer of the unit.
pub fn customer(tier: Option<&str>) -> CustomerSnapshot {
    CustomerSnapshot {
        customer_id: kernel::new_id(),
        number: "C000001".into(),
        org: ORG.into(),
        orgs: vec![],
        kind: "person".into(),
        name: contracts::Sealed("sealed".into()),
        email: None,
        phone: None,
        locale: "zh-CN".into(),
        tier: tier.map(str::to_owned),
        standard: Some(ServiceStandard { sla_policy: None, channel: None, revisit_days: None }),
        account_manager: None,
        merged_into: None,
        version: 1,
    }
}

/// Makes the service know a customer; answers his id.
pub async fn known_customer(app: &TestApp) -> Uuid {
    let customer = customer(None);
    let id = customer.customer_id;
    app.deliver(CustomerRegistered { customer }).await;
    id
}

pub async fn customer_changes(app: &TestApp, customer: CustomerSnapshot) {
    app.deliver(CustomerChanged { customer, changed: vec!["tier".into()] }).await;
}

pub fn advance(app: &TestApp, minutes: i64) {
    app.clock.advance(TimeDelta::minutes(minutes));
}

pub fn now(app: &TestApp) -> DateTime<Utc> {
    app.clock.now()
}

pub async fn count(app: &TestApp, table: &str) -> i64 {
    let select = format!("SELECT COUNT(*) AS n FROM {table}");
    let row = store::sql::one(&app.db, &select, vec![]).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

/// Saves a configuration document; `version` is the one that was read, 0 for a new one.
pub async fn configure(app: &TestApp, path: &str, version: i64, document: &Value) -> Reply {
    admin(app)
        .put(&format!("/api/v1/{path}"))
        .if_match(version)
        .json(document)
        .send()
        .await
        .expect(200)
}

/// A policy on a calendar, without conditions and instead of all others.
pub fn policy(calendar: &str, response: Value, resolution: Value) -> Value {
    json!({
        "name": { "zh": "政策", "en": "policy" }, "order": 1, "exclusive": true, "calendar": calendar,
        "first_response_minutes": response, "resolution_minutes": resolution,
        "warn_percents": [50, 90],
        "escalations": [{ "after_minutes": 0, "target": "supervisor" }, { "after_minutes": 30, "target": "director" }],
    })
}
