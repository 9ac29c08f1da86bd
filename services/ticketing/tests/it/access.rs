//! Who sees and changes what; versions; configuration.

use kernel::{Permission, Role};
use serde_json::{Value, json};
use testkit::Client;

use crate::support::{
    ORG, act, admin, agent, answer, configure, known_customer, lead, matter, on_every_database,
    open, policy, read, told,
};

#[tokio::test]
async fn another_unit_sees_and_changes_nothing() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let id =
            open(&amy, &json!({ "kind": "repair", "subject": "secret", "body": "secret words" }))
                .await
                .id();
        let task = json!({ "department": "it", "title": "look" });
        let task = act(&amy, id, "tasks", task).await.expect(201).id();
        let before = told(&app, id).await;
        for org in ["/acme/south", "/acme/northeast", "/acme/north/s1", "/acm", "/other"] {
            let eve = app.as_user("eve", &[Role::Admin], org);
            for part in ["", "/history", "/timers", "/articles", "/tasks"] {
                eve.get(&format!("/api/v1/tickets/{id}{part}"))
                    .send()
                    .await
                    .expect_problem(404, "not-found")
                    .done();
            }
            for (action, body) in [
                ("claim", json!({})),
                ("assign", json!({ "handler": "eve" })),
                ("transfer", json!({ "queue": "general", "reason": "x" })),
                ("pending", json!({})),
                ("hold", json!({})),
                ("resume", json!({})),
                ("resolve", json!({ "resolution": "x" })),
                ("close", json!({})),
                ("reopen", json!({ "reason": "x" })),
                ("cancel", json!({})),
                ("urge", json!({})),
                ("articles", json!({ "direction": "internal", "body": "x" })),
                ("tasks", json!({ "department": "it", "title": "x" })),
                (&format!("tasks/{task}/done"), json!({})),
                (&format!("tasks/{task}/refuse"), json!({})),
            ] {
                act(&eve, id, action, body).await.expect_problem(404, "not-found").done();
            }
            let patch = eve
                .patch(&format!("/api/v1/tickets/{id}"))
                .if_match(1)
                .json(&json!({ "subject": "x" }))
                .send()
                .await;
            patch.expect_problem(404, "not-found").done();
            for query in ["total=true", "total=true&q=secret", "total=true&number=T2026-000001"] {
                let list = eve.get(&format!("/api/v1/tickets?{query}")).send().await.expect(200);
                assert_eq!(
                    (&list.body["total"], &list.body["items"]),
                    (&json!(0), &json!([])),
                    "{org} {query}"
                );
            }
            let report = eve.get("/api/v1/ticket-reports/sla").send().await.expect(200);
            assert_eq!(report.body["items"], json!([]), "{org}");
        }
        assert_eq!(told(&app, id).await, before);
        // Above, it is seen; a filter narrows to a unit and cannot widen.
        let seen = async |org: &str, query: &str| {
            let client = app.as_user("dan", &[Role::Director], org);
            client.get(&format!("/api/v1/tickets?total=true{query}")).send().await.expect(200).body
                ["total"]
                .clone()
        };
        assert_eq!(seen("/acme", "").await, 1);
        assert_eq!(seen("/acme", "&org=/acme/north").await, 1);
        assert_eq!(seen("/acme", "&org=/acme/south").await, 0);
        assert_eq!(seen("/acme/south", "&org=/acme/north").await, 0);
        assert_eq!(seen("/acme/south", "&org=/acme").await, 0);
    });
}

#[tokio::test]
async fn a_partner_reads_no_internal_note_but_its_own() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let partner =
            |id: &str| app.as_client(id, &[Permission::TicketRead, Permission::TicketWrite], ORG);
        let (crm, mall) = (partner("crm"), partner("mall"));
        let new = json!({ "kind": "repair", "subject": "x", "body": "it leaks" });
        let id = open(&amy, &new).await.id();
        let note = |body: &str| json!({ "direction": "internal", "body": body });
        act(&amy, id, "articles", note("they complain a lot")).await.expect(201).done();
        act(&crm, id, "articles", note("order 7 is meant")).await.expect(201).done();
        answer(&amy, id, "we come tomorrow").await.done();
        let said = async |client: &Client| -> Vec<String> {
            // Page by page: what is left out leaves no gap.
            let (mut said, mut path) = (vec![], format!("/api/v1/tickets/{id}/articles?limit=1"));
            loop {
                let page = client.get(&path).send().await.expect(200);
                for article in page.body["items"].as_array().unwrap() {
                    said.push(article["body"].as_str().unwrap().to_owned());
                }
                let Some(cursor) = page.body["next_cursor"].as_str() else { break };
                path = format!("/api/v1/tickets/{id}/articles?limit=1&cursor={cursor}");
            }
            said.sort();
            said
        };
        let all = ["it leaks", "order 7 is meant", "they complain a lot", "we come tomorrow"];
        assert_eq!(said(&amy).await, all);
        assert_eq!(said(&crm).await, ["it leaks", "order 7 is meant", "we come tomorrow"]);
        assert_eq!(said(&mall).await, ["it leaks", "we come tomorrow"]);
        // Nor does the history tell it.
        let path = format!("/api/v1/tickets/{id}/history");
        let history = mall.get(&path).send().await.expect(200);
        assert!(!history.text.contains("they complain"), "{}", history.text);
    });
}

