//! Creating, changing, and being found again by an equal identifier.

use futures::future::join_all;
use kernel::Role;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn a_customer_is_created_read_and_changed() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let made = create(&agent, json!({
            "kind": "person", "name": " 张  三 ", "latin_name": "Sam Zhang", "locale": "en",
            "phone": "138 0013 8000", "email": "Zhang.San@Example.COM",
            "identifiers": [{ "kind": "id_card", "value": "110105491231002" }, { "kind": "wechat", "value": "zs_1949" }],
            "address": { "province": "北京市", "city": "北京市", "district": "朝阳区", "street": "建国路 93 号" }
        }))
        .await
        .expect(201);
        assert_eq!(made.body["number"], "C2026-000001");
        assert_eq!(made.body["name"], "张 三");
        assert_eq!(made.body["phone"], "+86138****8000");
        assert_eq!(made.body["email"], "z***@example.com");
        assert_eq!(made.body["address"]["street"], "***");
        assert_eq!(made.body["masked"], true);
        let path = format!("/api/v1/customers/{}", made.id());
        assert_eq!(made.header("location"), Some(path.as_str()));

        let read = agent.get(&path).send().await.expect(200);
        assert_eq!(read.body, made.body);
        assert_eq!(read.version(), 1);
        let kinds: Vec<_> = read.body["identifiers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["kind"].clone())
            .collect();
        assert_eq!(kinds, ["id_card", "phone", "email", "wechat"]);

        agent
            .patch(&path)
            .json(&json!({ "name": "张三" }))
            .send()
            .await
            .expect_problem(428, "precondition-required")
            .done();
        agent
            .patch(&path)
            .if_match(7)
            .json(&json!({ "name": "张三" }))
            .send()
            .await
            .expect_problem(412, "precondition-failed")
            .done();
        let changed = agent
            .patch(&path)
            .if_match(1)
            .json(&json!({ "name": "张三丰", "email": null }))
            .send()
            .await
            .expect(200);
        assert_eq!(
            (changed.version(), &changed.body["name"], &changed.body["email"]),
            (2, &json!("张三丰"), &json!(null))
        );
        // What says nothing new changes nothing.
        let same = agent
            .patch(&path)
            .if_match(2)
            .json(&json!({ "name": "张三丰" }))
            .send()
            .await
            .expect(200);
        assert_eq!(same.version(), 2);

        let sources = agent.get(&format!("{path}/sources")).send().await.expect(200);
        let winner = |field: &str| {
            let all = sources.body["fields"].as_array().unwrap();
            let cell = all.iter().find(|f| f["field"] == field).unwrap();
            (
                cell["source"].as_str().unwrap().to_owned(),
                cell["reason"].as_str().unwrap().to_owned(),
            )
        };
        assert_eq!(winner("phone"), ("api".into(), "only_source".into()));
        assert_eq!(winner("name").0, "desk");
        assert_eq!(sources.body["records"].as_array().unwrap().len(), 2);
        assert!(!sources.text.contains("13800138000"));
    }
}

#[tokio::test]
async fn what_was_shown_masked_is_not_taken_back() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let made = create(&agent, json!({
            "kind": "person", "name": "张三", "phone": "13800138000", "email": "zhang.san@example.com",
            "identifiers": [{ "kind": "id_card", "value": "11010519491231002X" }]
        }))
        .await
        .expect(201);
        let path = format!("/api/v1/customers/{}", made.id());
        let card = json!([{ "kind": "id_card", "value": made.body["identifiers"][0]["value"] }]);
        let (phone, email) = (&made.body["phone"], &made.body["email"]);
        let pointers = ["/phone", "/email", "/identifiers/0/value"];
        let patch = json!({ "phone": phone, "email": email, "identifiers": card });
        let refused = agent.patch(&path).if_match(1).json(&patch).send().await;
        let refused = refused.expect_problem(422, "invalid");
        assert_eq!(refused.problem_pointers(), pointers);
        assert_eq!(refused.body["errors"][0]["code"], "masked-value");
        let whole = json!({
            "kind": "person", "name": "张三", "phone": phone, "email": email, "identifiers": card
        });
        let refused = create(&agent, whole.clone()).await.expect_problem(422, "invalid");
        assert_eq!(refused.problem_pointers(), pointers);
        let known = "/api/v1/customers/by-source/crm/1";
        let refused = agent.put(known).json(&whole).send().await.expect_problem(422, "invalid");
        assert_eq!(refused.problem_pointers(), pointers);
        // Nothing was overwritten.
        assert_eq!(agent.get(&path).send().await.expect(200).version(), 1);
        let found = agent.get("/api/v1/customers?identifier=13800138000").send().await.expect(200);
        assert_eq!(names(&found), ["张三"]);
    }
}

