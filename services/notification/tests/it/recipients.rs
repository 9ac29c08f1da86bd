//! Who is told: roles, absences, switches.

use contracts::{
    notification::NoticeSuppressed,
    quality::{
        AppealDecided, AppealLodged, EvaluationPublished, Inspected, RectificationOpened,
        RectificationSnapshot, RectificationVerified, ReportPublished,
    },
    ticketing::{
        TaskOpened, TicketAssigned, TicketEscalated, TicketOpened, TicketReopened, TicketSnapshot,
        TicketUrged, TimerBreached, TimerWarned,
    },
};
use kernel::Role;
use serde_json::{Value, json};

use crate::bench::{self, Bench, ORG, start};

/// Titles in a user's inbox, the newest first.
async fn titles(bench: &Bench, user: &str) -> Vec<String> {
    let client = bench.app.as_user(user, &[Role::Agent], ORG);
    let body = client.get("/api/v1/inbox").send().await.expect(200).body;
    let items = body["items"].as_array().unwrap();
    items.iter().map(|i| i["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn escalations_reach_the_role_that_covers_the_org() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        bench.staff("sun", ORG, &["supervisor"]).await;
        bench.staff("qian", "/acme", &["supervisor", "agent"]).await;
        bench.staff("zhou", "/acme/south", &["supervisor"]).await;
        bench.staff("deng", "/acme", &["director"]).await;
        for (level, target) in [(1, "supervisor"), (2, "department_head"), (3, "director")] {
            let event = TicketEscalated {
                ticket: bench::ticket(None),
                timer_id: None,
                metric: Some("resolution".into()),
                level,
                target: target.into(),
                due_at: None,
                reason: "breached".into(),
            };
            bench.app.deliver(event).await;
        }
        bench.app.run_jobs().await;
        assert_eq!(titles(&bench, "sun").await.len(), 1);
        assert_eq!(titles(&bench, "qian").await.len(), 1);
        assert!(titles(&bench, "zhou").await.is_empty());
        assert_eq!(titles(&bench, "deng").await.len(), 2);
        let to: Vec<String> = bench.mails().iter().map(|m| bench::header(m, "To")).collect();
        let count = |user: &str| to.iter().filter(|t| t.contains(&format!("{user}@"))).count();
        assert_eq!([count("sun"), count("qian"), count("zhou"), count("deng")], [1, 1, 0, 2]);
    }
}

#[tokio::test]
async fn timers_tell_handler_and_first_responder_once_each() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        bench.staff("sun", ORG, &["supervisor"]).await;
        let mut ticket = bench::ticket(None);
        let warned = |ticket| TimerWarned {
            ticket,
            timer_id: kernel::new_id(),
            metric: "first_response".into(),
            percent: 80,
            due_at: bench::at("2026-03-02T02:00:00Z"),
        };
        bench.app.deliver(warned(ticket.clone())).await;
        assert_eq!(titles(&bench, "sun").await.len(), 1, "nobody handles it: the supervisors");
        ticket.first_responder = Some("wang".into());
        ticket.handler = Some("wang".into());
        bench.app.deliver(warned(ticket.clone())).await;
        ticket.handler = Some("li".into());
        let breached = TimerBreached {
            ticket: ticket.clone(),
            timer_id: kernel::new_id(),
            metric: "resolution".into(),
            due_at: bench::at("2026-03-02T02:00:00Z"),
        };
        bench.app.deliver(breached).await;
        bench.app.deliver(TicketUrged { ticket: ticket.clone(), note: None }).await;
        assert_eq!(titles(&bench, "wang").await.len(), 3);
        assert_eq!(titles(&bench, "li").await.len(), 2);
        assert_eq!(titles(&bench, "sun").await.len(), 1);
        assert!(titles(&bench, "wang").await[2].starts_with("80 % of the time for first response"));
        let assigned = TicketAssigned {
            ticket: TicketSnapshot { handler: Some("he".into()), ..ticket.clone() },
            from: None,
            to: Some("he".into()),
            reason: None,
        };
        bench.app.deliver(assigned).await;
        bench.app.deliver(TicketReopened { ticket, reason: "not solved".into() }).await;
        assert_eq!(titles(&bench, "he").await.len(), 1);
        assert_eq!(titles(&bench, "li").await.len(), 3);
    }
}

#[tokio::test]
async fn a_ticket_passed_to_a_department_is_told_to_the_supervisors() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        bench.staff("sun", ORG, &["supervisor"]).await;
        let assigned = TicketAssigned {
            ticket: bench::ticket(None),
            from: Some("li".into()),
            to: Some("claims".into()),
            reason: None,
        };
        bench.app.deliver(assigned).await;
        let told = bench.notices("workflow=ticket_assigned").await;
        assert_eq!(told.len(), 1, "nobody is called like the department: {told:?}");
        assert_eq!(told[0]["recipient"], "sun");
        assert_eq!(told[0]["state"], "delivered");
    }
}

