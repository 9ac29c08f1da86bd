//! Contact persons of organisations.

use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn an_organisation_has_contacts() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let (agent, steward) = (agent(&app), steward(&app));
        let org = create(&agent, json!({ "kind": "organisation", "name": "华星科技" }))
            .await
            .expect(201)
            .id();
        let path = format!("/api/v1/customers/{org}/contacts");
        let body =
            json!({ "role": "采购", "name": "李四", "phone": "13900139000", "email": "li@x.cn" });
        let made =
            agent.post(&path).header("idempotency-key", "c1").json(&body).send().await.expect(201);
        agent
            .post(&path)
            .header("idempotency-key", "c1")
            .json(&body)
            .send()
            .await
            .expect(201)
            .done();
        assert_eq!(made.body["phone"], "+86139****9000");
        let one = made.header("location").unwrap().to_owned();
        assert_eq!(agent.get(&one).send().await.expect(200).version(), 1);
        let listed = agent.get(&path).send().await.expect(200);
        assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
        // The organisation is found by its contact.
        assert_eq!(
            names(&agent.get("/api/v1/customers?q=lisi").send().await.expect(200)),
            ["华星科技"]
        );
        agent.get(&format!("{path}?reveal=true")).send().await.expect(403).done();
        let shown = steward.get(&format!("{path}?reveal=true")).send().await.expect(200);
        assert_eq!(shown.body["items"][0]["phone"], "+8613900139000");
        assert_eq!(count(&app, "pii_access_log").await, 1);
        let new = json!({ "role": "财务", "name": "王五" });
        // What was shown masked is not taken for the value.
        let masked = json!({ "role": "采购", "name": "李四", "phone": made.body["phone"], "email": made.body["email"] });
        let refused = agent.put(&one).if_match(1).json(&masked).send().await;
        let refused = refused.expect_problem(422, "invalid");
        assert_eq!(refused.problem_pointers(), ["/phone", "/email"]);
        agent.put(&one).if_match(9).json(&new).send().await.expect(412).done();
        assert_eq!(
            agent.put(&one).if_match(1).json(&new).send().await.expect(200).body["phone"],
            json!(null)
        );
        assert!(names(&agent.get("/api/v1/customers?q=lisi").send().await.expect(200)).is_empty());
        agent.delete(&one).if_match(2).send().await.expect(204).done();
        agent.get(&one).send().await.expect(404).done();
        let person =
            create(&agent, json!({ "kind": "person", "name": "张三" })).await.expect(201).id();
        agent
            .post(&format!("/api/v1/customers/{person}/contacts"))
            .json(&body)
            .send()
            .await
            .expect_problem(409, "not-an-organisation")
            .done();
        // Contacts are the service's own business.
        assert!(changed(&app).await.is_empty());
    }
}
