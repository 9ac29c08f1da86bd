//! Sending by itself, without the test's hand.

use contracts::ticketing::TicketOpened;

use crate::bench::{self, Bench, eventually};

#[tokio::test]
async fn an_event_is_answered_before_the_jobs_next_turn() {
    for db in testkit::databases().await {
        let mails = tempfile::tempdir().unwrap();
        let settings = format!("[notification.email]\nfolder = {:?}", mails.path());
        let app = testkit::TestApp::start_with(notification::module(), db, &settings).await;
        let bench = Bench { app, mails };
        let id = bench.customer("en", Some("a@example.com")).await;
        bench.app.deliver(TicketOpened { ticket: bench::ticket(Some(id)) }).await;
        // No job runs here: the event itself has woken the sender.
        eventually("the mail", async || (bench.mails().len() == 1).then_some(())).await;
    }
}

#[tokio::test]
async fn a_notice_carries_on_the_trace_of_its_event() {
    for db in testkit::databases().await {
        let bench = bench::start(db).await;
        let id = bench.customer("en", Some("a@example.com")).await;
        let mut event = bench.app.envelope(TicketOpened { ticket: bench::ticket(Some(id)) });
        let trace = "0af7651916cd43dd8448eb211c80319c";
        event.trace.traceparent = Some(format!("00-{trace}-b7ad6b7169203331-01"));
        bench.app.deliver_envelope(&event).await;
        bench.app.run_jobs().await;
        let told = bench.app.emitted().await;
        let parent = told.last().unwrap().trace.traceparent.clone().unwrap();
        assert!(parent.contains(trace), "{parent}");
        assert_eq!(told.last().unwrap().causation_id, Some(event.id));
    }
}
