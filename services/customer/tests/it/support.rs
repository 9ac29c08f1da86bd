//! What the scenarios share.

use contracts::customer::{CustomerChanged, CustomerRegistered};
use kernel::Role;
use serde_json::{Value, json};
use testkit::{Client, Reply, TestApp, TestDb};

pub async fn start(db: TestDb) -> TestApp {
    TestApp::start(customer::module(), db).await
}

/// May do everything with customers, and see personal data.
pub fn steward(app: &TestApp) -> Client {
    app.as_role(Role::Steward, "/acme")
}

pub fn agent(app: &TestApp) -> Client {
    app.as_role(Role::Agent, "/acme")
}

pub async fn create(client: &Client, body: Value) -> Reply {
    client.post("/api/v1/customers").json(&body).send().await
}

/// A person with a phone number.
pub fn person(name: &str, phone: &str) -> Value {
    json!({ "kind": "person", "name": name, "phone": phone })
}

pub async fn registered(app: &TestApp) -> Vec<CustomerRegistered> {
    app.emitted_of::<CustomerRegistered>().await
}

pub async fn changed(app: &TestApp) -> Vec<CustomerChanged> {
    app.emitted_of::<CustomerChanged>().await
}

/// Names in a list, as answered.
pub fn names(reply: &Reply) -> Vec<String> {
    let items = reply.body["items"].as_array().expect("a list");
    items.iter().map(|i| i["name"].as_str().unwrap_or_default().to_owned()).collect()
}

pub async fn count(app: &TestApp, table: &str) -> i64 {
    let select = format!("SELECT COUNT(*) AS n FROM {table}");
    let row = store::sql::one(&app.db, &select, vec![]).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}
