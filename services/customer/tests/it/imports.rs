//! Importing customers.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::*;

fn statuses(body: &Value) -> Vec<&str> {
    body["rows"].as_array().unwrap().iter().map(|r| r["outcome"].as_str().unwrap()).collect()
}

const CSV: &str = "\u{feff}客户编号,姓名,类型,手机,邮箱,客户等级,客户经理,统一社会信用代码
K1,张三,个人,13800138000,zs@example.com,vip,li.si,
K2,华星科技有限公司,企业,010-62785001,,key,,91350100M000100Y43
K3,,个人,13900139000,,,,
K4,San Zhang,个人,138 0013 8000,,,,
K5,赵六,个人,不知道,,platinum,,
K6,钱七,个人,没有,,,,
K7,孙八
";

#[tokio::test]
async fn a_csv_file_is_rehearsed_imported_and_imported_again() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let post = |dry: bool, csv: &str| {
            steward
                .post(&format!("/api/v1/customer-imports/csv?source=erp&dry_run={dry}"))
                .body("text/csv", csv)
                .send()
        };
        let dry = post(true, CSV).await.expect(200);
        let expected = ["created", "created", "error", "matched", "error", "created", "error"];
        assert_eq!(statuses(&dry.body), expected);
        for table in ["customer", "source_record", "identifier", "identity", "outbox", "counter"] {
            assert_eq!(count(&app, table).await, 0, "{table}");
        }
        let real = post(false, CSV).await.expect(200);
        assert_eq!(statuses(&real.body), expected);
        assert_eq!(
            (&real.body["created"], &real.body["matched"], &real.body["errors"]),
            (&json!(3), &json!(1), &json!(3))
        );
        let rows = &real.body["rows"];
        assert_eq!(
            (&rows[2]["line"], &rows[2]["code"], &rows[2]["remarks"][0]["pointer"]),
            (&json!(4), &json!("too-short"), &json!("/name"))
        );
        assert_eq!(
            (&rows[3]["customer_id"], &rows[3]["matched_on"]),
            (&rows[0]["customer_id"], &json!("phone"))
        );
        assert_eq!(
            (&rows[4]["code"], &rows[4]["remarks"][0]["pointer"]),
            (&json!("unknown-tier"), &json!("/tier"))
        );
        assert_eq!(
            (&rows[5]["remarks"][0]["pointer"], &rows[5]["remarks"][0]["code"]),
            (&json!("/phone"), &json!("not-a-number"))
        );
        assert_eq!((&rows[6]["line"], &rows[6]["code"]), (&json!(8), &json!("unreadable-line")));
        assert_eq!(count(&app, "customer").await, 3);
        assert_eq!(count(&app, "source_record").await, 4);
        let vip = steward
            .get("/api/v1/customers?tier=vip&account_manager=li.si")
            .send()
            .await
            .expect(200);
        assert_eq!(vip.body["items"].as_array().unwrap().len(), 1);

        let told = app.emitted().await.len();
        let again = post(false, CSV).await.expect(200);
        assert_eq!(
            statuses(&again.body),
            ["unchanged", "unchanged", "error", "unchanged", "error", "unchanged", "error"]
        );
        assert_eq!(app.emitted().await.len(), told);
        // Only what is mended and changed is written.
        let mended =
            CSV.replace("platinum", "standard").replace("zs@example.com", "new@example.com");
        let third = post(false, &mended).await.expect(200);
        assert_eq!(
            statuses(&third.body),
            ["updated", "unchanged", "error", "unchanged", "created", "unchanged", "error"]
        );
        assert_eq!(app.emitted().await.len(), told + 2);
    }
}

#[tokio::test]
async fn a_decision_by_hand_survives_the_next_import() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let import = |email: &str| {
            let row =
                json!({ "source_key": "1", "name": "张三", "tier": "standard", "email": email });
            steward
                .post("/api/v1/customer-imports")
                .json(&json!({ "source": "erp", "rows": [row] }))
                .send()
        };
        let made = import("a@x.cn").await.expect(200);
        let path =
            format!("/api/v1/customers/{}", made.body["rows"][0]["customer_id"].as_str().unwrap());
        steward
            .put(&format!("{path}/tier"))
            .if_match(1)
            .json(&json!({ "tier": "vip" }))
            .send()
            .await
            .expect(200)
            .done();
        assert_eq!(statuses(&import("b@x.cn").await.expect(200).body), ["updated"]);
        let read = steward.get(&path).send().await.expect(200);
        assert_eq!((&read.body["tier"], &read.body["email"]), (&json!("vip"), &json!("b***@x.cn")));
    }
}

