//! What can be found out afterwards.

use kernel::{Permission, Role};
use serde_json::json;

use crate::bench::{ORG, start};

#[tokio::test]
async fn notices_are_filtered_paged_and_scoped() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let a = bench.customer("en", Some("lilei@example.com")).await;
        let b = bench.customer("en", Some("han@example.com")).await;
        let ticket = bench.open_ticket(Some(a)).await;
        for _ in 0..3 {
            bench.open_ticket(Some(b)).await;
        }
        bench.app.run_jobs().await;
        assert_eq!(bench.notices(&format!("ticket_id={}", ticket.ticket_id)).await.len(), 1);
        assert_eq!(bench.notices(&format!("customer_id={b}&state=delivered")).await.len(), 3);
        assert_eq!(bench.notices(&format!("recipient={a}&channel=email")).await.len(), 1);
        assert_eq!(bench.notices("workflow=ticket_resolved").await.len(), 0);

        let north = bench.app.as_role(Role::Supervisor, ORG);
        let page = north.get("/api/v1/notices?limit=3&total=true").send().await.expect(200).body;
        assert_eq!((page["items"].as_array().unwrap().len(), &page["total"]), (3, &json!(4)));
        let cursor = page["next_cursor"].as_str().unwrap();
        let rest =
            north.get(&format!("/api/v1/notices?limit=3&cursor={cursor}")).send().await.expect(200);
        assert_eq!(rest.body["items"].as_array().unwrap().len(), 1);
        let moved = format!("/api/v1/notices?state=failed&cursor={cursor}");
        north.get(&moved).send().await.expect_problem(400, "invalid-cursor").done();
        let odd = north.get("/api/v1/notices?state=flying").send().await;
        assert_eq!(odd.expect_problem(400, "invalid-query").problem_pointers(), ["/state"]);

        let south = bench.app.as_role(Role::Supervisor, "/acme/south");
        assert!(
            south.get("/api/v1/notices").send().await.expect(200).body["items"]
                .as_array()
                .unwrap()
                .is_empty()
        );
        let id = page["items"][0]["id"].as_str().unwrap();
        south
            .get(&format!("/api/v1/notices/{id}"))
            .send()
            .await
            .expect_problem(404, "not-found")
            .done();
        let admin = bench.app.as_role(Role::Admin, "/acme/south");
        admin
            .post(&format!("/api/v1/notices/{id}/retry"))
            .send()
            .await
            .expect_problem(404, "not-found")
            .done();
    }
}

#[tokio::test]
async fn addresses_are_masked_without_the_right() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let id = bench.customer("en", Some("lilei@example.com")).await;
        bench.open_ticket(Some(id)).await;
        bench.app.run_jobs().await;
        let plain = bench.app.as_role(Role::Supervisor, ORG);
        let rights = [Permission::NotificationRead, Permission::PiiRead];
        let seeing = bench.app.as_client("audit", &rights, ORG);
        for (client, address) in [(plain, "l***@example.com"), (seeing, "lilei@example.com")] {
            let list = client.get("/api/v1/notices").send().await.expect(200).body;
            assert_eq!(list["items"][0]["address"], address);
            let one = list["items"][0]["id"].as_str().unwrap();
            let detail =
                client.get(&format!("/api/v1/notices/{one}")).send().await.expect(200).body;
            assert_eq!(detail["notice"]["address"], address);
            assert_eq!(detail["log"][0]["outcome"], "delivered");
        }
    }
}

#[tokio::test]
async fn the_directory_of_staff() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let admin = bench.app.as_role(Role::Admin, "/acme");
        let north = bench.app.as_role(Role::Admin, ORG);
        let li = json!({ "name": "李雷", "email": "li.lei@acme.example", "org": ORG, "roles": ["agent", "supervisor", "agent"] });
        let reply = admin.put("/api/v1/staff/li").json(&li).send().await.expect(200);
        assert_eq!((reply.version(), &reply.body["roles"]), (1, &json!(["agent", "supervisor"])));
        assert_eq!(reply.body["locale"], "en");
        let south = json!({ "name": "Han", "org": "/acme/south", "roles": ["agent"] });
        admin.put("/api/v1/staff/han").json(&south).send().await.expect(200).done();
        north
            .put("/api/v1/staff/han")
            .json(&json!({ "name": "x", "roles": [] }))
            .send()
            .await
            .expect_problem(404, "not-found")
            .done();
        north.get("/api/v1/staff/han").send().await.expect_problem(404, "not-found").done();
        let bad = json!({ "name": " ", "email": "nobody", "org": "/acme/south", "roles": ["king"], "locale": "fr" });
        let reply =
            north.put("/api/v1/staff/x").json(&bad).send().await.expect_problem(422, "invalid");
        assert_eq!(reply.problem_pointers(), ["/name", "/email", "/locale", "/roles/0", "/org"]);
        let list = north.get("/api/v1/staff?total=true").send().await.expect(200).body;
        assert_eq!((&list["total"], list["items"].as_array().unwrap().len()), (&json!(1), 1));
        let supervisors = admin.get("/api/v1/staff?role=supervisor").send().await.expect(200).body;
        assert_eq!(supervisors["items"][0]["user_id"], "li");
        admin
            .get("/api/v1/staff?role=king")
            .send()
            .await
            .expect_problem(400, "invalid-query")
            .done();
        let seen = bench
            .app
            .as_role(Role::Supervisor, ORG)
            .get("/api/v1/staff/li")
            .send()
            .await
            .expect(200);
        assert_eq!(seen.body["email"], "l***@acme.example");
        // At rest it is sealed.
        let row =
            store::sql::one(&bench.app.db, "SELECT email FROM staff WHERE user_id = 'li'", vec![])
                .await
                .unwrap();
        let sealed: String = row.unwrap().try_get("", "email").unwrap();
        assert_eq!(bench.app.pii.open(&sealed).unwrap(), "li.lei@acme.example");
    }
}
