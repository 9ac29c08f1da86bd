//! Rectification: opened by a fatal item or a low score, done by the owner, verified by another.

use contracts::{
    quality::{RectificationDone, RectificationOpened, RectificationVerified},
    ticketing::{TicketChanged, TicketSnapshot},
};
use kernel::Role;
use serde_json::{Value, json};

use crate::fixtures::{
    ORG, agent, at, director, evaluated, inspection_of, inspector, on_every_database, resolved,
    supervisor, ticket,
};

#[tokio::test]
async fn inspection_and_rectification_follow_a_corrected_customer() {
    on_every_database!(async |app| {
        let (mut ticket, _) = evaluated(&app, "amy", &[("integrity", json!(false))]).await;
        let (id, before, right) = (ticket.ticket_id, ticket.customer_id, kernel::new_id());
        ticket.version += 1;
        ticket.customer_id = Some(right);
        let mut changed = TicketChanged {
            ticket,
            fields: vec!["customer_id".into(), "tier".into()],
            customer_before: before,
        };
        app.deliver(changed.clone()).await;
        let customers = async || {
            let inspection = inspection_of(&app, id).await;
            let orders = director(&app).get("/api/v1/rectifications").send().await.expect(200);
            (inspection["customer_id"].clone(), orders.body["items"][0]["customer_id"].clone())
        };
        assert_eq!(customers().await, (json!(right), json!(right)));
        // Another change of the ticket touches neither.
        changed.fields = vec!["priority".into()];
        changed.ticket.version += 1;
        changed.ticket.customer_id = before;
        app.deliver(changed.clone()).await;
        assert_eq!(customers().await, (json!(right), json!(right)));
    });
}

