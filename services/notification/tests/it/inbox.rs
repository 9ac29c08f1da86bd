//! The inbox of a member of staff.

use contracts::ticketing::TicketUrged;
use kernel::Role;

use crate::bench::{self, Bench, ORG, start};

async fn urge(bench: &Bench, handler: &str) {
    let mut ticket = bench::ticket(None);
    ticket.handler = Some(handler.into());
    bench.app.deliver(TicketUrged { ticket, note: None }).await;
}

#[tokio::test]
async fn items_are_listed_counted_and_read() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        for _ in 0..3 {
            urge(&bench, "li").await;
        }
        urge(&bench, "wang").await;
        let li = bench.app.as_user("li", &[Role::Agent], ORG);
        let page = li.get("/api/v1/inbox?limit=2&total=true").send().await.expect(200).body;
        let seqs = |body: &serde_json::Value| -> Vec<i64> {
            body["items"].as_array().unwrap().iter().map(|i| i["seq"].as_i64().unwrap()).collect()
        };
        assert_eq!(
            (seqs(&page), &page["total"], &page["unread"]),
            (vec![3, 2], &3.into(), &3.into())
        );
        let next =
            format!("/api/v1/inbox?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
        assert_eq!(seqs(&li.get(&next).send().await.expect(200).body), [1]);
        li.post("/api/v1/inbox/2/read").send().await.expect(200).done();
        let again = li.post("/api/v1/inbox/2/read").send().await.expect(200);
        assert!(again.body["read_at"].is_string());
        let page = li.get("/api/v1/inbox?unread=true").send().await.expect(200).body;
        assert_eq!((seqs(&page), &page["unread"]), (vec![3, 1], &2.into()));
        // Other people's items do not exist for him, nor does another enterprise's namesake.
        li.post("/api/v1/inbox/9/read").send().await.expect_problem(404, "not-found").done();
        let other = bench.app.as_user("li", &[Role::Agent], "/other");
        assert_eq!(other.get("/api/v1/inbox").send().await.expect(200).body["unread"], 0);
        other.post("/api/v1/inbox/2/read").send().await.expect_problem(404, "not-found").done();
    }
}

/// Reads a stream until `wanted` items have come; their numbers.
async fn follow(bench: &Bench, last: Option<i64>, wanted: usize) -> Vec<i64> {
    let li = bench.app.as_user("li", &[Role::Agent], ORG);
    let mut request = reqwest::Client::new()
        .get(format!("{}/api/v1/inbox/stream", bench.app.base))
        .bearer_auth(li.token().unwrap())
        .header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last.to_string());
    }
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let mut text = String::new();
    while text.matches("\nid: ").count() < wanted {
        let chunk =
            tokio::time::timeout(std::time::Duration::from_secs(10), response.chunk()).await;
        text.push_str(std::str::from_utf8(&chunk.unwrap().unwrap().unwrap()).unwrap());
    }
    text.lines().filter_map(|l| l.strip_prefix("id: ")).map(|id| id.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_item_seen() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        for _ in 0..3 {
            urge(&bench, "li").await;
        }
        assert_eq!(follow(&bench, Some(1), 2).await, [2, 3]);
        assert_eq!(follow(&bench, Some(0), 3).await, [1, 2, 3]);
        let live = async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            urge(&bench, "wang").await;
            urge(&bench, "li").await;
        };
        let (seen, ()) = tokio::join!(follow(&bench, None, 1), live);
        assert_eq!(seen, [4], "without Last-Event-ID what is new, and nobody else's");
    }
}

#[tokio::test]
async fn who_does_not_wait_gets_what_is_there() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        urge(&bench, "li").await;
        let li = bench.app.as_user("li", &[Role::Agent], ORG);
        let reply =
            li.get("/api/v1/inbox/stream").header("last-event-id", 0).send().await.expect(200);
        assert!(reply.text.contains("event: item\nid: 1\ndata: {"), "{}", reply.text);
        for bad in ["x", "-1"] {
            let call = li.get("/api/v1/inbox/stream").header("last-event-id", bad);
            call.send().await.expect_problem(400, "invalid-header").done();
        }
    }
}
