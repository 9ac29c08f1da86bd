//! Which customers a ticket may be opened for, and those of whom word is still on the way.

use std::time::{Duration, Instant};

use contracts::{
    customer::{CustomerErased, CustomerRegistered, CustomerSnapshot},
    survey::LowScoreRaised,
};
use kernel::{Permission, Role};
use serde_json::{Value, json};
use testkit::{Client, Reply, TestApp};
use uuid::Uuid;

use crate::support::{
    agent, count, customer, customer_changes, matter, now, on_every_database, open,
};

fn of(unit: &str, orgs: &[&str]) -> CustomerSnapshot {
    let orgs = orgs.iter().map(|org| (*org).to_owned()).collect();
    CustomerSnapshot { org: unit.into(), orgs, ..customer(Some("vip")) }
}

async fn register(app: &TestApp, customer: &CustomerSnapshot) -> Uuid {
    app.deliver(CustomerRegistered { customer: customer.clone() }).await;
    customer.customer_id
}

fn complaint(customer: Uuid) -> Value {
    json!({ "kind": "complaint", "subject": "您已中奖", "body": "click here", "customer_id": customer })
}

async fn ask(client: &Client, customer: Uuid) -> Reply {
    client.post("/api/v1/tickets").json(&complaint(customer)).send().await
}

/// A refusal without the one thing that differs from request to request.
fn words(refused: Reply) -> Value {
    let mut body = refused.body;
    body.as_object_mut().unwrap().remove("trace_id");
    body
}

#[tokio::test]
async fn a_customer_of_another_unit_does_not_exist() {
    on_every_database!(async |app| {
        let south = register(&app, &of("/acme/south", &[])).await;
        let above = register(&app, &of("/acme", &["/acme"])).await;
        let beside =
            register(&app, &of("/acme/northeast", &["/acme/northeast", "/acme/south"])).await;
        let callers = [
            agent(&app, "amy"),
            app.as_client("partner", &[Permission::TicketCreate], "/acme/north"),
            app.as_user("ada", &[Role::Admin], "/acme/north"),
        ];
        for caller in &callers {
            let nobody = ask(caller, kernel::new_id()).await.expect_problem(422, "invalid");
            assert_eq!(nobody.problem_pointers(), ["/customer_id"]);
            let nobody = words(nobody);
            for hidden in [south, above, beside] {
                assert_eq!(words(ask(caller, hidden).await), nobody);
            }
        }
        assert_eq!(count(&app, "ticket").await, 0);
        assert!(app.emitted().await.is_empty(), "nobody is written to");
        // Nor can a ticket be made theirs.
        let own = open(&callers[0], &matter("complaint", "x")).await;
        let path = format!("/api/v1/tickets/{}", own.id());
        let relink = async |customer: Uuid| {
            let patch = json!({ "customer_id": customer });
            callers[0].patch(&path).if_match(own.version()).json(&patch).send().await
        };
        let nobody = words(relink(kernel::new_id()).await.expect_problem(422, "invalid"));
        for hidden in [south, above, beside] {
            assert_eq!(words(relink(hidden).await), nobody);
        }
    });
}

#[tokio::test]
async fn units_see_their_customers_and_those_below_also_when_several_brought_them() {
    on_every_database!(async |app| {
        let mut shared = of("/acme/south", &["/acme/south", "/acme/north"]);
        let both = register(&app, &shared).await;
        let shop = register(&app, &of("/acme/north/s1", &["/acme/north/s1"])).await;
        let amy = agent(&app, "amy");
        let sue = app.as_user("sue", &[Role::Agent], "/acme/south");
        assert_eq!(open(&amy, &complaint(both)).await.body["tier"], "vip");
        assert_eq!(open(&sue, &complaint(both)).await.body["tier"], "vip");
        open(&amy, &complaint(shop)).await.done();
        ask(&sue, shop).await.expect_problem(422, "invalid").done();
        // The hotline of the enterprise serves every unit's customers, in its name or theirs.
        let hotline = app.as_user("hot", &[Role::Agent], "/acme");
        for customer in [both, shop] {
            open(&hotline, &complaint(customer)).await.done();
            let mut handed = complaint(customer);
            handed["org"] = json!("/acme/north");
            assert_eq!(open(&hotline, &handed).await.body["customer_id"], json!(customer));
        }
        // What a unit may no longer see it can no longer name.
        (shared.version, shared.orgs) = (2, vec!["/acme/south".into()]);
        customer_changes(&app, shared).await;
        ask(&amy, both).await.expect_problem(422, "invalid").done();
        ask(&sue, both).await.expect(201).done();
    });
}

