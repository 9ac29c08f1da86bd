//! A creating request that is sent again is carried out once.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::{Clock, SystemClock};
use serde_json::json;

use crate::bed::{self, Bed, Options, Reply, send};

async fn create(bed: &Bed, key: &str, text: &str) -> Reply {
    send(bed.post("/api/v1/notes").header("idempotency-key", key).json(&json!({"text": text})))
        .await
}

#[actix_web::test]
async fn the_first_answer_is_given_again() {
    for test in bed::databases().await {
        let bed = bed::start(&test).await;
        let first = create(&bed, "k1", "one").await;
        assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""));
        let again = create(&bed, "k1", "one").await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
        for name in ["location", "etag", "content-type"] {
            assert_eq!(first.header(name), again.header(name));
        }
        assert_eq!(first.text, again.text);
        create(&bed, "k1", "other").await.is_problem(422, "idempotency-key-reused");
        assert_eq!((bed.count("note").await, bed.count("idempotency").await), (1, 1));

        let row = store::sql::one(&bed.app.db, "SELECT body FROM idempotency", vec![])
            .await
            .unwrap()
            .unwrap();
        let saved: String = row.try_get("", "body").unwrap();
        assert!(!saved.contains("one"), "the saved answer is sealed: {saved}");

        let other = bed.scoped(&[kernel::Permission::TicketCreate]);
        let other = bed
            .request(reqwest::Method::POST, "/api/v1/notes")
            .bearer_auth(other)
            .header("idempotency-key", "k1");
        assert_eq!(
            send(other.json(&json!({"text": "theirs"}))).await.status,
            201,
            "keys belong to a caller"
        );
        assert_eq!(bed.count("note").await, 2);
    }
}

#[actix_web::test]
async fn the_same_json_in_another_order_is_the_same_request() {
    for test in bed::databases().await {
        let bed = bed::start(&test).await;
        let post = async |body: &'static str| {
            let request = bed.post("/api/v1/notes").header("idempotency-key", "k1");
            send(request.header("content-type", "application/json").body(body)).await
        };
        assert_eq!(post(r#"{"text":"one","tags":[{"weight":1}]}"#).await.status, 201);
        let again = post(r#"{ "tags": [ {"weight": 1} ], "text": "one" }"#).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
        let other = post(r#"{"text":"one","tags":[{"weight":2}]}"#).await;
        other.is_problem(422, "idempotency-key-reused");
        assert_eq!(bed.count("note").await, 1);

        // As a process of an older version leaves it.
        let forget = "UPDATE idempotency SET canonical_hash = NULL";
        store::sql::execute(&bed.app.db, forget, vec![]).await.unwrap();
        let again = post(r#"{"text":"one","tags":[{"weight":1}]}"#).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    }
}

#[actix_web::test]
async fn a_failed_request_leaves_nothing() {
    for test in bed::databases().await {
        let bed = bed::start(&test).await;
        create(&bed, "k1", "locked").await.is_problem(409, "note-locked");
        create(&bed, "k2", " ").await.is_problem(422, "invalid");
        assert_eq!((bed.count("note").await, bed.count("idempotency").await), (0, 0));
        assert_eq!(create(&bed, "k1", "fine").await.status, 201, "the key may be used again");
    }
}

#[actix_web::test]
async fn two_at_once_are_carried_out_once() {
    for test in bed::databases().await {
        let bed = bed::start(&test).await;
        let started = async |after: u64| {
            tokio::time::sleep(Duration::from_millis(after)).await;
            create(&bed, "k1", "slow").await
        };
        let (first, second) = futures::join!(started(0), started(200));
        assert_eq!(first.status, 201);
        second.is_problem(409, "request-in-flight");
        assert_eq!(second.header("retry-after"), "1");
        assert_eq!(create(&bed, "k1", "slow").await.header("idempotency-replayed"), "true");
        assert_eq!(bed.count("note").await, 1);
    }
}

#[actix_web::test]
async fn fifty_at_once_make_one_note() {
    for test in bed::databases().await {
        let bed = bed::start_with(
            &test,
            Options { slow: Duration::from_millis(20), ..Options::default() },
        )
        .await;
        let all = futures::future::join_all((0..50).map(|_| create(&bed, "k1", "slow"))).await;
        assert!(all.iter().all(|r| matches!(r.status, 201 | 409)), "{all:#?}");
        assert_eq!(
            all.iter()
                .filter(|r| r.status == 201 && r.header("idempotency-replayed").is_empty())
                .count(),
            1
        );
        assert_eq!(bed.count("note").await, 1);
    }
}

#[actix_web::test]
async fn two_processes_on_one_database_share_keys() {
    let test = bed::postgres().await;
    let slow = Options { slow: Duration::from_millis(900), ..Options::default() };
    let here = bed::start_with(&test, slow).await;
    let elsewhere = test.elsewhere().await;
    let there = bed::start_with(&elsewhere, Options::default()).await;
    let late = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        create(&there, "k1", "slow").await
    };
    let (first, second) = futures::join!(create(&here, "k1", "slow"), late);
    assert_eq!(first.status, 201);
    second.is_problem(409, "request-in-flight");
    assert_eq!(create(&there, "k1", "slow").await.header("idempotency-replayed"), "true");
    assert_eq!(here.count("note").await, 1);
}

#[actix_web::test]
async fn a_request_that_is_given_up_does_not_block_its_key() {
    for test in bed::databases().await {
        let bed = bed::start(&test).await;
        let impatient = bed
            .post("/api/v1/notes")
            .header("idempotency-key", "k1")
            .json(&json!({"text": "slow"}));
        assert!(impatient.timeout(Duration::from_millis(150)).send().await.is_err());
        // The handler may go on or may be dropped; either way the key comes free again.
        let mut reply = create(&bed, "k1", "slow").await;
        for _ in 0..50 {
            if reply.status != 409 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            reply = create(&bed, "k1", "slow").await;
        }
        assert_eq!(reply.status, 201);
        assert_eq!(bed.count("note").await, 1);
    }
}

#[actix_web::test]
async fn keys_are_checked_and_forgotten() {
    for test in bed::databases().await {
        let bed = bed::start(&test).await;
        for bad in ["", &"x".repeat(201)] {
            create(&bed, bad, "one").await.is_problem(400, "invalid-header");
        }
        let umlaut = bed
            .post("/api/v1/notes")
            .header("idempotency-key", reqwest::header::HeaderValue::from_bytes(b"\xfc").unwrap());
        send(umlaut.json(&json!({"text": "a"}))).await.is_problem(400, "invalid-header");

        create(&bed, &"x".repeat(200), "one").await;
        let now = SystemClock.now();
        assert_eq!(
            http::purge_idempotency(&bed.app.db, now - TimeDelta::hours(48)).await.unwrap(),
            0
        );
        assert_eq!(
            http::purge_idempotency(&bed.app.db, now + TimeDelta::seconds(1)).await.unwrap(),
            1
        );
        assert_eq!(bed.count("idempotency").await, 0);
    }
}