#[tokio::test]
async fn a_ticket_belongs_to_the_callers_unit_or_one_below() {
    on_every_database!(async |app| {
        let boss = app.as_user("bo", &[Role::Supervisor], "/acme/north");
        let with_org = |org: &str| json!({ "kind": "repair", "subject": "x", "org": org });
        assert_eq!(open(&boss, &matter("repair", "x")).await.body["org"], "/acme/north");
        assert_eq!(open(&boss, &with_org("/acme/north/s1")).await.body["org"], "/acme/north/s1");
        for org in ["/acme", "/acme/south", "/acme/northeast", "/other", "north", "/Acme/north"] {
            let refused = boss
                .post("/api/v1/tickets")
                .json(&with_org(org))
                .send()
                .await
                .expect_problem(422, "invalid");
            assert_eq!(refused.problem_pointers(), ["/org"], "{org}");
        }
    });
}

#[tokio::test]
async fn what_a_new_ticket_names_must_exist() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let customer = known_customer(&app).await;
        let mut with_customer = matter("repair", "x");
        with_customer["customer_id"] = json!(customer);
        let opened = open(&amy, &with_customer).await;
        assert_eq!(opened.body["locale"], "zh-CN", "the customer's language");
        for (pointer, value) in [
            ("customer_id", json!(kernel::new_id())),
            ("kind", json!("nonsense")),
            ("queue", json!("nonsense")),
            ("priority", json!("asap")),
            ("channel", json!("pigeon")),
            ("locale", json!("fr")),
            ("complaint_level", json!("major")),
            ("subject", json!("  ")),
            ("subject", json!("x".repeat(201))),
            ("body", json!("x".repeat(20_001))),
            ("external_ref", json!("")),
        ] {
            let mut body = matter("repair", "x");
            body[pointer] = value;
            let refused =
                amy.post("/api/v1/tickets").json(&body).send().await.expect_problem(422, "invalid");
            assert_eq!(refused.problem_pointers(), [format!("/{pointer}")]);
        }
        // Another enterprise's customer does not exist here.
        let eve = app.as_user("eve", &[Role::Agent], "/other");
        eve.post("/api/v1/tickets")
            .json(&with_customer)
            .send()
            .await
            .expect_problem(422, "invalid")
            .done();
    });
}

#[tokio::test]
async fn a_change_names_the_version_it_was_made_from() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("repair", "x")).await.id();
        let path = format!("/api/v1/tickets/{id}");
        let change = |subject: &str| amy.patch(&path).json(&json!({ "subject": subject }));
        change("a").send().await.expect_problem(428, "precondition-required").done();
        change("a")
            .header("if-match", "one")
            .send()
            .await
            .expect_problem(400, "invalid-header")
            .done();
        change("a").if_match(7).send().await.expect_problem(412, "precondition-failed").done();
        assert_eq!(change("a").if_match(1).send().await.expect(200).version(), 2);
        change("b").if_match(1).send().await.expect_problem(412, "precondition-failed").done();
        let all =
            futures::future::join_all((0..6).map(|n| change(&format!("c{n}")).if_match(2).send()))
                .await;
        let mut statuses: Vec<u16> = all.iter().map(|r| r.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412]);
        let now = read(&amy, id).await;
        assert_eq!(now.version(), 3);
        // Null takes an optional field away, and one that is left out stays.
        let set = json!({ "category": "printer", "priority": "high" });
        amy.patch(&path).if_match(3).json(&set).send().await.expect(200).done();
        let cleared = amy
            .patch(&path)
            .if_match(4)
            .json(&json!({ "category": null }))
            .send()
            .await
            .expect(200);
        assert_eq!(
            (&cleared.body["category"], &cleared.body["priority"]),
            (&Value::Null, &json!("high"))
        );
        assert_eq!(cleared.body["subject"], now.body["subject"]);
    });
}

#[tokio::test]
async fn who_comes_first_has_the_ticket() {
    on_every_database!(async |app| {
        let id = open(&agent(&app, "amy"), &matter("repair", "x")).await.id();
        let agents: Vec<_> = (0..6).map(|n| agent(&app, &format!("a{n}"))).collect();
        let all =
            futures::future::join_all(agents.iter().map(|a| act(a, id, "claim", json!({})))).await;
        assert_eq!(all.iter().filter(|r| r.status == 200).count(), 1);
        for refused in all.into_iter().filter(|r| r.status != 200) {
            refused.expect_problem(409, "already-claimed").done();
        }
        assert_eq!(told(&app, id).await, ["opened", "assigned", "status_changed"]);
        // What the customer says to several at the same time is all kept.
        let note = json!({ "direction": "inbound", "body": "x" });
        let notes =
            futures::future::join_all(agents.iter().map(|a| act(a, id, "articles", note.clone())))
                .await;
        assert!(notes.iter().all(|r| r.status == 201));
        let articles =
            lead(&app).get(&format!("/api/v1/tickets/{id}/articles")).send().await.expect(200);
        assert_eq!(articles.body["items"].as_array().unwrap().len(), 6);
        assert_eq!(told(&app, id).await.len(), 9);
    });
}