#[tokio::test]
async fn a_survey_answer_links_no_customer_whom_the_unit_does_not_see() {
    on_every_database!(async |app| {
        let own = register(&app, &of("/acme/north", &[])).await;
        let other = register(&app, &of("/acme/south", &[])).await;
        for customer in [own, other] {
            app.deliver(low_score(customer)).await;
        }
        let list = agent(&app, "amy").get("/api/v1/tickets").send().await.expect(200);
        let mut linked: Vec<&Value> =
            list.body["items"].as_array().unwrap().iter().map(|t| &t["customer_id"]).collect();
        linked.sort_by_key(|id| id.is_null());
        assert_eq!(linked, [&json!(own), &Value::Null]);
    });
}

fn low_score(customer: Uuid) -> LowScoreRaised {
    serde_json::from_value(json!({
        "response_id": kernel::new_id(), "score": 1, "comment": null, "locale": "zh-CN",
        "subject": { "org": "/acme/north", "survey_key": "s", "survey_version": 1, "customer_id": customer },
    }))
    .unwrap()
}

/// An id as it is drawn for a customer at this very moment of the test.
fn made_now(app: &TestApp) -> Uuid {
    let millis = u64::try_from(now(app).timestamp_millis()).unwrap();
    let mut chance = [0; 10];
    chance.copy_from_slice(&kernel::new_id().as_bytes()[6..]);
    uuid::Builder::from_unix_timestamp_millis(millis, &chance).into_uuid()
}

#[tokio::test]
async fn a_ticket_waits_for_a_customer_made_just_now() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        open(&amy, &matter("repair", "first use writes the configuration")).await.done();
        let new = CustomerSnapshot { customer_id: made_now(&app), ..customer(Some("vip")) };
        let arrives = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            // Goes through: who waits holds no lock.
            register(&app, &new).await;
        };
        let since = Instant::now();
        let (opened, ()) = tokio::join!(ask(&amy, new.customer_id), arrives);
        assert_eq!(opened.expect(201).body["tier"], "vip");
        assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    });
}

#[tokio::test]
async fn one_who_does_not_come_in_time_is_not_yet_known() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let late = CustomerSnapshot { customer_id: made_now(&app), ..customer(None) };
        let hidden =
            CustomerSnapshot { customer_id: made_now(&app), ..of("/acme/south", &["/acme/south"]) };
        register(&app, &hidden).await;
        let send = || {
            let call = amy.post("/api/v1/tickets").header("idempotency-key", "k1");
            call.json(&complaint(late.customer_id)).send()
        };
        let (first, other) = tokio::join!(send(), ask(&amy, hidden.customer_id));
        let first = first.expect_problem(409, "customer-not-yet-known");
        assert_eq!(first.problem_pointers(), ["/customer_id"]);
        let wait: u32 = first.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=10).contains(&wait));
        assert_eq!(words(first), words(other), "as one whom the caller may not see");
        register(&app, &late).await;
        send().await.expect(201).done();
        // One who is forgotten will not come.
        let gone = made_now(&app);
        app.deliver(CustomerErased {
            customer_id: gone,
            former_ids: vec![],
            number: "C1".into(),
            org: "/acme/north".into(),
            version: 3,
            erased_at: now(&app),
        })
        .await;
        let since = Instant::now();
        ask(&amy, gone).await.expect_problem(422, "invalid").done();
        // Nor one who must have come long ago, nor an id that is no customer's.
        let old = made_now(&app);
        app.clock.advance(chrono::TimeDelta::minutes(11));
        for never in [old, Uuid::from_u128(0xc4ca_4238_a0b9_4382_8dcc_509a_6f75_849b)] {
            ask(&amy, never).await.expect_problem(422, "invalid").done();
        }
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    });
}
