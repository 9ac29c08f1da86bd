//! The 360° timeline, built from the events of all services.

use chrono::TimeDelta;
use contracts::{
    notification::{Notice, NoticeDelivered},
    ticketing::{
        TicketAssigned, TicketOpened, TicketResolved, TicketSnapshot, TicketStatusChanged,
    },
};
use events::Outcome;
use kernel::{Clock, Role, TraceContext};
use serde_json::{Value, json};
use testkit::{Client, TestApp};
use uuid::Uuid;

use crate::support::*;

fn ticket(app: &TestApp, id: Uuid, customer: Uuid, status: &str) -> TicketSnapshot {
    let snapshot = json!({
        "ticket_id": id, "number": "T2026-000001", "org": "/acme", "kind": "complaint", "priority": "high",
        "status": status, "subject": "张三 13800138000", "channel": "api", "locale": "zh-CN",
        "customer_id": customer, "opened_at": app.clock.now(), "reopen_count": 0, "urge_count": 0,
        "breached": false, "version": 1
    });
    serde_json::from_value(snapshot).expect("a ticket")
}

fn notice(ticket: Uuid, customer: Uuid) -> Notice {
    Notice {
        delivery_id: kernel::new_id(),
        org: "/acme".into(),
        workflow: "ticket_acknowledged".into(),
        channel: "email".into(),
        recipient_kind: "customer".into(),
        recipient: customer.to_string(),
        customer_id: Some(customer),
        ticket_id: Some(ticket),
        cause_id: kernel::new_id(),
    }
}

fn types(body: &Value) -> Vec<&str> {
    body["items"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn everything_stands_in_order_and_once() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let customer =
            create(&agent, json!({ "kind": "person", "name": "张三" })).await.expect(201).id();
        let ticket_id = kernel::new_id();
        for own in app.emitted().await {
            app.deliver_envelope(&own).await;
        }
        app.clock.advance(TimeDelta::minutes(1));
        let mut opened =
            app.envelope(TicketOpened { ticket: ticket(&app, ticket_id, customer, "new") });
        opened.trace = TraceContext::from_parent(Some(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
        ));
        app.clock.advance(TimeDelta::minutes(1));
        let delivered = app.envelope(NoticeDelivered {
            notice: notice(ticket_id, customer),
            attempts: 1,
            delivered_at: app.clock.now(),
        });
        app.clock.advance(TimeDelta::minutes(1));
        let resolved = app.envelope(TicketResolved {
            ticket: ticket(&app, ticket_id, customer, "resolved"),
            resolution: "已致电 13800138000".into(),
            sealed_resolution: None,
        });
        // Topics have no order among each other, and what comes twice is one entry.
        for event in [&resolved, &opened, &delivered] {
            assert_eq!(app.deliver_envelope(event).await, Outcome::Done);
            assert_eq!(app.deliver_envelope(event).await, Outcome::Duplicate);
        }
        // Somebody else's.
        app.deliver(TicketOpened {
            ticket: ticket(&app, kernel::new_id(), kernel::new_id(), "new"),
        })
        .await;

        let path = format!("/api/v1/customers/{customer}/timeline");
        let all = agent
            .get(&format!("{path}?order=asc&total=true"))
            .header("accept-language", "zh-CN")
            .send()
            .await
            .expect(200);
        assert_eq!(
            types(&all.body),
            [
                "kefu.customer.registered.v1",
                "kefu.ticket.opened.v1",
                "kefu.notification.delivered.v1",
                "kefu.ticket.resolved.v1"
            ]
        );
        assert_eq!(all.body["total"], 4);
        let line = &all.body["items"][1];
        assert_eq!(
            (&line["title"], &line["summary"]["number"]),
            (&json!("工单受理"), &json!("T2026-000001"))
        );
        assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(!all.text.contains("13800138000"));
        let english =
            agent.get(&format!("{path}?ticket_id={ticket_id}&limit=1")).send().await.expect(200);
        assert_eq!(english.body["items"][0]["title"], "ticket resolved");
        let cursor = english.body["next_cursor"].as_str().unwrap();
        let rest = agent
            .get(&format!("{path}?ticket_id={ticket_id}&cursor={cursor}"))
            .send()
            .await
            .expect(200);
        assert_eq!(types(&rest.body), ["kefu.notification.delivered.v1", "kefu.ticket.opened.v1"]);
        agent
            .get(&format!("{path}?order=asc&cursor={cursor}"))
            .send()
            .await
            .expect_problem(400, "invalid-cursor")
            .done();
    }
}