#[tokio::test]
async fn the_same_identifier_is_the_same_customer() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let first = create(&agent, person("张三", "13800138000")).await.expect(201);
        let again = create(&agent, json!({
            "kind": "person", "name": "张三", "phone": "+86 138-0013-8000", "email": "z3@example.com",
            "source": "crm", "source_key": "A-1"
        }))
        .await
        .expect(200);
        assert_eq!((again.id(), &again.body["matched_on"]), (first.id(), &json!("phone")));
        assert_eq!(again.body["email"], "z***@example.com");
        // By the e-mail that came with the second record, too.
        let third = create(
            &agent,
            json!({ "kind": "person", "name": "San Zhang", "email": "Z3@example.com" }),
        )
        .await
        .expect(200);
        assert_eq!((third.id(), &third.body["matched_on"]), (first.id(), &json!("email")));
        let refused = create(
            &agent,
            json!({ "kind": "person", "name": "X", "phone": "13800138000", "on_match": "reject" }),
        )
        .await;
        let refused = refused.expect_problem(409, "duplicate-customer");
        assert!(refused.body["detail"].as_str().unwrap().contains(&first.id().to_string()));
        // The same words again make no further record; another kind of party is somebody else.
        let records = count(&app, "source_record").await;
        create(&agent, json!({ "kind": "person", "name": "San Zhang", "email": "Z3@example.com" }))
            .await
            .expect(200)
            .done();
        assert_eq!(count(&app, "source_record").await, records);
        create(
            &agent,
            json!({ "kind": "organisation", "name": "张三商行", "phone": "13800138000" }),
        )
        .await
        .expect(201)
        .done();
        // So is another enterprise.
        let other = app.as_role(Role::Agent, "/other");
        assert_ne!(
            create(&other, person("张三", "13800138000")).await.expect(201).id(),
            first.id()
        );
        assert_eq!(registered(&app).await.len(), 3);
    }
}

#[tokio::test]
async fn a_shared_phone_with_another_identity_card_is_another_person() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let card = |number: &str| json!([{ "kind": "id_card", "value": number }]);
        let one = create(&agent, json!({ "kind": "person", "name": "父", "phone": "13800138000", "identifiers": card("11010519491231002X") })).await.expect(201);
        let two = create(&agent, json!({ "kind": "person", "name": "子", "phone": "13800138000", "identifiers": card("440524188001010014") })).await.expect(201);
        assert_ne!(one.id(), two.id());
        let phone = |reply: &testkit::Reply| {
            let all = reply.body["identifiers"].as_array().unwrap().clone();
            all.into_iter().find(|i| i["kind"] == "phone").unwrap()["contested"].clone()
        };
        assert_eq!((phone(&one), phone(&two)), (json!(false), json!(true)));
        // Who is found by the phone is the one who had it first; when he gives it up, the other.
        create(
            &agent,
            json!({ "kind": "person", "name": "?", "phone": "13800138000", "on_match": "reject" }),
        )
        .await
        .expect(409)
        .done();
        let path = format!("/api/v1/customers/{}", two.id());
        let entered = json!({ "phone": "13800138000" });
        let entered = agent.patch(&path).if_match(1).json(&entered).send().await.expect(200);
        assert_eq!(phone(&entered), true);
        let stolen = json!({ "identifiers": card("11010519491231002X") });
        let stolen = agent.patch(&path).if_match(1).json(&stolen).send().await;
        let stolen = stolen.expect_problem(409, "duplicate-customer");
        assert!(stolen.text.contains(&one.id().to_string()), "{}", stolen.text);
        let key = app.db.clone();
        let record = store::sql::one(&key, "SELECT source_key FROM source_record s JOIN membership m ON m.source_record_id = s.id WHERE m.customer_id = $1", vec![one.id().into()]).await.unwrap().unwrap();
        let record: String = record.try_get("", "source_key").unwrap();
        let gone =
            json!({ "kind": "person", "name": "父", "identifiers": card("11010519491231002X") });
        agent
            .put(&format!("/api/v1/customers/by-source/api/{record}"))
            .json(&gone)
            .send()
            .await
            .expect(200)
            .done();
        let found = create(&agent, person("子", "13800138000")).await.expect(200);
        assert_eq!(found.id(), two.id());
    }
}