#[tokio::test]
async fn the_document_tells_how_configuration_is_added() {
    on_every_database!(async |app| {
        let document = app.anonymous().get("/openapi/ticketing.json").send().await.expect(200);
        for what in ["ticket-kinds", "queues", "departments", "calendars", "sla-policies"] {
            let path = format!("/api/v1/{what}/{{key}}");
            let text = document.body["paths"][&path]["put"]["description"].as_str().unwrap();
            assert!(text.contains("`If-Match: \"0\"` adds a new one"), "{what}: {text}");
        }
    });
}

#[tokio::test]
async fn an_enterprise_configures_for_itself() {
    on_every_database!(async |app| {
        let ada = admin(&app);
        let kinds = ada.get("/api/v1/ticket-kinds").send().await.expect(200);
        assert_eq!(kinds.body["items"].as_array().unwrap().len(), 10);
        let kind = |categories: Value| {
            json!({
                "name": { "zh": "保养", "en": "Maintenance" }, "default_priority": "low", "reopen_days": 2, "categories": categories,
            })
        };
        let put = |version: i64, body: &Value| {
            ada.put("/api/v1/ticket-kinds/maintenance").if_match(version).json(body)
        };
        let category = json!([{ "key": "lift", "name": { "zh": "电梯", "en": "Lift" },
            "children": [{ "key": "lift-door", "name": { "zh": "门", "en": "Door" } }] }]);
        assert_eq!(put(0, &kind(category)).send().await.expect(200).version(), 1);
        put(0, &kind(json!([]))).send().await.expect_problem(412, "precondition-failed").done();
        let unversioned =
            ada.put("/api/v1/ticket-kinds/maintenance").json(&kind(json!([]))).send().await;
        unversioned.expect_problem(428, "precondition-required").done();
        let amy = agent(&app, "amy");
        let with =
            |category: &str| json!({ "kind": "maintenance", "subject": "x", "category": category });
        let opened = open(&amy, &with("lift-door")).await;
        assert_eq!(opened.body["priority"], "low");
        let refused = amy
            .post("/api/v1/tickets")
            .json(&with("roof"))
            .send()
            .await
            .expect_problem(422, "invalid");
        assert_eq!(refused.problem_pointers(), ["/category"]);
        // Queues by kind and unit; a department that does not exist is refused.
        let queue = json!({ "name": { "zh": "北区", "en": "North" }, "kinds": ["maintenance"], "org": "/acme/north", "department": "field" });
        let refused = ada
            .put("/api/v1/queues/north")
            .if_match(0)
            .json(&queue)
            .send()
            .await
            .expect_problem(422, "invalid");
        assert_eq!(refused.problem_pointers(), ["/department"]);
        configure(
            &app,
            "departments/field",
            0,
            &json!({ "name": { "zh": "外勤", "en": "Field" }, "head": "hal" }),
        )
        .await
        .done();
        configure(&app, "queues/north", 0, &queue).await.done();
        let routed = open(&amy, &with("lift")).await;
        assert_eq!(
            (&routed.body["queue"], &routed.body["department"]),
            (&json!("north"), &json!("field"))
        );
        // Nothing that would never end or never come.
        let empty = json!({ "name": { "zh": "空", "en": "Empty" }, "spec": { "zone": "Asia/Shanghai", "week": {} } });
        ada.put("/api/v1/calendars/empty")
            .if_match(0)
            .json(&empty)
            .send()
            .await
            .expect_problem(422, "invalid")
            .done();
        let bad = policy("nowhere", json!(0), json!(10));
        let refused = ada
            .put("/api/v1/sla-policies/bad")
            .if_match(0)
            .json(&bad)
            .send()
            .await
            .expect_problem(422, "invalid");
        assert_eq!(refused.problem_pointers(), ["/calendar", "/first_response_minutes"]);
        ada.put("/api/v1/queues/Bad Key")
            .if_match(0)
            .json(&queue)
            .send()
            .await
            .expect_problem(422, "invalid")
            .done();
        // Only the enterprise itself, and for itself.
        let below = app.as_user("eve", &[Role::Admin], "/acme/south");
        let refused = below.put("/api/v1/queues/south").if_match(0).json(&queue).send().await;
        refused.expect_problem(403, "forbidden").done();
        let other = app.as_user("eve", &[Role::Admin], "/other");
        other
            .get("/api/v1/ticket-kinds/maintenance")
            .send()
            .await
            .expect_problem(404, "not-found")
            .done();
        other.get("/api/v1/ticket-kinds/repair").send().await.expect(200).done();
    });
}
