//! Numbers, filters, pages, search.

use std::collections::BTreeSet;

use serde_json::json;
use testkit::Client;

use crate::support::{
    act, advance, agent, answer, at, hear, known_customer, matter, now, on_every_database, open,
    resolve,
};

/// Subjects of the tickets that a query finds, in their order.
async fn subjects(client: &Client, query: &str) -> Vec<String> {
    let reply = client.get(&format!("/api/v1/tickets?{query}")).send().await.expect(200);
    reply.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["subject"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn numbers_are_unique_per_enterprise_and_year() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let new = matter("repair", "x");
        let all = futures::future::join_all((0..20).map(|_| open(&amy, &new))).await;
        let numbers: BTreeSet<_> =
            all.iter().map(|r| r.body["number"].as_str().unwrap().to_owned()).collect();
        assert_eq!(numbers.len(), 20);
        assert_eq!(numbers.first().map(String::as_str), Some("T2026-000001"));
        let other = app.as_user("eve", &[kernel::Role::Agent], "/other");
        assert_eq!(open(&other, &new).await.body["number"], "T2026-000001");
        app.clock.set(at("2027-01-01T00:00:00Z"));
        assert_eq!(open(&amy, &new).await.body["number"], "T2027-000001");
    });
}

#[tokio::test]
async fn tickets_are_found_by_what_they_are() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let customer = known_customer(&app).await;
        let first = open(&amy, &json!({ "kind": "repair", "subject": "one", "customer_id": customer, "category": "lift" })).await;
        advance(&app, 1);
        let second = open(&agent(&app, "bob"), &json!({ "kind": "complaint", "subject": "two", "external_ref": "m-2", "channel": "email" })).await;
        let middle = now(&app);
        advance(&app, 1);
        let third = open(&amy, &json!({ "kind": "demand", "subject": "three" })).await;
        act(&agent(&app, "cem"), second.id(), "claim", json!({})).await.expect(200).done();
        resolve(&amy, third.id()).await.done();
        let number = first.body["number"].as_str().unwrap();
        let middle = middle.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        for (query, expected) in [
            ("", &["three", "two", "one"][..]),
            ("kind=complaint", &["two"]),
            ("status=new", &["one"]),
            ("status=open,resolved", &["three", "two"]),
            ("status=active", &["two", "one"]),
            ("priority=high", &["two"]),
            ("category=lift", &["one"]),
            ("handler=cem", &["two"]),
            ("handler=none", &["one"]),
            ("handler=none&status=active", &["one"]),
            ("handler=none&status=closed", &[]),
            ("first_responder=bob", &["two"]),
            (&format!("customer_id={customer}"), &["one"]),
            (&format!("number={number}"), &["one"]),
            ("external_ref=m-2", &["two"]),
            ("queue=general&status=resolved", &["three"]),
            (&format!("opened_from={middle}"), &["three", "two"]),
            (&format!("opened_to={middle}"), &["one"]),
            ("breached=true", &[]),
            ("org=/acme/north&kind=repair", &["one"]),
        ] {
            assert_eq!(subjects(&amy, query).await, expected, "{query}");
        }
        for query in ["status=done", "priority=asap", "org=acme"] {
            amy.get(&format!("/api/v1/tickets?{query}"))
                .send()
                .await
                .expect_problem(400, "invalid-query")
                .done();
        }
    });
}

#[tokio::test]
async fn pages_have_no_gap_and_no_repetition() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        for n in 0..11 {
            open(&amy, &matter("repair", &format!("t{n:02}"))).await.done();
            // Several are opened in the same instant.
            advance(&app, i64::from(n % 3 == 0));
        }
        let (mut seen, mut path) = (vec![], "/api/v1/tickets?limit=3&total=true".to_owned());
        loop {
            let page = amy.get(&path).send().await.expect(200);
            assert_eq!(page.body["total"], if seen.len() < 3 { 11 } else { 12 });
            seen.extend(
                page.body["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|t| t["subject"].as_str().unwrap().to_owned()),
            );
            // What comes meanwhile does not shift the pages.
            if seen.len() == 3 {
                advance(&app, 1);
                open(&amy, &matter("repair", "late")).await.done();
            }
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            let elsewhere =
                amy.get(&format!("/api/v1/tickets?kind=repair&cursor={cursor}")).send().await;
            elsewhere.expect_problem(400, "invalid-cursor").done();
            path = format!("/api/v1/tickets?limit=3&total=true&cursor={cursor}");
        }
        let expected: Vec<_> = (0..11).rev().map(|n| format!("t{n:02}")).collect();
        assert_eq!(seen, expected);
    });
}

#[tokio::test]
async fn words_are_found_in_chinese_and_english() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let first = open(
            &amy,
            &json!({ "kind": "repair", "subject": "路由器无法上网", "body": "指示灯一直闪红光" }),
        )
        .await;
        let second = open(&amy, &json!({ "kind": "repair", "subject": "Router reboots", "body": "every night at 2 a.m." })).await;
        answer(&amy, second.id(), "Please update the Firmware").await.done();
        hear(&amy, first.id(), "重启也没有用 firmware 1.2").await.done();
        for (words, expected) in [
            ("上网", &["路由器无法上网"][..]),
            ("路由器 红光", &["路由器无法上网"]),
            ("重启", &["路由器无法上网"]),
            ("ROUTER", &["Router reboots"]),
            ("firmware", &["Router reboots", "路由器无法上网"]),
            ("firmware night", &["Router reboots"]),
            ("firmware 红光 night", &[]),
            ("T2026-000001", &["路由器无法上网"]),
            ("nothing", &[]),
            ("\" OR 1=1 --", &[]),
            ("%", &[]),
        ] {
            let reply = amy.get("/api/v1/tickets").query(&[("q", words)]).send().await.expect(200);
            let found: Vec<_> = reply.body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|t| t["subject"].as_str().unwrap())
                .collect();
            assert_eq!(found, expected, "{words}");
        }
        // A new subject is found by its new words.
        let path = format!("/api/v1/tickets/{}", first.id());
        amy.patch(&path)
            .if_match(first.version())
            .json(&json!({ "subject": "光猫故障" }))
            .send()
            .await
            .expect(200)
            .done();
        let by = async |words: &str| {
            amy.get("/api/v1/tickets").query(&[("q", words)]).send().await.expect(200).body["items"]
                .as_array()
                .unwrap()
                .len()
        };
        assert_eq!((by("光猫").await, by("无法上网").await, by("红光").await), (1, 0, 1));
    });
}

#[tokio::test]
async fn articles_and_history_are_read_page_by_page() {
    on_every_database!(async |app| {
        let amy = agent(&app, "amy");
        let id = open(&amy, &matter("repair", "x")).await.id();
        for n in 0..5 {
            answer(&amy, id, &format!("a{n}")).await.done();
        }
        for (part, field) in [("articles", "body"), ("history", "field")] {
            let all = amy.get(&format!("/api/v1/tickets/{id}/{part}")).send().await.expect(200);
            let (mut seen, mut cursor) = (vec![], String::new());
            loop {
                let page = amy
                    .get(&format!("/api/v1/tickets/{id}/{part}?limit=2{cursor}"))
                    .send()
                    .await
                    .expect(200);
                seen.extend(page.body["items"].as_array().unwrap().clone());
                match page.body["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(json!(seen), all.body["items"], "{part}");
            assert!(seen.iter().all(|item| item[field].is_string()));
        }
    });
}
