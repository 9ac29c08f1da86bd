//! What the scenarios share.

use std::collections::BTreeMap;

use contracts::{
    customer::CustomerSnapshot,
    survey::{SurveyInvited, SurveySkipped},
    ticketing::{Origin, TicketOpened, TicketResolved, TicketSnapshot},
};
use kernel::{Clock, Role};
use serde_json::{Value, json};
use store::sql;
use testkit::{Client, TestApp};
use uuid::Uuid;

/// The service on both databases, one after the other.
pub async fn apps() -> Vec<TestApp> {
    let mut apps = vec![];
    for db in testkit::databases().await {
        apps.push(TestApp::start(survey::module(), db).await);
    }
    apps
}

pub fn ticket(app: &TestApp) -> TicketSnapshot {
    let now = app.clock.now();
    serde_json::from_value(json!({
        "ticket_id": kernel::new_id(), "number": "T2026-000001", "org": "/acme/north", "kind": "complaint", "category": null,
        "priority": "normal", "status": "resolved", "complaint_level": null, "subject": "包裹破损", "channel": "phone",
        "locale": "zh-CN", "customer_id": kernel::new_id(), "tier": "vip", "account_manager": "mia", "queue": null,
        "first_responder": "ben", "handler": "anna", "parent_id": null, "origin": null, "opened_at": now,
        "first_responded_at": null, "resolved_at": now, "closed_at": null, "reopen_count": 0, "urge_count": 0,
        "breached": false, "resolution_attained": true, "response_attained": true, "version": 3
    }))
    .unwrap()
}

/// A customer as the customer service tells of them.
pub fn customer(id: Uuid, units: &[&str], version: i64) -> CustomerSnapshot {
    serde_json::from_value(json!({
        "customer_id": id, "number": "C000001", "org": units[0], "orgs": units, "kind": "person", "name": "sealed",
        "email": null, "phone": null, "locale": "zh-CN", "tier": null, "standard": null, "account_manager": null,
        "version": version
    }))
    .unwrap()
}

pub fn resolved(ticket: &TicketSnapshot) -> TicketResolved {
    TicketResolved {
        ticket: ticket.clone(),
        resolution: "replaced".into(),
        sealed_resolution: None,
    }
}

/// The follow-up ticket that ticketing opens for a response.
pub fn follow_up(app: &TestApp, response_id: Uuid) -> TicketOpened {
    let origin = Some(Origin { kind: "survey_response".into(), id: response_id });
    let ticket = TicketSnapshot {
        origin,
        channel: "survey".into(),
        number: "T2026-000777".into(),
        ..ticket(app)
    };
    TicketOpened { ticket }
}

/// Resolves the ticket and gives the token of the invitation that follows.
pub async fn invite(app: &TestApp, ticket: &TicketSnapshot) -> String {
    app.deliver(resolved(ticket)).await;
    let invited = invitations(app).await;
    token(app, invited.last().expect("an invitation"))
}

pub async fn invitations(app: &TestApp) -> Vec<SurveyInvited> {
    app.emitted_of::<SurveyInvited>().await
}

pub async fn skips(app: &TestApp) -> Vec<String> {
    app.emitted_of::<SurveySkipped>().await.into_iter().map(|s| s.reason).collect()
}

pub fn token(app: &TestApp, invited: &SurveyInvited) -> String {
    let link = app.pii.open(&invited.link.0).unwrap();
    let (base, token) = link.split_once("/s/").expect("a link to the answer page");
    assert!(base.starts_with("http") && token.len() == 43, "{base}");
    token.to_owned()
}

pub fn admin(app: &TestApp) -> Client {
    app.as_role(Role::Admin, "/acme")
}

/// The built-in survey, which is there after the first ticket.
pub async fn builtin_survey(app: &TestApp) -> Uuid {
    let list = admin(app).get("/api/v1/surveys").send().await.expect(200);
    let found = list.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["key"] == "csat_after_service")
        .unwrap()
        .clone();
    found["id"].as_str().unwrap().parse().unwrap()
}

/// The built-in trigger's id and version.
pub async fn builtin_trigger(app: &TestApp) -> Value {
    let list = admin(app).get("/api/v1/survey-triggers").send().await.expect(200);
    list.body["items"][0].clone()
}

/// Changes members of the built-in trigger.
pub async fn change_trigger(app: &TestApp, changes: Value) {
    let mut trigger = builtin_trigger(app).await;
    let url = format!("/api/v1/survey-triggers/{}", trigger["id"].as_str().unwrap());
    let version = trigger["version"].as_i64().unwrap();
    let body = trigger.as_object_mut().unwrap();
    for key in ["id", "org", "version", "created_at", "updated_at"] {
        body.remove(key);
    }
    for (key, value) in changes.as_object().unwrap() {
        body.insert(key.clone(), value.clone());
    }
    admin(app).put(&url).if_match(version).json(&trigger).send().await.expect(200).done();
}

pub async fn post_form(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> testkit::Reply {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    app.anonymous().post(path).body("application/x-www-form-urlencoded", body).send().await
}

/// Every value of every table of this service, as text: to find what must not be there, or to see
/// that nothing has changed.
pub async fn dump(app: &TestApp) -> BTreeMap<String, Vec<String>> {
    const TABLES: [&str; 16] = [
        "enterprise",
        "survey",
        "survey_version",
        "survey_trigger",
        "invitation",
        "invitation_link",
        "ticket",
        "customer",
        "customer_unit",
        "contact",
        "response",
        "answer",
        "outbox",
        "inbox",
        "idempotency",
        "parked",
    ];
    let mut dump = BTreeMap::new();
    for table in TABLES {
        let columns = if app.db.is_postgres() {
            "SELECT column_name AS name FROM information_schema.columns WHERE table_name = $1 ORDER BY 1"
        } else {
            "SELECT name FROM pragma_table_info($1) ORDER BY 1"
        };
        for row in sql::all(&app.db, columns, vec![table.into()]).await.unwrap() {
            let column: String = row.try_get("", "name").unwrap();
            // SQLite keeps ids as bytes.
            let text = if app.db.is_postgres() {
                format!("cast(\"{column}\" AS text)")
            } else {
                format!(
                    "CASE typeof(\"{column}\") WHEN 'blob' THEN hex(\"{column}\") ELSE cast(\"{column}\" AS text) END"
                )
            };
            let query = format!("SELECT coalesce({text}, '') AS v FROM {table} ORDER BY 1");
            let values = sql::all(&app.db, &query, vec![]).await.unwrap();
            let values = values.iter().map(|r| r.try_get("", "v").unwrap()).collect();
            dump.insert(format!("{table}.{column}"), values);
        }
    }
    assert!(dump.len() > 60, "{:?}", dump.keys());
    dump
}