#[tokio::test]
async fn a_fatal_item_is_mended_and_verified_by_somebody_else() {
    on_every_database!(async |app| {
        let (ticket, evaluation) = evaluated(&app, "amy", &[("integrity", json!(false))]).await;
        let opened = app.emitted_of::<RectificationOpened>().await;
        assert_eq!(opened.len(), 1);
        let snapshot = &opened[0].rectification;
        assert_eq!((snapshot.owner.as_str(), snapshot.evaluation_id), ("amy", Some(evaluation)));
        assert_eq!(
            (snapshot.ticket_id, snapshot.customer_id),
            (Some(ticket.ticket_id), ticket.customer_id)
        );
        assert_eq!(snapshot.due_at, at("2026-03-05T10:00:00Z"), "end of the third working day");
        let path = format!("/api/v1/rectifications/{}", snapshot.rectification_id);

        let (done, verify) = (format!("{path}/done"), format!("{path}/verify"));
        let evidence = json!({ "evidence": "已向客户致歉并重新培训" });
        let pass = json!({ "passed": true });
        let fail = json!({ "passed": false, "note": "未见培训记录" });
        supervisor(&app)
            .post(&done)
            .json(&evidence)
            .send()
            .await
            .expect_problem(403, "not-the-owner")
            .done();
        supervisor(&app)
            .post(&verify)
            .json(&pass)
            .send()
            .await
            .expect_problem(409, "rectification-state")
            .done();
        agent(&app, "amy")
            .post(&done)
            .json(&json!({ "evidence": " " }))
            .send()
            .await
            .expect_problem(422, "invalid")
            .done();
        agent(&app, "amy").post(&done).json(&evidence).send().await.expect(200).done();
        agent(&app, "amy")
            .post(&done)
            .json(&evidence)
            .send()
            .await
            .expect_problem(409, "rectification-state")
            .done();

        agent(&app, "amy")
            .post(&verify)
            .json(&pass)
            .send()
            .await
            .expect_problem(409, "verifier-is-owner")
            .done();
        let promoted = app.as_user("amy", &[Role::Supervisor], ORG);
        promoted
            .post(&verify)
            .json(&pass)
            .send()
            .await
            .expect_problem(409, "verifier-is-owner")
            .done();
        agent(&app, "bob").post(&verify).json(&pass).send().await.expect(404).done();
        supervisor(&app)
            .post(&verify)
            .json(&json!({ "passed": false }))
            .send()
            .await
            .expect_problem(422, "invalid")
            .done();
        app.clock.set(at("2026-03-06T01:00:00Z"));
        let reopened = supervisor(&app).post(&verify).json(&fail).send().await.expect(200);
        assert_eq!(
            (&reopened.body["state"], &reopened.body["reopen_count"]),
            (&json!("open"), &json!(1))
        );
        assert_eq!(reopened.body["due_at"], "2026-03-11T10:00:00Z");
        assert_eq!(
            (&reopened.body["done_at"], &reopened.body["overdue"]),
            (&Value::Null, &json!(false))
        );
        agent(&app, "amy").post(&done).json(&evidence).send().await.expect(200).done();
        let verified = supervisor(&app).post(&verify).json(&pass).send().await.expect(200);
        assert_eq!(
            (&verified.body["state"], &verified.body["verifier"]),
            (&json!("verified"), &json!("sue"))
        );

        let whole = agent(&app, "amy").get(&path).send().await.expect(200);
        let steps: Vec<&str> = whole.body["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["action"].as_str().unwrap())
            .collect();
        assert_eq!(steps, ["opened", "done", "reopened", "done", "verified"]);
        let times: Vec<bool> =
            app.emitted_of::<RectificationDone>().await.iter().map(|d| d.on_time).collect();
        assert_eq!(times, [true, true]);
        let told = app.emitted_of::<RectificationVerified>().await;
        let told: Vec<(bool, &str)> =
            told.iter().map(|v| (v.passed, v.rectification.state.as_str())).collect();
        assert_eq!(told, [(false, "open"), (true, "verified")]);
    });
}

#[tokio::test]
async fn a_low_score_opens_one_and_a_good_one_does_not() {
    on_every_database!(async |app| {
        evaluated(&app, "amy", &[]).await;
        // 20·(2·0+1)/3 + 50·(0+0+1)/4 + 20·0.5 + 10 = 39.17
        let low = [
            ("first_reply", json!(1)),
            ("understood", json!(1)),
            ("solution", json!("wrong")),
            ("courtesy", json!(1)),
        ];
        evaluated(&app, "bob", &low).await;
        let list = director(&app).get("/api/v1/rectifications").send().await.expect(200);
        let items = list.body["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{}", list.text);
        assert_eq!((&items[0]["owner"], &items[0]["cause"]), (&json!("bob"), &json!("low_score")));
    });
}

#[tokio::test]
async fn one_can_be_opened_by_hand_and_falls_overdue() {
    on_every_database!(async |app| {
        let path = "/api/v1/rectifications";
        let body = json!({ "title": "更新话术", "owner": "bob", "due_at": "2026-03-03T02:00:00Z", "required_evidence": "新版话术" });
        agent(&app, "amy")
            .post(path)
            .json(&body)
            .send()
            .await
            .expect_problem(403, "not-a-lead")
            .done();
        inspector(&app, "ivy")
            .post(path)
            .json(&body)
            .send()
            .await
            .expect_problem(403, "forbidden")
            .done();
        let past = json!({ "title": "x", "owner": "bob", "due_at": "2026-03-01T00:00:00Z" });
        supervisor(&app).post(path).json(&past).send().await.expect_problem(422, "invalid").done();
        let opened = supervisor(&app)
            .post(path)
            .json(&body)
            .header("idempotency-key", "1")
            .send()
            .await
            .expect(201);
        supervisor(&app)
            .post(path)
            .json(&body)
            .header("idempotency-key", "1")
            .send()
            .await
            .expect(201)
            .done();
        assert_eq!(
            (&opened.body["cause"], &opened.body["overdue"]),
            (&json!("manual"), &json!(false))
        );
        let overdue = async |wanted: bool| {
            let found = supervisor(&app)
                .get(&format!("{path}?overdue={wanted}&total=true"))
                .send()
                .await
                .expect(200);
            found.body["total"].as_u64().unwrap()
        };
        assert_eq!((overdue(true).await, overdue(false).await), (0, 1));
        app.clock.set(at("2026-03-03T02:00:01Z"));
        assert_eq!((overdue(true).await, overdue(false).await), (1, 0));
        let done = format!("{path}/{}/done", opened.id());
        agent(&app, "bob")
            .post(&done)
            .json(&json!({ "evidence": "v2" }))
            .send()
            .await
            .expect(200)
            .done();
        assert_eq!(
            app.emitted_of::<RectificationDone>()
                .await
                .iter()
                .map(|d| d.on_time)
                .collect::<Vec<_>>(),
            [false]
        );
        assert_eq!(app.emitted_of::<RectificationOpened>().await.len(), 1);
    });
}

#[tokio::test]
async fn an_order_names_only_tickets_that_its_author_may_see() {
    on_every_database!(async |app| {
        let foreign = TicketSnapshot { org: "/acme/south".into(), ..ticket(&app, "zoe") };
        let (own, evaluation) = evaluated(&app, "amy", &[]).await;
        app.deliver(resolved(foreign.clone())).await;
        let open = async |about: Value| {
            let mut body = json!({ "title": "x", "owner": "amy" });
            body.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
            supervisor(&app).post("/api/v1/rectifications").json(&body).send().await
        };
        let mut refused = vec![];
        for id in [foreign.ticket_id, kernel::new_id()] {
            let reply = open(json!({ "ticket_id": id })).await.expect_problem(422, "invalid");
            assert_eq!(reply.body["errors"][0]["pointer"], "/ticket_id");
            refused.push(reply.body["errors"].clone());
        }
        assert_eq!(refused[0], refused[1], "answered as one that does not exist");
        open(json!({ "ticket_id": own.ticket_id })).await.expect(201).done();
        let second = ticket(&app, "amy");
        app.deliver(resolved(second.clone())).await;
        let both = json!({ "ticket_id": second.ticket_id, "evaluation_id": evaluation });
        open(both).await.expect_problem(422, "invalid").done();
    });
}

#[tokio::test]
async fn an_order_does_not_name_the_agent_of_a_blind_inspection() {
    on_every_database!(async |app| {
        let risky = TicketSnapshot { breached: true, ..ticket(&app, "amy") };
        app.deliver(resolved(risky.clone())).await;
        let body = json!({ "title": "x", "owner": "amy", "ticket_id": risky.ticket_id });
        let order = supervisor(&app).post("/api/v1/rectifications").json(&body).send().await;
        let order = format!("/api/v1/rectifications/{}", order.expect(201).id());
        let ivy = inspector(&app, "ivy");
        let list = format!("/api/v1/rectifications?ticket_id={}", risky.ticket_id);
        for path in [&order, &list] {
            let seen = supervisor(&app).get(path).send().await.expect(200).text;
            assert!(seen.contains("\"amy\""), "{seen}");
            let blind = ivy.get(path).send().await.expect(200).text;
            assert!(!blind.contains("\"amy\"") && !blind.contains("\"sue\""), "{blind}");
        }
        let asked = ivy.get("/api/v1/rectifications?owner=amy&total=true").send().await.expect(200);
        assert_eq!(asked.body["total"], 0);
        // What follows from a published evaluation names its owner.
        evaluated(&app, "amy", &[("integrity", json!(false))]).await;
        let asked = ivy.get("/api/v1/rectifications?owner=amy").send().await.expect(200);
        assert_eq!(asked.body["items"][0]["owner"], "amy");
    });
}