#[tokio::test]
async fn quality_tells_those_whom_it_concerns() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        bench.staff("deng", "/acme", &["director"]).await;
        bench.staff("jian", ORG, &["inspector"]).await;
        let inspected = Inspected {
            inspection_id: kernel::new_id(),
            org: ORG.into(),
            ticket_id: None,
            ticket_number: Some("T2026-000123".into()),
            customer_id: None,
            agent: Some("li".into()),
        };
        let (appeal_id, evaluation_id) = (kernel::new_id(), kernel::new_id());
        let appeal_until = bench::at("2026-03-09T01:00:00Z");
        let published = EvaluationPublished {
            evaluation_id,
            inspected: inspected.clone(),
            score: None,
            fatal: true,
            appeal_until,
        };
        bench.app.deliver(published).await;
        bench
            .app
            .deliver(AppealLodged { appeal_id, evaluation_id, inspected: inspected.clone() })
            .await;
        let decided = AppealDecided {
            appeal_id,
            evaluation_id,
            inspected,
            outcome: "partly".into(),
            score_before: Some(0.0),
            score_after: Some(82.5),
        };
        bench.app.deliver(decided).await;
        let rectification = RectificationSnapshot {
            rectification_id: kernel::new_id(),
            org: ORG.into(),
            evaluation_id: None,
            ticket_id: None,
            customer_id: None,
            title: "Call back".into(),
            owner: "li".into(),
            due_at: appeal_until,
            state: "open".into(),
        };
        bench.app.deliver(RectificationOpened { rectification: rectification.clone() }).await;
        bench
            .app
            .deliver(RectificationVerified { rectification, verifier: "sun".into(), passed: false })
            .await;
        let report = ReportPublished {
            report_id: kernel::new_id(),
            org: "/acme".into(),
            period: "2026-03".into(),
            version: 1,
        };
        bench.app.deliver(report).await;
        assert_eq!(
            titles(&bench, "li").await,
            [
                "Rectification not accepted, please redo it: Call back",
                "Rectification assigned to you: Call back",
                "Your appeal has been decided: upheld in part",
                "Your service was scored: T2026-000123",
            ]
        );
        assert_eq!(titles(&bench, "deng").await.len(), 2);
        assert_eq!(titles(&bench, "jian").await.len(), 1);
    }
}

#[tokio::test]
async fn an_empty_role_is_on_record() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let task = TaskOpened {
            ticket: bench::ticket(None),
            task_id: kernel::new_id(),
            department: "warehouse".into(),
            title: "Find it".into(),
            due_at: None,
            mandatory: true,
            head: None,
            department_name: None,
        };
        bench.app.deliver(task).await;
        let told = bench.app.emitted_of::<NoticeSuppressed>().await;
        assert_eq!(
            (told[0].reason.as_str(), told[0].notice.recipient.as_str()),
            ("no_recipient", "role:supervisor")
        );
    }
}

#[tokio::test]
async fn who_has_left_is_told_nothing() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let gone = json!({ "name": "Sun", "roles": ["supervisor"], "active": false });
        admin.put("/api/v1/staff/sun").json(&gone).send().await.expect(200).done();
        let mut ticket = bench::ticket(None);
        ticket.account_manager = Some("sun".into());
        ticket.channel = "web".into();
        bench.app.deliver(TicketOpened { ticket }).await;
        assert!(titles(&bench, "sun").await.is_empty());
        let row = &bench.notices("workflow=ticket_opened_staff").await[0];
        assert_eq!(row["reason"], "no_recipient");
    }
}

#[tokio::test]
async fn a_switch_counts_for_its_subtree_and_the_nearest_wins() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let id = bench.customer("en", Some("a@example.com")).await;
        let url = "/api/v1/workflows/ticket_acknowledged";
        let top = bench.app.as_role(Role::Admin, "/acme");
        let north = bench.app.as_role(Role::Admin, ORG);
        let off = json!({ "enabled": false });
        top.put(url).json(&off).send().await.expect_problem(428, "precondition-required").done();
        let reply = top.put(url).if_match(0).json(&off).send().await.expect(200);
        assert_eq!(reply.version(), 1);
        top.put(url)
            .if_match(0)
            .json(&off)
            .send()
            .await
            .expect_problem(412, "precondition-failed")
            .done();
        bench.open_ticket(Some(id)).await;
        assert!(bench.notices("").await.is_empty());
        let seen = north.get(url).send().await.expect(200);
        assert_eq!(
            (seen.version(), &seen.body["set_by"], &seen.body["enabled"]),
            (0, &json!("/acme"), &json!(false))
        );
        north
            .put(url)
            .if_match(0)
            .json(&json!({ "enabled": true }))
            .send()
            .await
            .expect(200)
            .done();
        bench.open_ticket(Some(id)).await;
        assert_eq!(bench.notices("").await.len(), 1);
        let list = top.get("/api/v1/workflows").send().await.expect(200).body;
        let disabled: Vec<&Value> =
            list["items"].as_array().unwrap().iter().filter(|w| w["enabled"] == false).collect();
        assert_eq!((list["items"].as_array().unwrap().len(), disabled.len()), (19, 1));
        top.get("/api/v1/workflows/nothing").send().await.expect_problem(404, "not-found").done();
    }
}
