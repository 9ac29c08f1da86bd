//! Taking over a log in local time, and with the customers who called.

use contracts::{
    customer::{CustomerRegistered, CustomerSnapshot},
    ticketing::TicketImported,
};
use serde_json::{Value, json};
use testkit::{Client, Reply, TestApp};

use crate::support::{ORG, admin, at, customer, history, lead, now, on_every_database, time};

fn row(line: u32, number: &str, state: &str, updated: &str, customer: &str) -> Value {
    json!({
        "line": line, "number": number, "incident_state": state, "sys_updated_at": updated,
        "opened_at": "29-02-2016 01:16", "priority": "3 - Moderate", "caller_id": "Caller 7",
        "customer_id": customer,
    })
}

async fn import(client: &Client, more: Value, rows: &[Value]) -> Reply {
    let mut body = json!({ "source": "servicenow", "org": ORG, "rows": rows });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.post("/api/v1/ticket-imports/servicenow").json(&body).send().await
}

async fn ticket(app: &TestApp, number: &str) -> Value {
    let path = format!("/api/v1/tickets?import_number={number}");
    lead(app).get(&path).send().await.expect(200).body["items"][0].clone()
}

fn outcomes(reply: &Reply) -> Vec<&str> {
    let rows = reply.body["rows"].as_array().unwrap();
    rows.iter().map(|r| r["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn times_are_those_of_the_named_zone() {
    on_every_database!(async |app| {
        let rows = [row(2, "INC1", "New", "29-02-2016 01:23", "")];
        let zone = json!({ "timezone": "Asia/Shanghai" });
        import(&admin(&app), zone, &rows).await.expect(200).done();
        let ticket = ticket(&app, "INC1").await;
        assert_eq!(time(&ticket["opened_at"]), at("2016-02-28T17:16:00Z"));
        let unknown = json!({ "timezone": "Asia/Beijing" });
        let refused = import(&admin(&app), unknown, &rows).await.expect_problem(422, "invalid");
        assert_eq!(refused.problem_pointers(), ["/timezone"]);
    });
}

#[tokio::test]
async fn a_ticket_gets_the_customer_who_called() {
    on_every_database!(async |app| {
        let vip = customer(Some("vip"));
        let caller = vip.customer_id.to_string();
        app.deliver(CustomerRegistered { customer: vip }).await;
        let other = customer(None);
        let other_id = other.customer_id.to_string();
        app.deliver(CustomerRegistered { customer: other }).await;
        let admin = admin(&app);
        let log = |customer: &str| {
            [
                row(2, "INC1", "New", "29-02-2016 01:23", customer),
                row(3, "INC1", "Active", "29-02-2016 02:00", customer),
            ]
        };
        let first = import(&admin, json!({}), &log("")).await.expect(200);
        assert_eq!(outcomes(&first), ["applied", "applied"]);
        assert_eq!(ticket(&app, "INC1").await["customer_id"], Value::Null);

        // The same rows again, now with the caller.
        let linked = import(&admin, json!({}), &log(&caller)).await.expect(200);
        assert_eq!(outcomes(&linked), ["unchanged", "applied"]);
        let found = ticket(&app, "INC1").await;
        assert_eq!((&found["customer_id"], &found["tier"]), (&json!(caller), &json!("vip")));
        assert_eq!(found["status"], "open");
        let lines = history(&lead(&app), found["id"].as_str().unwrap().parse().unwrap()).await;
        let set = lines.iter().filter(|line| line.starts_with("customer_id: ")).count();
        assert_eq!(set, 1, "{lines:#?}");
        let told = app.emitted_of::<TicketImported>().await;
        assert_eq!(told.last().unwrap().ticket.customer_id.unwrap().to_string(), caller);

        // Once more it says nothing new; and a ticket keeps the customer that it has.
        for customer in [&caller, &other_id] {
            let again = import(&admin, json!({}), &log(customer)).await.expect(200);
            assert_eq!(outcomes(&again), ["unchanged", "unchanged"]);
        }
        assert_eq!(ticket(&app, "INC1").await["customer_id"], json!(caller));

        let new = [row(4, "INC2", "New", "29-02-2016 01:23", &caller)];
        import(&admin, json!({}), &new).await.expect(200).done();
        assert_eq!(ticket(&app, "INC2").await["customer_id"], json!(caller));
    });
}

#[tokio::test]
async fn a_row_that_names_nobody_is_refused_and_one_made_just_now_waited_for() {
    on_every_database!(async |app| {
        let mut south = customer(None);
        south.org = "/acme/south".into();
        let hidden = south.customer_id.to_string();
        app.deliver(CustomerRegistered { customer: south }).await;
        let mut rows = vec![
            row(2, "INC1", "New", "29-02-2016 01:23", "c4ca4238-a0b9-4382-8dcc-509a6f75849b"),
            row(3, "INC2", "New", "29-02-2016 01:23", "7"),
            row(4, "INC4", "New", "29-02-2016 01:23", ""),
        ];
        let reply = import(&admin(&app), json!({}), &rows).await.expect(200);
        assert_eq!(outcomes(&reply), ["error", "error", "applied"]);
        let fault = |i: usize| {
            let error = &reply.body["rows"][i]["error"];
            (
                error["code"].as_str().unwrap().to_owned(),
                error["pointer"].as_str().unwrap().to_owned(),
            )
        };
        assert_eq!(fault(0), ("unknown-customer".into(), "/rows/0/customer_id".into()));
        assert_eq!(fault(1), ("malformed".into(), "/rows/1/customer_id".into()));
        let north = app.as_client("mover", &[kernel::Permission::TicketImport], "/acme/north");
        let theirs = [row(5, "INC5", "New", "29-02-2016 01:23", &hidden)];
        let refused = import(&north, json!({}), &theirs).await.expect(200);
        assert_eq!(refused.body["rows"][0]["error"]["code"], "unknown-customer");
        assert_eq!(ticket(&app, "INC5").await, Value::Null);

        let coming = CustomerSnapshot { customer_id: made_now(&app), ..customer(None) };
        let id = coming.customer_id.to_string();
        rows = vec![row(6, "INC6", "New", "29-02-2016 01:23", &id)];
        let admin = admin(&app);
        let arrives = async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            app.deliver(CustomerRegistered { customer: coming.clone() }).await;
        };
        let (reply, ()) = tokio::join!(import(&admin, json!({}), &rows), arrives);
        assert_eq!(outcomes(&reply.expect(200)), ["applied"]);
        assert_eq!(ticket(&app, "INC6").await["customer_id"], json!(id));

        let late = made_now(&app).to_string();
        rows = vec![row(7, "INC7", "New", "29-02-2016 01:23", &late)];
        let reply = import(&admin, json!({}), &rows).await;
        reply.expect_problem(409, "customer-not-yet-known").done();
        assert_eq!(ticket(&app, "INC7").await, Value::Null, "nothing has been taken over");
    });
}

/// An id as it is drawn for a customer at this very moment of the test.
fn made_now(app: &TestApp) -> uuid::Uuid {
    let millis = u64::try_from(now(app).timestamp_millis()).unwrap();
    let mut chance = [0; 10];
    chance.copy_from_slice(&kernel::new_id().as_bytes()[6..]);
    uuid::Builder::from_unix_timestamp_millis(millis, &chance).into_uuid()
}
