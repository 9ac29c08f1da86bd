//! Telephone and e-mail for those who work on a ticket of the customer.

use contracts::{
    Event,
    ticketing::{
        TaskEnded, TaskOpened, TicketAssigned, TicketChanged, TicketOpened, TicketResolved,
        TicketSnapshot,
    },
};
use kernel::{Clock, Permission, Role};
use serde_json::{Value, json};
use testkit::{Client, Reply, TestApp};
use uuid::Uuid;

use crate::support::*;

const PHONE: &str = "13800138000";
const EMAIL: &str = "zhang.san@secret.example";

fn user(app: &TestApp, name: &str) -> Client {
    app.as_user(name, &[Role::Agent], "/acme")
}

fn ticket(app: &TestApp, customer: Uuid, handler: Option<&str>) -> TicketSnapshot {
    let snapshot = json!({
        "ticket_id": kernel::new_id(), "number": "T2026-000001", "org": "/acme", "kind": "complaint",
        "priority": "high", "status": "open", "subject": "x", "channel": "phone", "locale": "zh-CN",
        "customer_id": customer, "handler": handler, "first_responder": "bob",
        "opened_at": app.clock.now(), "reopen_count": 0, "urge_count": 0, "breached": false, "version": 2
    });
    serde_json::from_value(snapshot).expect("a ticket")
}

async fn tell<E: Event>(app: &TestApp, event: E) {
    app.deliver(event).await;
}

fn assigned(ticket: &TicketSnapshot) -> TicketAssigned {
    let to = ticket.handler.clone();
    TicketAssigned { ticket: ticket.clone(), from: None, to, reason: None }
}

async fn reach(client: &Client, customer: Uuid, ticket: Uuid) -> Reply {
    let body = json!({ "ticket_id": ticket, "reason": "回电核实" });
    client.post(&format!("/api/v1/customers/{customer}/contact-reveals")).json(&body).send().await
}

async fn zhang(app: &TestApp) -> Uuid {
    let body = json!({ "kind": "person", "name": "张三", "phone": PHONE, "email": EMAIL });
    create(&steward(app), body).await.expect(201).id()
}

#[tokio::test]
async fn who_works_on_a_ticket_calls_its_customer() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let customer = zhang(&app).await;
        let mut matter = ticket(&app, customer, Some("amy"));
        tell(&app, assigned(&matter)).await;
        let id = matter.ticket_id;

        let shown = reach(&user(&app, "amy"), customer, id).await.expect(200);
        assert_eq!(
            (&shown.body["phone"], &shown.body["email"], &shown.body["contacts"]),
            (&json!("+8613800138000"), &json!(EMAIL), &json!([]))
        );
        reach(&user(&app, "bob"), customer, id).await.expect(200).done();
        // Masked elsewhere, as before.
        let masked = user(&app, "amy").get(&format!("/api/v1/customers/{customer}")).send().await;
        assert!(!masked.expect(200).text.contains("138000"));

        // Who, for which ticket, why.
        let log = steward(&app).get(&format!("/api/v1/customers/{customer}/pii-accesses"));
        let log = log.send().await.expect(200).body["items"].as_array().unwrap().clone();
        let line = |entry: &Value| {
            ["actor", "what", "ticket_id", "purpose"].map(|f| entry[f].as_str().unwrap().to_owned())
        };
        let expected = ["bob", "amy"]
            .map(|who| [who, "reach", &id.to_string(), "回电核实"].map(str::to_owned));
        assert_eq!(log.iter().map(line).collect::<Vec<_>>(), expected);

        // Not for others, partner systems, another ticket, another customer, or without a reason.
        let other = zhang_two(&app).await;
        let named = app.as_client("amy", &[Permission::CustomerContact], "/acme");
        for (client, customer, ticket) in [
            (user(&app, "cem"), customer, id),
            (app.as_user("lea", &[Role::Supervisor], "/acme"), customer, id),
            (named, customer, id),
            (user(&app, "amy"), customer, kernel::new_id()),
            (user(&app, "amy"), other, id),
        ] {
            let refused = reach(&client, customer, ticket).await;
            refused.expect_problem(403, "not-your-ticket").done();
        }
        let mute = json!({ "ticket_id": id, "reason": " " });
        let path = format!("/api/v1/customers/{customer}/contact-reveals");
        let refused = user(&app, "amy").post(&path).json(&mute).send().await;
        assert_eq!(refused.expect_problem(422, "invalid").problem_pointers(), ["/reason"]);
        let elsewhere = app.as_user("amy", &[Role::Agent], "/other");
        reach(&elsewhere, customer, id).await.expect_problem(404, "not-found").done();

        // Handed on, it is the next one's; finished, nobody's. A late word changes nothing.
        let old = assigned(&matter);
        matter.handler = Some("cem".into());
        matter.version = 3;
        tell(&app, assigned(&matter)).await;
        tell(&app, old).await;
        reach(&user(&app, "cem"), customer, id).await.expect(200).done();
        reach(&user(&app, "amy"), customer, id).await.expect_problem(403, "not-your-ticket").done();
        matter.status = "resolved".into();
        matter.version = 4;
        tell(
            &app,
            TicketResolved { ticket: matter, resolution: "x".into(), sealed_resolution: None },
        )
        .await;
        reach(&user(&app, "cem"), customer, id).await.expect_problem(403, "not-your-ticket").done();
        assert_eq!(count(&app, "pii_access_log").await, 3, "refusals show nothing");
    }
}