#[tokio::test]
async fn identity_is_resolved_when_the_timeline_is_read() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let customer =
            create(&agent, json!({ "kind": "person", "name": "张三" })).await.expect(201).id();
        let old = kernel::new_id();
        app.deliver(TicketOpened { ticket: ticket(&app, kernel::new_id(), old, "new") }).await;
        let path = format!("/api/v1/customers/{customer}/timeline");
        assert!(types(&agent.get(&path).send().await.expect(200).body).is_empty());
        let insert =
            "INSERT INTO customer_alias (alias_id, customer_id, created_at) VALUES ($1, $2, $3)";
        store::sql::execute(
            &app.db,
            insert,
            vec![old.into(), customer.into(), app.clock.now().into()],
        )
        .await
        .unwrap();
        for id in [customer, old] {
            let reply =
                agent.get(&format!("/api/v1/customers/{id}/timeline")).send().await.expect(200);
            assert_eq!(types(&reply.body), ["kefu.ticket.opened.v1"]);
        }
    }
}

#[tokio::test]
async fn who_inspects_blind_learns_no_name() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let body = json!({ "kind": "person", "name": "张三", "account_manager": "mia.chen" });
        let customer = create(&steward, body).await.expect(201).id();
        for own in app.emitted().await {
            app.deliver_envelope(&own).await;
        }
        let handled = TicketSnapshot {
            handler: Some("amy.agent".into()),
            account_manager: Some("mia.chen".into()),
            ..ticket(&app, kernel::new_id(), customer, "open")
        };
        let mut opened = app.envelope(TicketOpened { ticket: handled.clone() });
        opened.actor = "amy.agent".into();
        let assigned = TicketAssigned {
            ticket: handled.clone(),
            from: Some("bob.agent".into()),
            to: Some("amy.agent".into()),
            reason: None,
        };
        let status = TicketStatusChanged {
            ticket: handled,
            from: "new".into(),
            to: "open".into(),
            reason: None,
        };
        for event in [opened, app.envelope(assigned), app.envelope(status)] {
            assert_eq!(app.deliver_envelope(&event).await, Outcome::Done);
        }
        let paths = [
            format!("/api/v1/customers/{customer}"),
            format!("/api/v1/customers/{customer}/timeline"),
            format!("/api/v1/customers/{customer}/assignments"),
            "/api/v1/customers".to_owned(),
        ];
        let seen = async |client: &Client| {
            let mut seen = String::new();
            for path in &paths {
                seen += &client.get(path).send().await.expect(200).text;
            }
            seen
        };
        let all = seen(&steward).await;
        for name in ["mia.chen", "amy.agent", "bob.agent"] {
            assert!(all.contains(name), "{name} in {all}");
        }
        for roles in [&[Role::Inspector][..], &[Role::Inspector, Role::Steward]] {
            let ian = app.as_user("ian", roles, "/acme");
            let blind = seen(&ian).await;
            for name in ["mia.chen", "amy.agent", "bob.agent"] {
                assert!(!blind.contains(name), "{name} in {blind}");
            }
            assert!(blind.contains(r#""from":"new""#), "{blind}");
            let asked = ian.get("/api/v1/customers?account_manager=mia.chen").send().await;
            asked.expect_problem(403, "forbidden").done();
        }
    }
}