#[tokio::test]
async fn two_imports_at_once_make_no_customer_twice() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let import = |source: &'static str, by: usize| {
            let steward = steward.clone();
            async move {
                let mut rows: Vec<Value> = (0..40)
                    .map(|i| json!({ "source_key": i.to_string(), "name": format!("客户{i}"), "phone": format!("138{:08}", i), "email": format!("c{i}@x.cn") }))
                    .collect();
                rows.rotate_left(by);
                steward
                    .post("/api/v1/customer-imports")
                    .json(&json!({ "source": source, "rows": rows }))
                    .send()
                    .await
                    .expect(200)
            }
        };
        let replies = join_all([import("erp", 0), import("crm", 7), import("erp", 20)]).await;
        for reply in replies {
            assert_eq!(reply.body["errors"], 0, "{}", reply.text);
        }
        assert_eq!(count(&app, "customer").await, 40);
        assert_eq!(count(&app, "source_record").await, 80);
        assert_eq!(registered(&app).await.len(), 40);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_as_a_whole() {
    let app = start(testkit::sqlite()).await;
    let steward = steward(&app);
    let post = |kind: &'static str, body: &'static [u8]| {
        steward.post("/api/v1/customer-imports/csv?source=erp").body(kind, body).send()
    };
    post("text/csv", b"key,shoe size\n1,43\n").await.expect_problem(422, "unreadable-file").done();
    post("text/csv", b"key,name\n1,M\xfcller\n")
        .await
        .expect_problem(422, "unreadable-file")
        .done();
    post("application/json", b"{}").await.expect_problem(415, "unsupported-media-type").done();
    let none = json!({ "source": "erp", "rows": [] });
    steward
        .post("/api/v1/customer-imports")
        .json(&none)
        .send()
        .await
        .expect_problem(422, "invalid")
        .done();
    let reserved = json!({ "source": "desk", "rows": [{ "source_key": "1", "name": "x" }] });
    steward
        .post("/api/v1/customer-imports")
        .json(&reserved)
        .send()
        .await
        .expect_problem(422, "invalid")
        .done();
}

#[tokio::test]
async fn a_source_key_that_stands_twice_is_an_error_and_overwrites_nobody() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let csv =
            "key,name,phone\nK1,张三,13800138000\nK2,李四,13900139000\n K1 ,王五,13700137000\n";
        let rows = json!([
            { "line": 2, "source_key": "K1", "name": "张三", "phone": "13800138000" },
            { "line": 3, "source_key": "K2", "name": "李四", "phone": "13900139000" },
            { "line": 4, "source_key": "K1", "name": "王五", "phone": "13700137000" },
        ]);
        let by_file = || {
            let call = steward.post("/api/v1/customer-imports/csv?source=erp");
            call.body("text/csv", csv).send()
        };
        let by_json = || {
            let call = steward.post("/api/v1/customer-imports");
            call.json(&json!({ "source": "erp", "rows": rows })).send()
        };
        let check = |body: &Value, word: &str| {
            assert_eq!(statuses(body), [word, word, "error"]);
            let row = &body["rows"][2];
            assert_eq!((&row["line"], &row["code"]), (&json!(4), &json!("repeated-source-key")));
            assert!(row["remarks"][0]["detail"].as_str().unwrap().contains("line 2"), "{row}");
        };
        check(&by_file().await.expect(200).body, "created");
        let told = app.emitted().await.len();
        for _ in 0..2 {
            check(&by_file().await.expect(200).body, "unchanged");
            check(&by_json().await.expect(200).body, "unchanged");
        }
        assert_eq!(app.emitted().await.len(), told);
        let all = steward.get("/api/v1/customers").send().await.expect(200);
        assert_eq!(names(&all), ["李四", "张三"]);
    }
}

#[tokio::test]
async fn somebody_else_under_a_known_key_is_remarked() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let import = |name: &str, card: &str| {
            let row = json!({ "source_key": "1", "name": name, "id_card": card });
            let body = json!({ "source": "erp", "rows": [row] });
            steward.post("/api/v1/customer-imports").json(&body).send()
        };
        let (one, other) = ("11010519491231002X", "440524188001010014");
        import("张三", one).await.expect(200).done();
        let spelled = import("Zhang San", one).await.expect(200);
        assert_eq!(statuses(&spelled.body), ["updated"]);
        assert!(spelled.body["rows"][0].get("remarks").is_none(), "{}", spelled.text);
        let changed = import("李四", other).await.expect(200);
        let remarks = changed.body["rows"][0]["remarks"].as_array().unwrap();
        let codes: Vec<_> =
            remarks.iter().map(|r| (r["pointer"].clone(), r["code"].clone())).collect();
        assert_eq!(
            codes,
            [
                (json!("/name"), json!("another-name")),
                (json!("/id_card"), json!("another-identifier"))
            ]
        );
    }
}
