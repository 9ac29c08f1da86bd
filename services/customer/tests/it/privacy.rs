//! Personal data: masked, revealed in the open, never in plain at rest or in events.

use kernel::Role;
use serde_json::json;
use store::sql;

use crate::support::*;

const PHONE: &str = "13800138000";
const CARD: &str = "11010519491231002X";
const EMAIL: &str = "zhang.san@secret.example";

#[tokio::test]
async fn unmasking_needs_the_right_and_is_written_down() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let (agent, steward) = (agent(&app), steward(&app));
        let id = create(&agent, json!({
            "kind": "person", "name": "张三", "phone": PHONE, "email": EMAIL,
            "identifiers": [{ "kind": "id_card", "value": CARD }], "address": { "street": "幸福路 1 号" }
        }))
        .await
        .expect(201)
        .id();
        let path = format!("/api/v1/customers/{id}");
        agent
            .get(&format!("{path}?reveal=true"))
            .send()
            .await
            .expect_problem(403, "forbidden")
            .done();
        assert_eq!(count(&app, "pii_access_log").await, 0);
        // Whoever may see it does not see it by the way.
        let masked = steward.get(&path).send().await.expect(200);
        assert!(!masked.text.contains(PHONE) && !masked.text.contains(CARD));
        let shown =
            steward.get(&format!("{path}?reveal=true&purpose=callback")).send().await.expect(200);
        assert_eq!(shown.body["phone"], "+8613800138000");
        assert_eq!(shown.body["email"], EMAIL);
        assert_eq!(shown.body["identifiers"][0]["value"], CARD);
        assert_eq!(shown.body["address"]["street"], "幸福路 1 号");
        let log = steward.get(&format!("{path}/pii-accesses")).send().await.expect(200);
        let entry = &log.body["items"][0];
        assert_eq!(
            (&entry["actor"], &entry["purpose"], &entry["what"]),
            (&json!("steward"), &json!("callback"), &json!("customer"))
        );
        assert_eq!(log.body["items"].as_array().unwrap().len(), 1);
        let other = app.as_role(Role::Steward, "/other");
        other.get(&format!("{path}?reveal=true")).send().await.expect(404).done();
        assert_eq!(count(&app, "pii_access_log").await, 1);
    }
}

#[tokio::test]
async fn nothing_lies_about_in_plain() {
    for db in testkit::databases().await {
        let sqlite = db.name == "sqlite";
        let url = db.url.clone();
        let app = start(db).await;
        let steward = steward(&app);
        let made = steward
            .post("/api/v1/customers")
            .header("idempotency-key", "k")
            .json(&json!({
                "kind": "organisation", "name": "华星", "phone": PHONE, "email": EMAIL,
                "identifiers": [{ "kind": "membership_no", "value": "MEMBER-777-888" }],
                "address": { "street": "幸福路九十九号" }
            }))
            .send()
            .await
            .expect(201);
        let path = format!("/api/v1/customers/{}", made.id());
        steward.post(&format!("{path}/contacts")).json(&json!({ "role": "采购", "name": "李四", "phone": "13911112222", "email": "li.si@secret.example" })).send().await.expect(201).done();
        steward
            .patch(&path)
            .if_match(1)
            .json(&json!({ "phone": "13700137000" }))
            .send()
            .await
            .expect(200)
            .done();
        let row = json!({ "source": "erp", "rows": [{ "source_key": "1", "name": "王五", "id_card": CARD, "phone": "13600136000" }] });
        steward.post("/api/v1/customer-imports").json(&row).send().await.expect(200).done();

        let secrets = [
            PHONE,
            EMAIL,
            CARD,
            "MEMBER-777-888",
            "13911112222",
            "li.si@secret",
            "13700137000",
            "13600136000",
            "幸福路九十九号",
        ];
        for event in app.emitted().await {
            let text = event.data.to_string();
            for secret in secrets.iter().chain(&["华星", "王五"]) {
                assert!(!text.contains(secret), "{} tells {secret}", event.ty);
            }
        }
        if sqlite {
            sql::execute(&app.db, "PRAGMA wal_checkpoint(TRUNCATE)", vec![]).await.unwrap();
            let file = url.trim_start_matches("sqlite://").replace("{service}", "customer");
            let bytes = [
                std::fs::read(&file).unwrap(),
                std::fs::read(format!("{file}-wal")).unwrap_or_default(),
            ]
            .concat();
            assert!(
                bytes.windows("华星".len()).any(|w| w == "华星".as_bytes()),
                "the file is the right one"
            );
            for secret in secrets {
                assert!(
                    !bytes.windows(secret.len()).any(|w| w == secret.as_bytes()),
                    "{secret} is in the file"
                );
            }
        }
    }
}
