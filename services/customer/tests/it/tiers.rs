//! Tiers, account managers, their history, and what the other services hear.

use chrono::TimeDelta;
use kernel::Role;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn a_tier_carries_its_standard_to_the_other_services() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let (steward, agent) = (steward(&app), agent(&app));
        let tiers = agent.get("/api/v1/tiers").send().await.expect(200);
        let keys: Vec<_> =
            tiers.body["items"].as_array().unwrap().iter().map(|t| t["key"].clone()).collect();
        assert_eq!(keys, ["vip", "key", "standard"]);
        let id = create(&agent, json!({ "kind": "person", "name": "张三" })).await.expect(201).id();
        let path = format!("/api/v1/customers/{id}");
        agent
            .put(&format!("{path}/tier"))
            .if_match(1)
            .json(&json!({ "tier": "vip" }))
            .send()
            .await
            .expect_problem(403, "forbidden")
            .done();
        create(&agent, json!({ "kind": "person", "name": "x", "tier": "vip" }))
            .await
            .expect_problem(403, "forbidden")
            .done();
        steward
            .put(&format!("{path}/tier"))
            .if_match(1)
            .json(&json!({ "tier": "gold" }))
            .send()
            .await
            .expect_problem(422, "invalid")
            .done();
        let vip = steward
            .put(&format!("{path}/tier"))
            .if_match(1)
            .json(&json!({ "tier": "vip", "reason": "年度消费前 5%" }))
            .send()
            .await
            .expect(200);
        assert_eq!((vip.version(), &vip.body["standard"]["sla_policy"]), (2, &json!("vip")));
        let managed = steward
            .put(&format!("{path}/account-manager"))
            .if_match(2)
            .json(&json!({ "account_manager": "li.si" }))
            .send()
            .await
            .expect(200);
        assert_eq!(managed.body["account_manager"], "li.si");
        let told = changed(&app).await;
        assert_eq!(
            told.iter().map(|e| e.changed.clone()).collect::<Vec<_>>(),
            [["tier"], ["account_manager"]]
        );
        let last = &told[1].customer;
        assert_eq!(
            (last.version, last.tier.as_deref(), last.account_manager.as_deref()),
            (3, Some("vip"), Some("li.si"))
        );
        assert_eq!(last.standard.as_ref().unwrap().sla_policy.as_deref(), Some("vip"));
        assert_eq!(app.pii.open(&last.name.0).unwrap(), "张三");
        // The same again is no change and no event.
        steward
            .put(&format!("{path}/account-manager"))
            .if_match(3)
            .json(&json!({ "account_manager": "li.si" }))
            .send()
            .await
            .expect(200)
            .done();
        assert_eq!(changed(&app).await.len(), 2);
        let history = agent.get(&format!("{path}/assignments")).send().await.expect(200);
        assert_eq!(history.body["items"][1]["value"], "vip");
        assert_eq!(history.body["items"][1]["assigned_by"], "steward");
    }
}

#[tokio::test]
async fn a_tier_ends_by_itself() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let made = create(&steward, json!({ "kind": "person", "name": "张三", "tier": "key" }))
            .await
            .expect(201);
        assert_eq!(made.body["tier"], "key");
        let path = format!("/api/v1/customers/{}", made.id());
        let until = kernel::Clock::now(&app.clock) + TimeDelta::days(1);
        steward
            .put(&format!("{path}/tier"))
            .if_match(1)
            .json(&json!({ "tier": "vip", "valid_until": until }))
            .send()
            .await
            .expect(200)
            .done();
        app.run_jobs().await;
        assert_eq!(steward.get(&path).send().await.body["tier"], "vip");
        app.clock.advance(TimeDelta::days(2));
        app.run_jobs().await;
        app.run_jobs().await;
        let read = steward.get(&path).send().await.expect(200);
        assert_eq!((&read.body["tier"], read.version()), (&json!(null), 3));
        let history = steward.get(&format!("{path}/assignments")).send().await.expect(200);
        let values: Vec<_> =
            history.body["items"].as_array().unwrap().iter().map(|a| a["value"].clone()).collect();
        assert_eq!(values, [json!(null), json!("vip"), json!("key")]);
    }
}

#[tokio::test]
async fn customers_hear_of_a_changed_standard() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        for i in 0..3 {
            create(&steward, json!({ "kind": "person", "name": format!("n{i}"), "tier": "vip" }))
                .await
                .expect(201)
                .done();
        }
        create(&steward, json!({ "kind": "person", "name": "other" })).await.expect(201).done();
        let body =
            json!({ "name_zh": "贵宾", "name_en": "VIP", "rank": 1, "sla_policy": "platinum" });
        steward
            .put("/api/v1/tiers/vip")
            .json(&body)
            .send()
            .await
            .expect_problem(428, "precondition-required")
            .done();
        app.as_role(Role::Admin, "/acme/north")
            .put("/api/v1/tiers/vip")
            .if_match(1)
            .json(&body)
            .send()
            .await
            .expect_problem(403, "forbidden")
            .done();
        let put = steward.put("/api/v1/tiers/vip").if_match(1).json(&body).send().await.expect(200);
        assert_eq!(put.version(), 2);
        app.run_job("refresh_standards").await;
        app.run_job("refresh_standards").await;
        app.run_job("refresh_standards").await;
        let told = changed(&app).await;
        assert_eq!(told.len(), 3);
        assert!(told.iter().all(|e| e.changed == ["standard"]));
        assert_eq!(
            told[0].customer.standard.as_ref().unwrap().sla_policy.as_deref(),
            Some("platinum")
        );
        let new = json!({ "name_zh": "银卡", "name_en": "Silver", "rank": 5 });
        steward.put("/api/v1/tiers/silver").json(&new).send().await.expect(201).done();
        steward.get("/api/v1/tiers/silver").send().await.expect(200).done();
        steward.get("/api/v1/tiers/none").send().await.expect(404).done();
    }
}
