//! A process dies while it sends.

use chrono::TimeDelta;
use contracts::notification::{NoticeDelivered, NoticeFailed};
use store::sql;

use crate::bench::{Bench, start};

/// The state in which `kill -9` leaves a delivery: taken under a lease, nothing settled.
async fn die_while_sending(bench: &Bench) {
    let until = bench.app.clock.advance_by(0) + TimeDelta::seconds(60);
    let statement = "UPDATE delivery SET state = 'sending', attempts = attempts + 1, lease_token = $1, lease_until = $2
         WHERE state = 'queued'";
    let done = sql::execute(&bench.app.db, statement, vec![kernel::new_id().into(), until.into()])
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
}

trait Now {
    fn advance_by(&self, seconds: i64) -> chrono::DateTime<chrono::Utc>;
}

impl Now for kernel::ManualClock {
    fn advance_by(&self, seconds: i64) -> chrono::DateTime<chrono::Utc> {
        self.advance(TimeDelta::seconds(seconds));
        kernel::Clock::now(self)
    }
}

#[tokio::test]
async fn a_delivery_left_half_way_is_sent_once_its_lease_is_over() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let id = bench.customer("en", Some("a@example.com")).await;
        bench.open_ticket(Some(id)).await;
        die_while_sending(&bench).await;
        bench.app.run_jobs().await;
        assert!(bench.mails().is_empty(), "somebody may still be sending it");
        bench.app.clock.advance_by(61);
        bench.app.run_jobs().await;
        assert_eq!(bench.mails().len(), 1);
        let notice = bench.notices("").await[0]["id"].as_str().unwrap().to_owned();
        let admin = bench.app.as_role(kernel::Role::Admin, "/acme");
        let detail = admin.get(&format!("/api/v1/notices/{notice}")).send().await.expect(200).body;
        let outcomes: Vec<&str> = detail["log"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["outcome"].as_str().unwrap())
            .collect();
        assert_eq!(outcomes, ["lost", "delivered"]);
        assert_eq!(bench.app.emitted_of::<NoticeDelivered>().await.len(), 1);
    }
}

#[tokio::test]
async fn a_mail_that_always_kills_the_process_is_given_up() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let id = bench.customer("en", Some("a@example.com")).await;
        bench.open_ticket(Some(id)).await;
        let lose = "UPDATE delivery SET state = 'sending', attempts = 8, lease_token = $1, lease_until = $2";
        let until = bench.app.clock.advance_by(0);
        sql::execute(&bench.app.db, lose, vec![kernel::new_id().into(), until.into()])
            .await
            .unwrap();
        bench.app.clock.advance_by(1);
        bench.app.run_jobs().await;
        assert!(bench.mails().is_empty());
        assert_eq!(bench.notices("").await[0]["state"], "failed");
        assert_eq!(bench.app.emitted_of::<NoticeFailed>().await.len(), 1);
    }
}

#[tokio::test]
async fn what_was_queued_before_a_restart_is_sent_after_it() {
    for db in testkit::databases().await {
        let bench = start(db).await;
        let id = bench.customer("en", Some("a@example.com")).await;
        bench.open_ticket(Some(id)).await;
        let Bench { app, mails } = bench;
        let bench = Bench { app: app.restart().await, mails };
        bench.app.run_jobs().await;
        bench.app.run_jobs().await;
        assert_eq!(bench.mails().len(), 1);
    }
}