#[tokio::test]
async fn twenty_creations_at_once_make_one_customer() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let calls = (0..20).map(|i| {
            let agent = agent.clone();
            async move {
                let email = if i % 2 == 0 { json!("z3@example.com") } else { json!(null) };
                let body = json!({ "kind": "person", "name": "张三", "phone": "13800138000", "email": email,
                    "source_key": i.to_string() });
                create(&agent, body).await
            }
        });
        let replies = join_all(calls).await;
        let ids: std::collections::BTreeSet<_> = replies.iter().map(testkit::Reply::id).collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(replies.iter().filter(|r| r.status == 201).count(), 1);
        assert!(replies.iter().all(|r| [200, 201].contains(&r.status)));
        assert_eq!(count(&app, "customer").await, 1);
        assert_eq!(count(&app, "source_record").await, 20);
        assert_eq!(registered(&app).await.len(), 1);
    }
}

#[tokio::test]
async fn numbers_are_unique_under_concurrency() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let calls = (0..20).map(|i| {
            let agent = agent.clone();
            async move {
                create(&agent, json!({ "kind": "person", "name": format!("客户{i}") }))
                    .await
                    .expect(201)
            }
        });
        let mut numbers: Vec<String> = join_all(calls)
            .await
            .iter()
            .map(|r| r.body["number"].as_str().unwrap().to_owned())
            .collect();
        numbers.sort();
        let expected: Vec<String> = (1..=20).map(|n| format!("C2026-{n:06}")).collect();
        assert_eq!(numbers, expected);
        // Every enterprise counts for itself.
        let other =
            create(&app.as_role(Role::Agent, "/other"), json!({ "kind": "person", "name": "x" }))
                .await
                .expect(201);
        assert_eq!(other.body["number"], "C2026-000001");
    }
}

#[tokio::test]
async fn an_invalid_identifier_is_kept_and_marked() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let made = create(
            &steward(&app),
            json!({
                "kind": "organisation", "name": "华星科技有限公司", "phone": "62785001",
                "identifiers": [{ "kind": "uscc", "value": "91350100M000100Y44" }]
            }),
        )
        .await
        .expect(201);
        let problems: Vec<_> = made.body["identifiers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| (i["valid"].clone(), i["problem"].clone()))
            .collect();
        assert_eq!(
            problems,
            [(json!(false), json!("check-digit")), (json!(false), json!("area-code-missing"))]
        );
        // What is invalid is told to nobody as an address.
        assert_eq!(registered(&app).await[0].customer.phone, None);
    }
}

#[tokio::test]
async fn a_creation_that_is_sent_again_happens_once() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let send = |body: serde_json::Value| {
            agent.post("/api/v1/customers").header("idempotency-key", "k-1").json(&body).send()
        };
        let first = send(json!({ "kind": "person", "name": "李四" })).await.expect(201);
        let again = send(json!({ "kind": "person", "name": "李四" })).await.expect(201);
        assert_eq!((first.id(), again.header("idempotency-replayed")), (again.id(), Some("true")));
        send(json!({ "kind": "person", "name": "王五" }))
            .await
            .expect_problem(422, "idempotency-key-reused")
            .done();
        assert_eq!(count(&app, "customer").await, 1);
    }
}

