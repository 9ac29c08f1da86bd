//! Imports by the batch: the same as row by row, fast, and sound when they are cut off.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Client, TestApp};

use crate::support::*;

const TABLES: [&str; 9] = [
    "customer",
    "customer_org",
    "source_record",
    "membership",
    "identifier",
    "identity",
    "assignment",
    "outbox",
    "customer_fts",
];

/// Row `i` of a file in which some people occur twice, under another key.
fn row(i: usize) -> Value {
    let who = if i % 10 == 9 { i - 5 } else { i };
    let mut row = json!({
        "name": format!("客户{who}"), "phone": format!("139{who:08}"), "email": format!("c{who}@x.cn"),
        "kind": if who % 7 == 0 { "organisation" } else { "person" }, "locale": "zh-CN",
    });
    if i.is_multiple_of(3) {
        row["tier"] = json!(if i.is_multiple_of(2) { "vip" } else { "key" });
        row["account_manager"] = json!("li.si");
        row["org"] = json!("/acme/north");
    }
    // Nobody else has these people's identifiers.
    if i.is_multiple_of(11) && ![4, 9].contains(&(i % 10)) {
        row["tier"] = json!("platinum");
    }
    row
}

fn file(count: usize) -> String {
    let mut text = "key,name,phone,email,kind,locale,tier,account_manager,org\n".to_owned();
    for i in 0..count {
        let row = row(i);
        let cells = ["name", "phone", "email", "kind", "locale", "tier", "account_manager", "org"]
            .map(|name| row[name].as_str().unwrap_or_default().to_owned());
        text += &format!("K{i},{}\n", cells.join(","));
    }
    text
}

async fn import(client: &Client, csv: &str) -> Value {
    let call = client.post("/api/v1/customer-imports/csv?source=erp").body("text/csv", csv);
    call.send().await.expect(200).body
}

/// Everybody, without what is drawn by chance.
async fn everybody(client: &Client) -> Vec<Value> {
    let (mut all, mut cursor) = (vec![], String::new());
    loop {
        let path = format!("/api/v1/customers?limit=200{cursor}");
        let page = client.get(&path).send().await.expect(200).body;
        all.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    for one in &mut all {
        let one = one.as_object_mut().unwrap();
        ["id", "number", "created_at", "updated_at"].iter().for_each(|f| drop(one.remove(*f)));
    }
    all.sort_by_key(|one| one.to_string());
    all
}

async fn counts(app: &TestApp) -> Vec<i64> {
    let mut all = vec![];
    for table in TABLES {
        all.push(count(app, table).await);
    }
    all
}

#[tokio::test]
async fn a_batch_comes_to_the_same_as_its_rows_one_by_one() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let report = import(&steward, &file(120)).await;
        let alone = start(testkit::sqlite()).await;
        let other = crate::support::steward(&alone);
        for i in 0..120 {
            let path = format!("/api/v1/customers/by-source/erp/K{i}");
            let status = other.put(&path).json(&row(i)).send().await.status;
            let outcome = match status {
                201 => "created",
                200 => "matched",
                _ => "error",
            };
            assert_eq!(report["rows"][i]["outcome"], outcome, "row {i}: {}", report["rows"][i]);
        }
        assert_eq!(everybody(&steward).await, everybody(&other).await);
        assert_eq!(counts(&app).await, counts(&alone).await, "{TABLES:?}");
        let found = steward.get("/api/v1/customers?q=kehu%20117").send().await.expect(200);
        assert_eq!(names(&found), ["客户117"]);
        let numbers: std::collections::BTreeSet<String> =
            registered(&app).await.into_iter().map(|e| e.customer.number).collect();
        assert_eq!(numbers.len() as i64, count(&app, "customer").await);
    }
}

#[tokio::test]
async fn an_import_that_is_cut_off_goes_on_and_nobody_comes_in_twice() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let whole = file(600);
        let cut = {
            // Gets no answer.
            let call = steward
                .post("/api/v1/customer-imports/csv?source=erp")
                .body("text/csv", whole.as_str());
            tokio::spawn(call.try_send())
        };
        let some = async {
            while count(&app, "customer").await == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), some).await.unwrap();
        // As `kill -9` leaves it.
        let app = app.restart().await;
        cut.abort();
        let steward = crate::support::steward(&app);
        let report = import(&steward, &whole).await;
        let n = |field: &str| report[field].as_u64().unwrap();
        assert_eq!(n("created") + n("matched") + n("unchanged") + n("errors"), 600);
        assert!(n("unchanged") > 0, "{} created", n("created"));
        let again = import(&steward, &whole).await;
        assert_eq!(again["unchanged"].as_u64().unwrap(), 600 - n("errors"));
        let customers = count(&app, "customer").await;
        assert_eq!(registered(&app).await.len() as i64, customers, "everybody is told of once");
        assert_eq!(count(&app, "source_record").await as u64, 600 - n("errors"));
        let keys: std::collections::BTreeSet<_> = again["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["customer_id"].clone().to_string())
            .collect();
        // One of them is `null`, for the errors.
        assert_eq!(keys.len() as i64, customers + 1);
    }
}

/// Seconds say little on a machine that is shared; that a batch is faster than its rows, much.
#[tokio::test]
async fn a_batch_is_faster_than_its_rows() {
    for db in testkit::databases().await {
        let app = start(db).await;
        let steward = steward(&app);
        let row = |i: usize| format!("K{i},客户{i},139{i:08},c{i}@x.cn\n");
        let file = |rows: std::ops::Range<usize>| {
            rows.fold("key,name,phone,email\n".to_owned(), |text, i| text + &row(i))
        };
        let begun = Instant::now();
        for i in 0..100 {
            import(&steward, &file(i..i + 1)).await;
        }
        let alone = begun.elapsed() / 100;
        let begun = Instant::now();
        assert_eq!(import(&steward, &file(100..2_100)).await["created"], 2_000);
        let together = begun.elapsed() / 2_000;
        let begun = Instant::now();
        assert_eq!(import(&steward, &file(0..2_100)).await["unchanged"], 2_100);
        let again = begun.elapsed() / 2_100;
        eprintln!("a row alone {alone:.1?}, in a batch {together:.1?}, unchanged {again:.1?}");
        assert!(together * 2 < alone && again * 2 < alone);
    }
}
