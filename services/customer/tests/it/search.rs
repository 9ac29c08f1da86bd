//! Finding customers.

use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn customers_are_found_by_words_and_by_identifiers() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        create(&agent, json!({ "kind": "person", "name": "张三", "phone": "13800138000", "email": "zs@example.com" })).await.expect(201).done();
        create(&agent, json!({ "kind": "person", "name": "单雄信", "identifiers": [{ "kind": "contract_no", "value": "HT-2026-9" }] })).await.expect(201).done();
        create(&agent, json!({ "kind": "person", "name": "René Müller", "phone": "010-62785001" }))
            .await
            .expect(201)
            .done();
        create(&agent, json!({ "kind": "organisation", "name": "华星科技有限公司", "latin_name": "Huaxing Technology" })).await.expect(201).done();
        for (query, found) in [
            ("q=张三", vec!["张三"]),
            ("q=zhangsan", vec!["张三"]),
            ("q=ZHANG San", vec!["张三"]),
            ("q=zs", vec!["张三"]),
            ("q=shan xiong", vec!["单雄信"]),
            ("q=rene muller", vec!["René Müller"]),
            ("q=华星", vec!["华星科技有限公司"]),
            ("q=科技", vec!["华星科技有限公司"]),
            ("q=huaxing", vec!["华星科技有限公司"]),
            ("q=technology", vec!["华星科技有限公司"]),
            ("q=C2026-000002", vec!["单雄信"]),
            ("q=nobody", vec![]),
            ("q=---", vec![]),
            ("q=13800138000", vec![]),
            ("identifier=138-0013-8000", vec!["张三"]),
            ("identifier=ZS@Example.com", vec!["张三"]),
            ("identifier=ht-2026-9", vec!["单雄信"]),
            ("identifier=01062785001", vec!["René Müller"]),
            ("identifier=13900139000", vec![]),
            ("kind=organisation", vec!["华星科技有限公司"]),
        ] {
            let reply = agent
                .get(&format!(
                    "/api/v1/customers?{}",
                    query.replace(' ', "%20").replace('+', "%2B")
                ))
                .send()
                .await
                .expect(200);
            assert_eq!(names(&reply), found, "{query}");
        }
        // A renamed customer is found by the new name only.
        let page = agent.get("/api/v1/customers?q=zhangsan").send().await.expect(200);
        let path = format!("/api/v1/customers/{}", page.body["items"][0]["id"].as_str().unwrap());
        agent
            .patch(&path)
            .if_match(1)
            .json(&json!({ "name": "章三" }))
            .send()
            .await
            .expect(200)
            .done();
        assert!(names(&agent.get("/api/v1/customers?q=张三").send().await.expect(200)).is_empty());
        assert_eq!(
            names(&agent.get("/api/v1/customers?q=章三").send().await.expect(200)),
            ["章三"]
        );
    }
}

#[tokio::test]
async fn lists_are_paged_newest_first() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        for i in 0..5 {
            create(&agent, json!({ "kind": "person", "name": format!("n{i}") }))
                .await
                .expect(201)
                .done();
        }
        let first = agent.get("/api/v1/customers?limit=2&total=true").send().await.expect(200);
        assert_eq!(
            (names(&first), &first.body["total"]),
            (vec!["n4".into(), "n3".into()], &json!(5))
        );
        let cursor = first.body["next_cursor"].as_str().unwrap();
        let next = agent
            .get(&format!("/api/v1/customers?limit=3&cursor={cursor}"))
            .send()
            .await
            .expect(200);
        assert_eq!(
            (names(&next), next.body.get("next_cursor")),
            (vec!["n2".into(), "n1".into(), "n0".into()], None)
        );
        agent
            .get(&format!("/api/v1/customers?q=x&cursor={cursor}"))
            .send()
            .await
            .expect_problem(400, "invalid-cursor")
            .done();
    }
}

#[tokio::test]
async fn a_former_id_resolves_for_ever() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let made = create(&agent, json!({ "kind": "person", "name": "张三" })).await.expect(201);
        let old = kernel::new_id();
        let insert =
            "INSERT INTO customer_alias (alias_id, customer_id, created_at) VALUES ($1, $2, $3)";
        let at = kernel::Clock::now(&app.clock);
        store::sql::execute(&app.db, insert, vec![old.into(), made.id().into(), at.into()])
            .await
            .unwrap();
        let read = agent.get(&format!("/api/v1/customers/{old}")).send().await.expect(200);
        assert_eq!(read.id(), made.id());
        let patched = agent
            .patch(&format!("/api/v1/customers/{old}"))
            .if_match(1)
            .json(&json!({ "locale": "en" }))
            .send()
            .await
            .expect(200);
        assert_eq!((patched.id(), patched.version()), (made.id(), 2));
    }
}
