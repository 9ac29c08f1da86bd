//! Files as people hand them over: encodings, column names, what spreadsheets have done to numbers.

use serde_json::{Value, json};
use testkit::{Client, Reply};

use crate::support::*;

async fn post(client: &Client, query: &str, body: impl Into<Vec<u8>>) -> Reply {
    let path = format!("/api/v1/customer-imports/csv?source=erp{query}");
    client.post(&path).body("text/csv", body).send().await
}

/// Line, outcome, pointers and codes of the remarks.
type Told = (u64, String, Vec<(String, String)>);

fn told(line: u64, outcome: &str, remarks: &[(&str, &str)]) -> Told {
    let remarks = remarks.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned()));
    (line, outcome.to_owned(), remarks.collect())
}

fn rows(reply: &Reply) -> Vec<Told> {
    let of = |row: &Value| {
        let remarks: Vec<(&str, &str)> = row["remarks"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|r| (r["pointer"].as_str().unwrap(), r["code"].as_str().unwrap()))
            .collect();
        told(row["line"].as_u64().unwrap(), row["outcome"].as_str().unwrap(), &remarks)
    };
    reply.body["rows"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn a_chinese_spreadsheet_comes_in_as_it_is() {
    let csv = "客户编号,姓名,手机号,座机,备注\r\n\r\nK1,张三,13800138000,010-62785001,老客户\r\nK2,李四\r\n\r\nK3,王五,,010-62785002,\"两\r\n行\"\r\nK4,赵六,\"没关,,\r\n";
    let (gb18030, _, _) = encoding_rs::GB18030.encode(csv);
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let reply = post(&steward, "", &*gb18030).await.expect(200);
        assert_eq!(reply.body["encoding"], "GB18030");
        assert_eq!(reply.body["ignored_columns"], json!(["座机", "备注"]));
        let unreadable = [("", "unreadable-line")];
        assert_eq!(
            rows(&reply),
            [
                told(3, "created", &[]),
                told(4, "error", &unreadable),
                told(6, "created", &[]),
                told(8, "error", &unreadable),
            ]
        );
        let found = steward.get("/api/v1/customers?q=%E5%BC%A0%E4%B8%89").send().await.expect(200);
        assert_eq!(names(&found), ["张三"]);

        // Another column for the telephone; the same file in UTF-8 with a mark says nothing new.
        let mapped = format!("\u{feff}{csv}");
        let map = "&map=%E5%BA%A7%E6%9C%BA%3Dphone";
        let reply = post(&steward, map, mapped).await.expect(200);
        assert_eq!(reply.body["ignored_columns"], json!(["手机号", "备注"]));
        assert_eq!(rows(&reply)[0].1, "updated");
        let reply = post(&steward, "", format!("\u{feff}{csv}")).await.expect(200);
        assert_eq!(rows(&reply)[0].1, "updated");
        let reply = post(&steward, "", &*gb18030).await.expect(200);
        assert_eq!([&rows(&reply)[0].1, &rows(&reply)[2].1], ["unchanged", "unchanged"]);
    }
}

#[tokio::test]
async fn a_header_that_cannot_be_told_is_refused_with_what_there_is() {
    let app = start(testkit::sqlite()).await;
    let steward = steward(&app);
    for (query, csv, word) in [
        ("", "编号,姓名\n", "\"source_key\" is needed; there are: 编号, 姓名"),
        ("&map=%E7%BC%96%E5%8F%B7%3Dkey_of_source", "编号,姓名\n", "no field \"key_of_source\""),
        ("&map=no%3Dsource_key", "编号,姓名\n", "no column \"no\""),
        ("", "客户编号,姓名,手机,电话\n", "both phone"),
    ] {
        let refused = post(&steward, query, csv).await.expect_problem(422, "unreadable-file");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{detail}");
    }
    post(&steward, "&map=phone", "key,name\n").await.expect_problem(400, "invalid-query").done();
    steward
        .post("/api/v1/customer-imports/csv?source=erp")
        .body("text/csv; charset=latin1", "key,name\n")
        .send()
        .await
        .expect_problem(415, "unsupported-media-type")
        .done();
    steward
        .post("/api/v1/customer-imports/csv?source=erp")
        .body("text/csv; charset=GBK", "key,name\nK1,x\n")
        .send()
        .await
        .expect(200)
        .done();
}

const DAMAGED: &str = "key,name,phone,email,id_card
K1,一,'15900000001,,
K2,二,15900000002.0,,
K3,三,1.5900000003E+10,mailto:c@x.cn,
K4,四,1.78E+10,d.example,
K5,五,,,1.10101199003077E+17
1.20E+10,六,,,
100700.0,七,,,
K8,八,15900000008,h@x.cn,
";

#[tokio::test]
async fn masked_values_are_errors_of_their_rows() {
    let app = start(testkit::sqlite()).await;
    let steward = steward(&app);
    let csv = "key,name,phone,email,id_card
K1,一,138****8000,,
K2,二,,z***@example.org,
K3,三,,,110***********002X
K4,四,13800138000,,
";
    let masked = |line, at| told(line, "error", &[(at, "masked-value")]);
    assert_eq!(
        rows(&post(&steward, "", csv).await.expect(200)),
        [masked(2, "/phone"), masked(3, "/email"), masked(4, "/id_card"), told(5, "created", &[]),]
    );
}

#[tokio::test]
async fn what_a_spreadsheet_has_damaged_is_repaired_or_told() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let expected = |taken: &str| {
            [
                told(2, taken, &[("/phone", "repaired")]),
                told(3, taken, &[("/phone", "repaired")]),
                told(4, taken, &[("/phone", "repaired"), ("/email", "repaired")]),
                told(5, taken, &[("/phone", "digits-lost"), ("/email", "no-at-sign")]),
                told(6, taken, &[("/id_card", "digits-lost")]),
                told(7, "error", &[("/source_key", "damaged-key")]),
                told(8, taken, &[("/source_key", "odd-key")]),
                told(9, taken, &[]),
            ]
        };
        let first = post(&steward, "", DAMAGED).await.expect(200);
        assert_eq!(rows(&first), expected("created"));
        assert_eq!((&first.body["remarked"], &first.body["errors"]), (&json!(6), &json!(1)));
        for (phone, name) in [("15900000001", "一"), ("15900000002", "二"), ("15900000003", "三")]
        {
            let path = format!("/api/v1/customers?identifier={phone}");
            assert_eq!(names(&steward.get(&path).send().await.expect(200)), [name]);
        }
        let again = post(&steward, "", DAMAGED).await.expect(200);
        assert_eq!(rows(&again), expected("unchanged"), "what is wrong is told every time");
    }
}

