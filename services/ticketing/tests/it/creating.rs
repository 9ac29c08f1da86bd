//! Many open tickets at the same time.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::TestApp;

use crate::support::{agent, known_customer, matter, on_every_database, open, read};

/// The counted part of a ticket's number.
fn number(ticket: &Value) -> i64 {
    ticket["number"].as_str().unwrap().split_once('-').unwrap().1.parse().unwrap()
}

async fn open_many(app: &TestApp, count: usize) -> Vec<i64> {
    let amy = agent(app, "amy");
    let new = matter("repair", "many");
    let opened = join_all((0..count).map(|_| open(&amy, &new))).await;
    opened.iter().map(|reply| number(&reply.body)).collect()
}

#[tokio::test]
async fn numbers_are_unique_and_none_is_given_again_by_the_next_process() {
    on_every_database!(async |app| {
        let mut taken: Vec<i64> = Vec::new();
        for _ in 0..4 {
            taken.extend(open_many(&app, 32).await);
        }
        // Its block of numbers is lost with the process.
        let app = app.restart().await;
        for _ in 0..2 {
            taken.extend(open_many(&app, 32).await);
        }
        let unique: BTreeSet<i64> = taken.iter().copied().collect();
        assert_eq!((unique.len(), taken.len()), (192, 192));
        assert_eq!(unique.first(), Some(&1));
        let (before, after) = taken.split_at(128);
        assert!(before.iter().max() < after.iter().min(), "{before:?} {after:?}");
        assert!(unique.last().is_some_and(|last| *last < 1_500), "{unique:?}");
    });
}

#[tokio::test]
async fn of_many_with_the_same_reference_one_opens_a_ticket() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        open(&amy, &matter("repair", "first use writes the configuration")).await.done();
        for round in 0..5 {
            let new = json!({ "kind": "repair", "subject": "again", "channel": "email", "external_ref": format!("mail-{round}") });
            let replies =
                join_all((0..12).map(|_| amy.post("/api/v1/tickets").json(&new).send())).await;
            let (created, refused): (Vec<_>, Vec<_>) =
                replies.into_iter().partition(|reply| reply.status == 201);
            assert_eq!((created.len(), refused.len()), (1, 11), "round {round}");
            for reply in refused {
                assert_eq!(reply.problem_code(), "duplicate-external-ref");
                assert_eq!(reply.status, 409);
                let detail = reply.body["detail"].as_str().unwrap_or_default();
                let number = created[0].body["number"].as_str().unwrap();
                assert!(detail.contains(number), "{detail} does not name {number}");
            }
            assert_eq!(read(&amy, created[0].id()).await.body["external_ref"], new["external_ref"]);
        }
    });
}

#[tokio::test]
async fn of_two_complaints_at_the_same_moment_the_second_repeats_the_first() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let customer = known_customer(&app).await;
        let new = json!({ "kind": "complaint", "subject": "late", "category": "other", "customer_id": customer });
        let opened = join_all((0..6).map(|_| open(&amy, &new))).await;
        let first: Vec<_> =
            opened.iter().filter(|reply| reply.body["repeat_of"].is_null()).collect();
        assert_eq!(first.len(), 1);
    });
}