#[tokio::test]
async fn a_source_record_is_upserted() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let put = |body: serde_json::Value| {
            agent.put("/api/v1/customers/by-source/erp/K%2F1").json(&body).send()
        };
        let made =
            put(json!({ "kind": "person", "name": "张三", "email": "a@x.cn" })).await.expect(201);
        let same =
            put(json!({ "kind": "person", "name": "张三", "email": "a@x.cn" })).await.expect(200);
        assert_eq!(
            (same.id(), same.version(), &same.body["matched_on"]),
            (made.id(), 1, &json!("source_key"))
        );
        let less = put(json!({ "kind": "person", "name": "张三" })).await.expect(200);
        assert_eq!((less.version(), &less.body["email"]), (2, &json!(null)));
        put(json!({ "kind": "organisation", "name": "张三" }))
            .await
            .expect_problem(422, "invalid")
            .done();
        agent
            .put("/api/v1/customers/by-source/desk/1")
            .json(&json!({ "kind": "person", "name": "x" }))
            .send()
            .await
            .expect_problem(422, "invalid")
            .done();
        assert_eq!(changed(&app).await.len(), 1);
    }
}

#[tokio::test]
async fn units_see_whom_they_have_brought_in() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let north = app.as_role(Role::Agent, "/acme/north");
        let south = app.as_role(Role::Agent, "/acme/south");
        let made = create(&north, person("张三", "13800138000")).await.expect(201);
        let path = format!("/api/v1/customers/{}", made.id());
        south.get(&path).send().await.expect_problem(404, "not-found").done();
        assert!(names(&south.get("/api/v1/customers").send().await.expect(200)).is_empty());
        assert!(
            names(&south.get("/api/v1/customers?identifier=13800138000").send().await.expect(200))
                .is_empty()
        );
        // Somebody of the enterprise brings the customer in for the other branch, too.
        let body = json!({ "kind": "person", "name": "张三", "phone": "13800138000", "org": "/acme/south" });
        assert_eq!(create(&agent(&app), body).await.expect(200).id(), made.id());
        south.get(&path).send().await.expect(200).done();
        assert_eq!(names(&south.get("/api/v1/customers").send().await.expect(200)), ["张三"]);
        // Nobody writes outside his own subtree.
        let body = json!({ "kind": "person", "name": "x", "org": "/acme/south" });
        create(&north, body).await.expect_problem(422, "invalid").done();
        // A source record of another unit cannot be taken over.
        let put = |client: &testkit::Client, name: &str| {
            client
                .put("/api/v1/customers/by-source/erp/N-1")
                .json(&json!({ "kind": "person", "name": name }))
                .send()
        };
        put(&north, "李四").await.expect(201).done();
        put(&south, "李五").await.expect_problem(409, "source-record-elsewhere").done();
    }
}

#[tokio::test]
async fn an_enterprise_may_number_in_its_own_way() {
    let settings = "[customer]\nnumber_pattern = \"K{yy}{seq:4}\"\n\
        [[customer.number_patterns]]\norg = \"/acme\"\npattern = \"客户{seq:3}\"\n";
    let app = testkit::TestApp::start_with(customer::module(), testkit::sqlite(), settings).await;
    let number = |client: testkit::Client| async move {
        let made = create(&client, json!({ "kind": "person", "name": "x" })).await.expect(201);
        made.body["number"].as_str().unwrap().to_owned()
    };
    assert_eq!(number(agent(&app)).await, "客户001");
    assert_eq!(number(app.as_role(Role::Agent, "/other")).await, "K260001");
}

#[tokio::test]
async fn bad_fields_are_told_all_at_once() {
    let app = start(testkit::sqlite()).await;
    let reply = create(
        &agent(&app),
        json!({
            "kind": "person", "name": "\u{1} \u{2}", "locale": "fr", "phone": "", "org": "/acme",
            "source": "Bad Source", "identifiers": [{ "kind": "email", "value": " " }]
        }),
    )
    .await
    .expect_problem(422, "invalid");
    assert_eq!(
        reply.problem_pointers(),
        ["/name", "/locale", "/phone", "/identifiers/0/value", "/source"]
    );
    assert_eq!(count(&app, "source_record").await, 0);
}