#[tokio::test]
async fn a_damaged_value_replaces_no_good_one() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let header = "key,name,phone,email,id_card\n";
        let whole = format!("{header}K1,张三,13800138000,zs@example.org,11010519491231002X\n");
        let damaged = format!("{header}K1,张三,1.37E+10,zs.example.org,1.10101E+17\n");
        let first = post(&steward, "", whole).await.expect(200);
        assert_eq!(rows(&first), [told(2, "created", &[])]);
        let remarks = [
            ("/phone", "digits-lost"),
            ("/id_card", "digits-lost"),
            ("/email", "no-at-sign"),
            ("/phone", "kept"),
            ("/email", "kept"),
            ("/id_card", "kept"),
        ];
        // Told each time, although nothing is new the second time.
        for outcome in ["updated", "unchanged"] {
            let reply = post(&steward, "", damaged.clone()).await.expect(200);
            assert_eq!(rows(&reply), [told(2, outcome, &remarks)]);
        }
        for known in ["13800138000", "zs@example.org", "11010519491231002X"] {
            let path = format!("/api/v1/customers?identifier={known}");
            assert_eq!(names(&steward.get(&path).send().await.expect(200)), ["张三"]);
        }
        let put = |phone: &str| {
            let body = json!({ "kind": "person", "name": "张三", "phone": phone });
            steward.put("/api/v1/customers/by-source/erp/K1").json(&body).send()
        };
        let kept = put("1.37E+10").await.expect(200);
        assert_eq!(kept.body["phone"], "+86138****8000");
        // What a source says in good order counts, and so does what it no longer says.
        let new = put("13900139000").await.expect(200);
        assert_eq!(
            (&new.body["phone"], &new.body["email"]),
            (&json!("+86139****9000"), &json!(null))
        );
    }
}