async fn zhang_two(app: &TestApp) -> Uuid {
    create(&steward(app), person("李四", "13900139000")).await.expect(201).id()
}

#[tokio::test]
async fn the_head_of_a_department_that_was_asked_may_call() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let organisation = json!({ "kind": "organisation", "name": "华星" });
        let customer = create(&steward(&app), organisation).await.expect(201).id();
        let contact = json!({ "role": "采购", "name": "李四", "phone": "13911112222" });
        let contacts = format!("/api/v1/customers/{customer}/contacts");
        steward(&app).post(&contacts).json(&contact).send().await.expect(201).done();
        let matter = ticket(&app, customer, Some("amy"));
        let (id, task_id) = (matter.ticket_id, kernel::new_id());
        tell(
            &app,
            TaskOpened {
                ticket: matter.clone(),
                task_id,
                department: "field".into(),
                title: "x".into(),
                due_at: None,
                mandatory: true,
                head: Some("hal".into()),
                department_name: None,
            },
        )
        .await;
        let shown = reach(&user(&app, "hal"), customer, id).await.expect(200);
        assert_eq!(shown.body["contacts"][0]["phone"], "+8613911112222");
        tell(
            &app,
            TaskEnded {
                ticket: matter,
                task_id,
                department: "field".into(),
                outcome: "done".into(),
                on_time: None,
            },
        )
        .await;
        reach(&user(&app, "hal"), customer, id).await.expect_problem(403, "not-your-ticket").done();
    }
}

#[tokio::test]
async fn a_claim_made_just_now_is_waited_for() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let customer = zhang(&app).await;
        let mut matter = ticket(&app, customer, None);
        tell(&app, TicketOpened { ticket: matter.clone() }).await;
        matter.handler = Some("amy".into());
        matter.version += 1;
        let amy = user(&app, "amy");
        let (answer, ()) = tokio::join!(reach(&amy, customer, matter.ticket_id), async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            tell(&app, assigned(&matter)).await;
        });
        answer.expect(200).done();
    }
}

#[tokio::test]
async fn a_corrected_ticket_moves_to_its_customer() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let (wrong, right) = (zhang(&app).await, zhang_two(&app).await);
        let mut matter = ticket(&app, wrong, Some("amy"));
        tell(&app, TicketOpened { ticket: matter.clone() }).await;
        let move_to = async |matter: &mut TicketSnapshot, to: Option<Uuid>| {
            let customer_before = std::mem::replace(&mut matter.customer_id, to);
            matter.version += 1;
            let fields = vec!["customer_id".to_owned()];
            tell(&app, TicketChanged { ticket: matter.clone(), fields, customer_before }).await;
        };
        let lines = async |customer: Uuid| {
            let path = format!("/api/v1/customers/{customer}/timeline?total=true");
            agent(&app).get(&path).send().await.expect(200).body["total"].clone()
        };
        assert_eq!((lines(wrong).await, lines(right).await), (json!(1), json!(0)));
        move_to(&mut matter, Some(right)).await;
        assert_eq!((lines(wrong).await, lines(right).await), (json!(0), json!(2)));
        let amy = user(&app, "amy");
        reach(&amy, right, matter.ticket_id).await.expect(200).done();
        let refused = reach(&amy, wrong, matter.ticket_id).await;
        refused.expect_problem(403, "not-your-ticket").done();
        move_to(&mut matter, None).await;
        assert_eq!((lines(wrong).await, lines(right).await), (json!(0), json!(0)));
    }
}

#[tokio::test]
async fn who_is_forgotten_is_worked_for_by_nobody() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let customer = zhang(&app).await;
        let mut matter = ticket(&app, customer, Some("amy"));
        tell(&app, assigned(&matter)).await;
        let erasure = steward(&app).post(&format!("/api/v1/customers/{customer}/erasure"));
        erasure.json(&json!({ "reason": "requested" })).send().await.expect(201).done();
        assert_eq!(count(&app, "ticket_work").await, 0);
        matter.version += 1;
        tell(&app, assigned(&matter)).await;
        let known = "SELECT COUNT(*) AS n FROM ticket_work WHERE customer_id IS NOT NULL";
        let row = store::sql::one(&app.db, known, vec![]).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "n").unwrap(), 0, "nor by a late word");
        let refused = reach(&user(&app, "amy"), customer, matter.ticket_id).await;
        refused.expect_problem(409, "customer-erased").done();
    }
}
