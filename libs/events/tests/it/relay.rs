//! The relay alone: order, prefixes, leases.

use std::{sync::Arc, time::Duration};

use events::{
    BackboneSettings, Envelope, Relay, emit,
    log::{EventLog, MemoryLog},
};
use kernel::SystemClock;
use store::Db;
use uuid::Uuid;

use crate::{
    faults::{FaultyLog, Gate},
    support::{Stepped, context, count, databases, emit_steps, noon, postgres, step},
};

fn relay(db: &Db, log: Arc<dyn EventLog>, holder: &str, lease_ms: u64) -> Relay {
    let settings = BackboneSettings { lease_ms, ..BackboneSettings::default() };
    Relay::new("testing", db.clone(), log, holder, settings, Arc::new(SystemClock))
}

/// Steps of a thing as they stand in the log.
fn steps(log: &MemoryLog, id: Uuid) -> Vec<i64> {
    let events = log.records().into_iter().map(|r| Envelope::from_record(&r).unwrap());
    events.filter(|e| e.key == id.to_string()).map(|e| e.parse::<Stepped>().unwrap().n).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_committed_is_published_in_order_and_leaves_the_outbox() {
    for test in databases("relay_order").await {
        let log = MemoryLog::new();
        let ids: Vec<Uuid> = (0..5).map(|_| kernel::new_id()).collect();
        for id in &ids {
            emit_steps(&test.db, *id, 4).await;
        }
        let tx = test.db.begin().await.unwrap();
        emit(&tx, &context(), noon(), &step(ids[0], 99)).await.unwrap();
        tx.rollback().await.unwrap();
        let relay = relay(&test.db, Arc::new(log.clone()), "a", 10_000);
        assert_eq!(relay.round().await.unwrap().read, 0, "nothing without a lease");
        relay.hold().await.unwrap();
        let round = relay.round().await.unwrap();
        assert_eq!((round.read, round.published, round.failure), (20, 20, None), "{}", test.name);
        for id in ids {
            assert_eq!(steps(&log, id), [1, 2, 3, 4], "{}", test.name);
        }
        assert_eq!(count(&test.db, "outbox").await, 0);
        assert_eq!(relay.round().await.unwrap().read, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_sequence_that_commits_later_is_not_lost() {
    // SQLite has one writer at a time: there it cannot happen.
    let test = postgres("relay_gap").await;
    let log = MemoryLog::new();
    let relay = relay(&test.db, Arc::new(log.clone()), "a", 10_000);
    relay.hold().await.unwrap();
    let (slow, quick) = (kernel::new_id(), kernel::new_id());
    let first = test.db.begin().await.unwrap();
    emit(&first, &context(), noon(), &step(slow, 1)).await.unwrap();
    first.write_later_rows().await.unwrap();
    let second = test.db.begin().await.unwrap();
    emit(&second, &context(), noon(), &step(quick, 1)).await.unwrap();
    second.commit().await.unwrap();
    assert_eq!(relay.round().await.unwrap().published, 1);
    first.commit().await.unwrap();
    assert_eq!(relay.round().await.unwrap().published, 1);
    assert_eq!((steps(&log, slow), steps(&log, quick)), (vec![1], vec![1]));
    assert_eq!(count(&test.db, "outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_for_the_next_statement_or_the_commit_and_keep_their_order() {
    for test in databases("outbox_later").await {
        let id = kernel::new_id();
        let rows = "SELECT payload FROM outbox ORDER BY seq";
        let tx = test.db.begin().await.unwrap();
        for n in 1..=5 {
            emit(&tx, &context(), noon(), &step(id, n)).await.unwrap();
        }
        let seen = store::sql::all(&tx, rows, vec![]).await.unwrap();
        assert_eq!(seen.len(), 5, "{}: a statement sees what was emitted before it", test.name);
        for n in 6..=9 {
            emit(&tx, &context(), noon(), &step(id, n)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let log = MemoryLog::new();
        let relay = relay(&test.db, Arc::new(log.clone()), "a", 10_000);
        relay.hold().await.unwrap();
        relay.round().await.unwrap();
        assert_eq!(steps(&log, id), (1..=9).collect::<Vec<_>>(), "{}", test.name);

        let tx = test.db.begin().await.unwrap();
        emit(&tx, &context(), noon(), &step(id, 10)).await.unwrap();
        drop(tx);
        assert_eq!(count(&test.db, "outbox").await, 0, "{}", test.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_key_only_the_delivered_prefix_is_marked() {
    for test in databases("relay_prefix").await {
        let log = FaultyLog::default();
        let (one, two) = (kernel::new_id(), kernel::new_id());
        emit_steps(&test.db, one, 3).await;
        emit_steps(&test.db, two, 2).await;
        let relay = relay(&test.db, Arc::new(log.clone()), "a", 10_000);
        relay.hold().await.unwrap();
        log.refuse.store(2, std::sync::atomic::Ordering::SeqCst);
        let round = relay.round().await.unwrap();
        assert_eq!((round.read, round.published), (5, 3), "{}", test.name);
        assert!(round.failure.is_some());
        assert_eq!(count(&test.db, "outbox").await, 2);
        assert_eq!(relay.round().await.unwrap().published, 2);
        assert_eq!((steps(&log.inner, one), steps(&log.inner, two)), (vec![1, 2, 3], vec![1, 2]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn published_rows_can_be_kept() {
    for test in databases("relay_keep").await {
        let settings =
            BackboneSettings { keep_published_secs: 3_600, ..BackboneSettings::default() };
        let log = MemoryLog::new();
        let relay = Relay::new(
            "testing",
            test.db.clone(),
            Arc::new(log.clone()),
            "a",
            settings,
            Arc::new(SystemClock),
        );
        relay.hold().await.unwrap();
        emit_steps(&test.db, kernel::new_id(), 2).await;
        assert_eq!(relay.round().await.unwrap().published, 2);
        assert_eq!(relay.round().await.unwrap().read, 0);
        assert_eq!(count(&test.db, "outbox").await, 2);
        assert!(events::unpublished(&test.db).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_lease_ran_out_sends_nothing() {
    for test in databases("relay_stale").await {
        let log = MemoryLog::new();
        let old = relay(&test.db, Arc::new(log.clone()), "old", 300);
        assert!(old.hold().await.unwrap() > 0);
        let new = relay(&test.db, Arc::new(log.clone()), "new", 10_000);
        assert_eq!(new.hold().await.unwrap(), 0, "the old one still holds");
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(new.hold().await.unwrap() > 0);
        emit_steps(&test.db, kernel::new_id(), 3).await;
        assert_eq!(old.round().await.unwrap().read, 0, "{}", test.name);
        assert_eq!(new.round().await.unwrap().published, 3);
        assert_eq!(old.hold().await.unwrap(), 0);
        assert_eq!(log.records().len(), 3);
        new.release().await.unwrap();
        assert!(old.hold().await.unwrap() > 0, "given back, it is free at once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_overslept_in_the_middle_marks_nothing() {
    for test in databases("relay_sleep").await {
        let gate = Arc::new(Gate::default());
        let log = FaultyLog { gate: Some(gate.clone()), ..FaultyLog::default() };
        let id = kernel::new_id();
        emit_steps(&test.db, id, 2).await;
        let old = relay(&test.db, Arc::new(log.clone()), "old", 300);
        old.hold().await.unwrap();
        let sleeper = tokio::spawn(async move { old.round().await.unwrap() });
        gate.reached.notified().await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        let new = relay(&test.db, Arc::new(log.inner.clone()), "new", 10_000);
        new.hold().await.unwrap();
        // What the old one is still sending, the new one has not seen marked, and sends.
        assert_eq!(new.round().await.unwrap().published, 2);
        emit_steps(&test.db, id, 1).await;
        gate.open.notify_one();
        let round = sleeper.await.unwrap();
        assert_eq!((round.read, round.published), (2, 0), "{}", test.name);
        assert_eq!(count(&test.db, "outbox").await, 1, "the new one's row is untouched");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_the_shards_evenly_and_take_over_from_the_dead() {
    let test = postgres("relay_share").await;
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let one = relay(&test.db, log.clone(), "one", 10_000);
    assert_eq!(one.hold().await.unwrap(), 8, "alone it takes everything");
    let two = relay(&test.db, log.clone(), "two", 500);
    assert_eq!(two.hold().await.unwrap(), 0, "nothing is free yet");
    assert_eq!(one.hold().await.unwrap(), 4, "the first one gives half away");
    assert_eq!(two.hold().await.unwrap(), 4);
    assert_eq!(one.hold().await.unwrap(), 4);
    for _ in 0..40 {
        emit_steps(&test.db, kernel::new_id(), 1).await;
    }
    let (first, second) = (one.round().await.unwrap(), two.round().await.unwrap());
    assert!(first.published > 0 && second.published > 0, "{first:?} {second:?}");
    assert_eq!(first.published + second.published, 40);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(one.hold().await.unwrap(), 8, "the other one fell silent");
    assert_eq!(two.round().await.unwrap().read, 0);
}
