//! What the other services hear: every change once, whole, in the order of versions.

use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn every_change_is_told_once_and_in_order() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let id = create(
            &agent,
            json!({ "kind": "person", "name": "张三", "phone": "13800138000", "locale": "en" }),
        )
        .await
        .expect(201)
        .id();
        let path = format!("/api/v1/customers/{id}");
        for (version, patch) in [
            (1, json!({ "name": "张三丰" })),
            (2, json!({ "email": "z@x.cn" })),
            (3, json!({ "address": { "city": "杭州" } })),
        ] {
            agent.patch(&path).if_match(version).json(&patch).send().await.expect(200).done();
        }
        let first = &registered(&app).await[0].customer;
        assert_eq!(
            (first.version, first.locale.as_str(), first.kind.as_str()),
            (1, "en", "person")
        );
        assert_eq!(app.pii.open(&first.phone.as_ref().unwrap().0).unwrap(), "+8613800138000");
        let told = changed(&app).await;
        assert_eq!(told.iter().map(|e| e.customer.version).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(told[1].changed, ["email", "identifiers"]);
        assert_eq!(told[2].changed, ["address"]);
        assert_eq!(app.pii.open(&told[1].customer.email.as_ref().unwrap().0).unwrap(), "z@x.cn");
        assert_eq!(app.pii.open(&told[0].customer.name.0).unwrap(), "张三丰");
    }
}

#[tokio::test]
async fn who_may_see_a_customer_is_told_and_when_it_grows() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let agent = agent(&app);
        let bring = |org: &str| {
            agent
                .put("/api/v1/customers/by-source/erp/1")
                .json(&json!({ "kind": "person", "name": "张三", "org": org }))
                .send()
        };
        bring("/acme/north").await.expect(201).done();
        assert_eq!(registered(&app).await[0].customer.orgs, ["/acme/north"]);
        bring("/acme/north").await.expect(200).done();
        assert!(changed(&app).await.is_empty());
        bring("/acme/east").await.expect(200).done();
        let told = changed(&app).await;
        assert_eq!(told[0].changed, ["orgs"]);
        assert_eq!(told[0].customer.orgs, ["/acme/east", "/acme/north"]);
        assert_eq!(told[0].customer.version, 2);
        assert_eq!(told.len(), 1);
    }
}
