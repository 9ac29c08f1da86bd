//! A person is forgotten: nothing more goes to him, and what was said about him is gone.

use contracts::{
    ERASED, Sealed,
    customer::{CustomerChanged, CustomerErased},
    notification::NoticeSuppressed,
    ticketing::{TicketOpened, TicketReplied, TicketResolved, TicketSnapshot},
};
use kernel::Clock;
use serde_json::json;
use store::sql;
use uuid::Uuid;

use crate::bench;

fn erased(bench: &bench::Bench, id: Uuid) -> CustomerErased {
    CustomerErased {
        customer_id: id,
        former_ids: vec![],
        number: "C000001".into(),
        org: bench::ORG.into(),
        version: 5,
        erased_at: bench.app.clock.now(),
    }
}

#[tokio::test]
async fn answers_and_resolutions_go_with_the_person() {
    for db in testkit::databases().await {
        let bench = bench::start(db).await;
        let id = bench.customer("en", Some("lei.li@example.org")).await;
        let (reply, outcome) = (bench.app.pii.seal("zhangsan, sorry"), bench.app.pii.seal("paid"));
        let replied = |body: &str| TicketReplied {
            ticket: bench::ticket(Some(id)),
            article_id: kernel::new_id(),
            direction: "outbound".into(),
            author: "li".into(),
            first_response: true,
            body: Some(Sealed(body.into())),
        };
        bench.app.deliver(replied(&reply)).await;
        let resolved = TicketResolved {
            ticket: bench::ticket(Some(id)),
            resolution: "zhangsan paid".into(),
            sealed_resolution: Some(Sealed(outcome.clone())),
        };
        bench.app.deliver(resolved).await;
        for word in [&reply, &outcome] {
            assert_eq!(words(&bench, word).await, ["request.data"], "the search finds it");
        }
        bench.app.deliver(erased(&bench, id)).await;
        bench.app.deliver(replied(&reply)).await;
        for word in [reply.as_str(), &outcome, "zhangsan"] {
            assert_eq!(words(&bench, word).await, Vec::<String>::new());
        }
        bench.app.run_jobs().await;
        assert!(bench.mails().is_empty());
    }
}

async fn words(bench: &bench::Bench, word: &str) -> Vec<String> {
    let mut found = vec![];
    for (table, column) in
        [("request", "data"), ("inbox_item", "title"), ("inbox_item", "body"), ("attempt", "error")]
    {
        let query = format!(
            "SELECT COUNT(*) AS n FROM {table} WHERE cast({column} AS text) LIKE '%{word}%'"
        );
        let row = sql::one(&bench.app.db, &query, vec![]).await.unwrap().unwrap();
        if row.try_get::<i64>("", "n").unwrap() > 0 {
            found.push(format!("{table}.{column}"));
        }
    }
    found
}

#[tokio::test]
async fn notices_lose_their_words_and_late_events_bring_none_back() {
    for db in testkit::databases().await {
        let bench = bench::start(db).await;
        let customer = bench::customer(&bench.app, "en", Some("lei.li@example.org"));
        let id = customer.customer_id;
        bench.app.deliver(CustomerChanged { customer: customer.clone(), changed: vec![] }).await;
        let ticket = |subject: &str| TicketSnapshot {
            subject: subject.into(),
            account_manager: Some("mia".into()),
            ..bench::ticket(Some(id))
        };
        bench.app.deliver(TicketOpened { ticket: ticket("zhangsan lost") }).await;
        assert!(words(&bench, "zhangsan").await.len() >= 2, "the search finds what is there");

        bench.app.deliver(erased(&bench, id)).await;
        assert_eq!(words(&bench, "zhangsan").await, Vec::<String>::new());
        assert!(!words(&bench, ERASED).await.is_empty());
        let queued = bench.notices(&format!("customer_id={id}&channel=email")).await;
        assert_eq!(
            (&queued[0]["state"], &queued[0]["reason"]),
            (&json!("suppressed"), &json!("erased"))
        );
        assert!(
            bench.app.emitted_of::<NoticeSuppressed>().await.iter().any(|n| n.reason == "erased")
        );
        bench.app.run_jobs().await;
        assert!(bench.mails().is_empty());

        // What was told before and comes after.
        bench.app.deliver(CustomerChanged { customer, changed: vec![] }).await;
        bench.app.deliver(TicketOpened { ticket: ticket("zhangsan again") }).await;
        assert_eq!(words(&bench, "zhangsan").await, Vec::<String>::new());
        let late = bench.notices(&format!("customer_id={id}&channel=email&state=queued")).await;
        assert!(late.is_empty(), "he has no address any more: {late:?}");
        bench.app.run_jobs().await;
        assert!(bench.mails().is_empty());
    }
}
