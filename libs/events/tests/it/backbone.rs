//! The whole way: outbox → relay → log → inbox → reaction.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use events::{Backbone, Envelope, Outcome, React, ReactAny, Reactions, process_one};
use kernel::{Context, Problem, SystemClock};
use store::{Db, Tx, sql};
use uuid::Uuid;

use crate::{
    conformance::unique,
    faults::FaultyLog,
    log_kinds::kinds,
    support::{
        Recorder, Stepped, count, databases, effects, emit_steps, postgres, quick, sqlite, until,
    },
};

fn reactions(recorder: &Recorder) -> Reactions {
    Reactions::none().on::<Stepped>(recorder.clone())
}

fn start(db: &Db, log: &FaultyLog, recorder: &Recorder) -> Backbone {
    let clock = Arc::new(SystemClock);
    Backbone::start(
        "reader",
        db.clone(),
        Arc::new(log.clone()),
        reactions(recorder),
        clock,
        "test".into(),
        quick(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_happens_once_though_the_offset_was_lost() {
    for test in databases("once").await {
        let (log, recorder) = (FaultyLog::default(), Recorder::default());
        let id = kernel::new_id();
        emit_steps(&test.db, id, 20).await;
        log.forgetful.store(true, Ordering::SeqCst);
        let backbone = start(&test.db, &log, &recorder);
        until("all effects", async || effects(&test.db, id).await.len() == 20).await;
        backbone.shutdown(Duration::from_secs(10)).await;
        log.forgetful.store(false, Ordering::SeqCst);
        let backbone = start(&test.db, &log, &recorder);
        emit_steps(&test.db, id, 1).await;
        until("one more", async || effects(&test.db, id).await.len() == 21).await;
        backbone.shutdown(Duration::from_secs(10)).await;
        let wanted: Vec<i64> = (1..=20).chain([1]).collect();
        assert_eq!(effects(&test.db, id).await, wanted, "{}", test.name);
        assert_eq!(recorder.0.calls.load(Ordering::SeqCst), 21, "duplicates are not even tried");
        assert_eq!(count(&test.db, "outbox").await, 0);
        assert_eq!(count(&test.db, "inbox").await, 21);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_trouble_is_waited_out() {
    for test in databases("passing").await {
        let (log, recorder) = (FaultyLog::default(), Recorder::default());
        let (one, two) = (kernel::new_id(), kernel::new_id());
        recorder.0.unavailable.store(4, Ordering::SeqCst);
        emit_steps(&test.db, one, 2).await;
        emit_steps(&test.db, two, 2).await;
        let backbone = start(&test.db, &log, &recorder);
        // Each of its own: keys keep to different shards and lanes.
        until("one", async || effects(&test.db, one).await == [1, 2]).await;
        until("two", async || effects(&test.db, two).await == [1, 2]).await;
        assert_eq!(count(&test.db, "parked").await, 0, "waiting is not failing");
        backbone.shutdown(Duration::from_secs(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_outbox_is_published_before_the_end() {
    for test in databases("flush").await {
        let (log, recorder) = (FaultyLog::default(), Recorder::default());
        emit_steps(&test.db, kernel::new_id(), 30).await;
        let backbone = start(&test.db, &log, &recorder);
        backbone.shutdown(Duration::from_secs(10)).await;
        assert_eq!(log.inner.records().len(), 30, "{}", test.name);
        assert_eq!(count(&test.db, "outbox").await, 0);
        backbone.shutdown(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_fails_for_a_while_delays_and_loses_nothing() {
    for test in databases("hiccup").await {
        let (log, recorder) = (FaultyLog::default(), Recorder::default());
        let id = kernel::new_id();
        log.refuse.store(3, Ordering::SeqCst);
        emit_steps(&test.db, id, 9).await;
        let backbone = start(&test.db, &log, &recorder);
        until("all effects", async || effects(&test.db, id).await.len() == 9).await;
        assert_eq!(effects(&test.db, id).await, (1..=9).collect::<Vec<i64>>(), "{}", test.name);
        backbone.shutdown(Duration::from_secs(10)).await;
    }
}

/// Notes which transactions it ran in.
#[derive(Clone, Default)]
struct Transactions(Arc<Mutex<Vec<i64>>>);

#[async_trait]
impl React<Stepped> for Transactions {
    async fn react(&self, tx: &Tx, _ctx: &Context, _event: Stepped) -> Result<(), Problem> {
        let row = sql::one(tx, "SELECT txid_current() AS id", vec![]).await?;
        self.0.lock().unwrap().push(row.unwrap().try_get("", "id")?);
        Ok(())
    }
}

/// How many transactions twenty events took that lay ready.
async fn transactions(test: &str, reactions: impl Fn(Transactions) -> Reactions) -> usize {
    let test = postgres(test).await;
    let seen = Transactions::default();
    emit_steps(&test.db, kernel::new_id(), 20).await;
    let backbone = Backbone::start(
        "reader",
        test.db.clone(),
        Arc::new(FaultyLog::default()),
        reactions(seen.clone()),
        Arc::new(SystemClock),
        "test".into(),
        quick(),
    );
    until("all of them", async || seen.0.lock().unwrap().len() == 20).await;
    backbone.shutdown(Duration::from_secs(10)).await;
    let ids: HashSet<i64> = seen.0.lock().unwrap().iter().copied().collect();
    ids.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_share_a_transaction_but_for_those_that_stand_alone() {
    let shared = transactions("shared", |r| Reactions::none().on::<Stepped>(r)).await;
    let alone = transactions("alone", |r| Reactions::none().on_alone::<Stepped>(r)).await;
    assert!(shared < 20, "{shared} transactions");
    assert_eq!(alone, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_another_service_over_every_log() {
    for kind in kinds("whole_way").await {
        let log = kind.open().await;
        let (sender, reader, recorder) = (sqlite().await, sqlite().await, Recorder::default());
        let clock = Arc::new(SystemClock);
        let from = Backbone::start(
            "sender",
            sender.db.clone(),
            log.clone(),
            Reactions::none(),
            clock.clone(),
            "s".into(),
            quick(),
        );
        let name = unique("reader");
        let to = Backbone::start(
            &name,
            reader.db.clone(),
            log.clone(),
            reactions(&recorder),
            clock,
            "r".into(),
            quick(),
        );
        let ids: Vec<Uuid> = (0..10).map(|_| kernel::new_id()).collect();
        for id in &ids {
            emit_steps(&sender.db, *id, 10).await;
        }
        for id in &ids {
            until(kind.name(), async || effects(&reader.db, *id).await.len() == 10).await;
            assert_eq!(
                effects(&reader.db, *id).await,
                (1..=10).collect::<Vec<i64>>(),
                "{}",
                kind.name()
            );
        }
        assert!(from.ready().is_ok() && to.ready().is_ok());
        to.shutdown(Duration::from_secs(20)).await;
        from.shutdown(Duration::from_secs(20)).await;
        assert_eq!(count(&sender.db, "outbox").await, 0, "{}", kind.name());
    }
}

struct Everything;

#[async_trait]
impl ReactAny for Everything {
    async fn react(&self, tx: &Tx, ctx: &Context, event: &Envelope) -> Result<(), Problem> {
        assert_eq!(ctx.causation_id, Some(event.id));
        let values = vec![event.key.as_str().into(), 1_000_i64.into()];
        sql::execute(tx, "INSERT INTO effect (key, n) VALUES ($1, $2)", values).await?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_is_processed_by_hand() {
    for test in databases("by_hand").await {
        let recorder = Recorder::default();
        let id = kernel::new_id();
        emit_steps(&test.db, id, 1).await;
        let event = events::unpublished(&test.db).await.unwrap().remove(0).unwrap();
        let run = async |reactions: &Reactions| {
            process_one(&test.db, reactions, "x", &event, &SystemClock).await
        };
        assert_eq!(run(&Reactions::none()).await.unwrap(), Outcome::Ignored);
        let both = reactions(&recorder).on_any(&["kefu.testing.events"], Everything);
        assert_eq!(both.topics(), ["kefu.testing.events"]);
        recorder.0.fail_first.store(1, Ordering::SeqCst);
        assert!(run(&both).await.unwrap_err().to_string().contains("not yet"));
        assert!(effects(&test.db, id).await.is_empty());
        assert_eq!(run(&both).await.unwrap(), Outcome::Done);
        assert_eq!(run(&both).await.unwrap(), Outcome::Duplicate);
        assert_eq!(effects(&test.db, id).await, [1, 1_000], "{}", test.name);
    }
}
