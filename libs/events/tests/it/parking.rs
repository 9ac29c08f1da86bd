//! Events that fail: parked, retried, given up, re-driven.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use events::{
    Backbone, BackboneSettings, Envelope, Reactions, dead_letters,
    log::{EventLog, MemoryLog, Record},
};
use kernel::{PageQuery, SystemClock};
use store::Db;

use crate::support::{
    Recorder, Stepped, count, databases, effects, emit_steps, noon, quick, step, until,
};

fn start(db: &Db, log: &MemoryLog, recorder: &Recorder, settings: BackboneSettings) -> Backbone {
    let reactions = Reactions::none().on::<Stepped>(recorder.clone());
    let clock = Arc::new(SystemClock);
    Backbone::start(
        "reader",
        db.clone(),
        Arc::new(log.clone()),
        reactions,
        clock,
        "test".into(),
        settings,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_event_holds_up_its_key_and_no_other() {
    for test in databases("parking").await {
        let (log, recorder) = (MemoryLog::new(), Recorder::default());
        let (bad, good) = (kernel::new_id(), kernel::new_id());
        // The failure outlasts the test's first part; tries are many and quick.
        recorder.0.fail_first.store(1_000_000, Ordering::SeqCst);
        emit_steps(&test.db, bad, 3).await;
        for n in 2..=4 {
            let tx = test.db.begin().await.unwrap();
            events::emit(&tx, &crate::support::context(), noon(), &step(good, n)).await.unwrap();
            tx.commit().await.unwrap();
        }
        let settings = BackboneSettings { retry_ms: vec![30; 100_000], ..quick() };
        let backbone = start(&test.db, &log, &recorder, settings);
        until("the good key flows", async || effects(&test.db, good).await == [2, 3, 4]).await;
        until("three are parked", async || count(&test.db, "parked").await == 3).await;
        assert!(effects(&test.db, bad).await.is_empty(), "{}", test.name);
        // One more of the bad key comes while it is parked.
        let tx = test.db.begin().await.unwrap();
        events::emit(&tx, &crate::support::context(), noon(), &step(bad, 4)).await.unwrap();
        tx.commit().await.unwrap();
        until("four are parked", async || count(&test.db, "parked").await == 4).await;
        assert!(recorder.0.calls.load(Ordering::SeqCst) > 3, "it was tried again");
        recorder.0.fail_first.store(0, Ordering::SeqCst);
        until("the bad key catches up", async || effects(&test.db, bad).await == [1, 2, 3, 4])
            .await;
        until("nothing is parked", async || count(&test.db, "parked").await == 0).await;
        assert_eq!(dead_letters::count(&test.db).await.unwrap(), 0);
        backbone.ready().unwrap();
        backbone.shutdown(Duration::from_secs(10)).await;
    }
}

/// What is due again at once keeps the retries busy for ever; that is when the count is wanted.
#[tokio::test(flavor = "multi_thread")]
async fn parked_events_are_counted_while_they_are_retried() {
    for test in databases("parked_count").await {
        let (log, recorder) = (MemoryLog::new(), Recorder::default());
        recorder.0.fail_first.store(usize::MAX, Ordering::SeqCst);
        let settings = BackboneSettings { retry_ms: vec![0; 1_000_000], ..quick() };
        let service = format!("busy-{}", test.name);
        let backbone = Backbone::start(
            &service,
            test.db.clone(),
            Arc::new(log),
            Reactions::none().on::<Stepped>(recorder.clone()),
            Arc::new(SystemClock),
            "test".into(),
            settings,
        );
        emit_steps(&test.db, kernel::new_id(), 3).await;
        let counted = format!("kefu_consumer_parked{{service=\"{service}\"}} 3");
        until("the three are counted", async || {
            meter::exposition("").unwrap().1.lines().any(|line| line.starts_with(&counted))
        })
        .await;
        assert!(recorder.0.calls.load(Ordering::SeqCst) > 50, "they were tried all the time");
        backbone.shutdown(Duration::from_secs(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_given_up_lets_the_next_pass_and_can_be_redriven() {
    for test in databases("dead_letter").await {
        let (log, recorder) = (MemoryLog::new(), Recorder::default());
        let id = kernel::new_id();
        recorder.0.fail_first.store(1_000_000, Ordering::SeqCst);
        let backbone = start(&test.db, &log, &recorder, quick());
        emit_steps(&test.db, id, 3).await;
        until("the next ones pass", async || effects(&test.db, id).await == [2, 3]).await;

        let page =
            dead_letters::list(&test.db, &PageQuery { total: Some(true), ..PageQuery::default() })
                .await
                .unwrap();
        assert_eq!(page.total, Some(1));
        let letter = &page.items[0];
        assert_eq!((letter.attempts, letter.consumer.as_str()), (3, "kefu-reader"));
        assert_eq!(
            (letter.ty.as_deref(), letter.org.as_deref()),
            (Some("kefu.thing.stepped.v1"), Some("/acme"))
        );
        assert!(letter.error.contains("not yet"), "{}", letter.error);
        assert_eq!(dead_letters::get(&test.db, letter.id).await.unwrap().as_ref(), Some(letter));

        let topic = "kefu.testing.events.kefu-reader.dlq";
        let published = async || log.records().into_iter().find(|r| r.topic == topic);
        until("the letter is published", async || published().await.is_some()).await;
        let record = published().await.unwrap();
        let header = |name: &str| {
            let found = record.headers.iter().find(|(n, _)| n == name);
            String::from_utf8(found.unwrap_or_else(|| panic!("{name}")).1.clone()).unwrap()
        };
        assert_eq!(header("kefu-dlq-topic"), "kefu.testing.events");
        assert_eq!(header("kefu-dlq-partition"), "0");
        assert_eq!(header("kefu-dlq-offset"), letter.offset.to_string());
        assert!(header("kefu-dlq-error").contains("not yet"));
        assert_eq!(
            Envelope::from_record(&record).unwrap().parse::<Stepped>().unwrap(),
            step(id, 1)
        );

        recorder.0.fail_first.store(0, Ordering::SeqCst);
        assert!(dead_letters::redrive(&test.db, letter.id, noon()).await.unwrap());
        assert!(!dead_letters::redrive(&test.db, letter.id, noon()).await.unwrap());
        until("the mended one has its effect", async || effects(&test.db, id).await == [2, 3, 1])
            .await;
        until("nothing is parked", async || count(&test.db, "parked").await == 0).await;
        assert_eq!(dead_letters::redrive_all(&test.db, noon()).await.unwrap(), 0);
        assert_eq!(dead_letters::get(&test.db, letter.id).await.unwrap(), None);
        backbone.shutdown(Duration::from_secs(10)).await;
        assert_eq!(count(&test.db, "outbox").await, 0);
    }
}

fn garbage(n: usize) -> Record {
    Record {
        topic: "kefu.testing.events".into(),
        key: "k".into(),
        headers: vec![],
        payload: vec![0xff, 0, u8::try_from(n).unwrap()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_given_up_at_once() {
    for test in databases("undecodable").await {
        let (log, recorder) = (MemoryLog::new(), Recorder::default());
        let id = kernel::new_id();
        emit_steps(&test.db, id, 1).await;
        let mut unfit = events::unpublished(&test.db).await.unwrap().remove(0).unwrap().to_record();
        unfit.payload = br#"{"id": 7}"#.to_vec();
        for (name, value) in &mut unfit.headers {
            if name == "ce_id" {
                *value = kernel::new_id().to_string().into_bytes();
            }
        }
        log.append(&[garbage(1), unfit]).await;
        let backbone = start(&test.db, &log, &recorder, quick());
        until("the event behind them flows", async || effects(&test.db, id).await == [1]).await;
        let letters = dead_letters::list(&test.db, &PageQuery::default()).await.unwrap().items;
        assert_eq!(letters.len(), 2, "{}", test.name);
        assert!(
            letters[0].error.contains("does not fit type kefu.thing.stepped.v1"),
            "{}",
            letters[0].error
        );
        assert!(letters[1].error.contains("ce_specversion is missing"), "{}", letters[1].error);
        until("both are published", async || log.records().len() == 5).await;
        let sent: Vec<Record> =
            log.records().into_iter().filter(|r| r.topic.ends_with(".dlq")).collect();
        let binary =
            sent.iter().find(|r| r.headers.iter().any(|(n, _)| n == "kefu-payload-encoding"));
        assert_eq!(binary.unwrap().payload, b"/wAB");
        assert_eq!(count(&test.db, "parked").await, 0);
        // Re-driven without a remedy, it comes back.
        let mut before: Vec<_> = letters.iter().map(|l| l.event_id).collect();
        before.sort();
        assert_eq!(dead_letters::redrive_all(&test.db, noon()).await.unwrap(), 2);
        until("they come back", async || dead_letters::count(&test.db).await.unwrap() == 2).await;
        let letters = dead_letters::list(&test.db, &PageQuery::default()).await.unwrap().items;
        let mut after: Vec<_> = letters.iter().map(|l| l.event_id).collect();
        after.sort();
        assert_eq!(after, before, "they keep their ids");
        backbone.shutdown(Duration::from_secs(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_dead_letters_stops_the_consumer() {
    for test in databases("flood").await {
        let (log, recorder) = (MemoryLog::new(), Recorder::default());
        log.append(&(0..6).map(garbage).collect::<Vec<_>>()).await;
        let settings = BackboneSettings { flood_limit: 3, ..quick() };
        let backbone = start(&test.db, &log, &recorder, settings.clone());
        until("the guard trips", async || backbone.ready().is_err()).await;
        let why = backbone.ready().unwrap_err();
        assert!(why.contains("kefu-reader stopped: 3 dead letters within 10 minutes"), "{why}");
        assert_eq!(dead_letters::count(&test.db).await.unwrap(), 3);
        backbone.shutdown(Duration::from_secs(10)).await;
        // Started again, it goes on where it stopped.
        let backbone = start(&test.db, &log, &recorder, settings);
        until("the rest", async || dead_letters::count(&test.db).await.unwrap() == 6).await;
        backbone.ready().unwrap();
        backbone.shutdown(Duration::from_secs(10)).await;
        assert!(backbone.ready().unwrap_err().contains("shutting down"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_failure_like_any_other() {
    for test in databases("panic").await {
        let (log, recorder) = (MemoryLog::new(), Recorder::default());
        let id = kernel::new_id();
        recorder.0.panics.store(2, Ordering::SeqCst);
        let backbone = start(
            &test.db,
            &log,
            &recorder,
            BackboneSettings { retry_ms: vec![20, 600_000], ..quick() },
        );
        emit_steps(&test.db, id, 1).await;
        until("it is parked with the text", async || {
            let rows = store::sql::all(&test.db, "SELECT error, attempts FROM parked", vec![])
                .await
                .unwrap();
            rows.first().is_some_and(|row| {
                let error: String = row.try_get("", "error").unwrap();
                error.contains("the reaction panicked: a bug")
                    && row.try_get::<i32>("", "attempts").unwrap() == 2
            })
        })
        .await;
        assert!(effects(&test.db, id).await.is_empty(), "{}", test.name);
        backbone.ready().unwrap();
        backbone.shutdown(Duration::from_secs(10)).await;
    }
}
