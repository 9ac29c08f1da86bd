//! A person is forgotten; the stub that stays tells nothing of him.

use contracts::{ERASED, customer::CustomerErased};
use kernel::Role;
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn a_person_becomes_a_stub() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let (agent, steward) = (agent(&app), steward(&app));
        let body = json!({
            "kind": "person", "name": "欧阳灭迹", "phone": "13911112222", "email": "mieji@example.org",
            "identifiers": [{ "kind": "membership_no", "value": "M-774411" }],
            "address": { "street": "消失胡同" }, "source": "crm", "source_key": "7",
        });
        let made = steward.post("/api/v1/customers").header("idempotency-key", "k").json(&body);
        let made = made.send().await.expect(201);
        let path = format!("/api/v1/customers/{}", made.id());
        let patch = json!({ "latin_name": "Ouyang" });
        steward.patch(&path).if_match(1).json(&patch).send().await.expect(200).done();
        let reveal = format!("{path}?reveal=true&purpose=欧阳");
        steward.get(&reveal).send().await.expect(200).done();

        let erase = async |client: &testkit::Client, path: &str| {
            let call = client.post(&format!("{path}/erasure"));
            call.json(&json!({ "reason": "requested" })).send().await
        };
        erase(&agent, &path).await.expect_problem(403, "forbidden").done();
        let stranger = app.as_role(Role::Steward, "/other");
        erase(&stranger, &path).await.expect(404).done();
        steward.get(&format!("{path}/erasure")).send().await.expect(404).done();

        let proof = erase(&steward, &path).await.expect(201);
        assert_eq!(
            (&proof.body["reason"], &proof.body["erased_by"]),
            (&json!("requested"), &json!("steward"))
        );
        let shown = steward.get(&format!("{path}/erasure")).send().await.expect(200);
        assert_eq!(shown.body, proof.body);

        for table in ["source_record", "membership", "identifier", "identity", "idempotency"] {
            assert_eq!(count(&app, table).await, 0, "{table}");
        }
        let stub = steward.get(&format!("{path}?reveal=true")).send().await.expect(200);
        assert_eq!((&stub.body["name"], &stub.body["version"]), (&json!(ERASED), &json!(3)));
        for field in ["latin_name", "phone", "email", "address"] {
            assert_eq!(stub.body[field], Value::Null, "{field}");
        }
        let log = steward.get(&format!("{path}/pii-accesses")).send().await.expect(200);
        let log = log.body["items"].as_array().unwrap();
        assert!(log.iter().all(|entry| entry["purpose"].is_null()), "{log:?}");
        assert!(log.iter().any(|entry| entry["what"] == "erasure"), "{log:?}");
        for query in ["欧阳灭迹", "灭迹", "Ouyang", "13911112222", "M-774411"] {
            let found = steward.get("/api/v1/customers").query(&[("q", query)]).send().await;
            assert_eq!(found.expect(200).body["items"], json!([]), "{query}");
        }
        let late = steward.patch(&path).if_match(3).json(&json!({ "phone": "13700137000" }));
        late.send().await.expect_problem(409, "customer-erased").done();

        // Others overwrite their copies by the snapshot, and learn that it was an erasure.
        let last = changed(&app).await.pop().unwrap();
        assert_eq!(app.pii.open(&last.customer.name.0).unwrap(), ERASED);
        assert_eq!(
            (last.customer.email, last.customer.phone, last.customer.version),
            (None, None, 3)
        );
        let told = app.emitted_of::<CustomerErased>().await;
        assert_eq!((told.len(), told[0].version), (1, 3));
        // Asked for again, it is told again and nothing else changes.
        let again = erase(&steward, &path).await.expect(201);
        assert_eq!(again.body["erased_at"], proof.body["erased_at"]);
        let told = app.emitted_of::<CustomerErased>().await;
        assert_eq!((told.len(), told[1].version), (2, 3));
        // What a source says of him later is a new customer: the source must forget him too.
        let anew = create(&steward, body).await.expect(201);
        assert_ne!(anew.id(), made.id());
    }
}

#[tokio::test]
async fn organisations_are_not_erased_and_the_reason_is_a_word() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let organisation = json!({ "kind": "organisation", "name": "华星" });
        let made = create(&steward, organisation).await.expect(201);
        let path = format!("/api/v1/customers/{}/erasure", made.id());
        let call = steward.post(&path).json(&json!({ "reason": "requested" }));
        call.send().await.expect_problem(409, "not-a-person").done();
        let vague = json!({ "reason": "because his name is 张三" });
        steward.post(&path).json(&vague).send().await.expect(422).done();
    }
}
