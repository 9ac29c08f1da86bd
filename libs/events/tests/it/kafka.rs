//! What only Kafka has: partitions, rebalances, refused messages; and the SQL log's retention.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use events::log::{
    EventLog, KafkaLog, KafkaSettings, LogError, Record, Rewind, SqlLog, Subscription, TopicCheck,
};
use kernel::{Clock, ManualClock};
use store::{Db, DbSettings};
use tokio::{sync::watch, time::timeout};

use crate::{
    conformance::{append, by_key, record, take, topic, unique},
    log_kinds::kafka,
    support::{noon, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refused_message_no_later_one_of_its_key_counts() {
    let log = KafkaLog::new(kafka()).unwrap();
    let topic = topic(&log).await;
    let huge = Record { payload: vec![b'x'; 2_000_000], ..record(&topic, "a", 2) };
    let batch = [record(&topic, "a", 1), huge, record(&topic, "a", 3), record(&topic, "b", 4)];
    let outcomes = log.append(&batch).await;
    assert!(
        matches!(
            outcomes.as_slice(),
            [Ok(()), Err(LogError::Kafka(_)), Err(LogError::Behind(_)), Ok(())]
        ),
        "{outcomes:?}"
    );
    let mut reader = log.subscribe(&unique("group"), &[&topic]).await.unwrap();
    let got = by_key(&take(&mut *reader, 2).await);
    assert_eq!((&got["a"][..], &got["b"][..]), (&[1][..], &[4][..]));
    reader.close().await.unwrap();
}

/// What the members of a group did, in the order in which they did it.
type Seen = Arc<Mutex<Vec<(String, usize)>>>;

/// Reads and acknowledges until told to stop, then leaves the group; answers how much it read.
async fn member(
    log: Arc<KafkaLog>,
    group: String,
    topic: String,
    seen: Seen,
    stop: watch::Receiver<bool>,
) -> usize {
    let mut reader = log.subscribe(&group, &[&topic]).await.unwrap();
    let mut count = 0;
    while !*stop.borrow() {
        let Ok(next) = timeout(Duration::from_millis(50), reader.next()).await else { continue };
        let delivery = next.unwrap();
        let (key, numbers) = by_key(std::slice::from_ref(&delivery)).into_iter().next().unwrap();
        tokio::time::sleep(Duration::from_micros(300)).await;
        seen.lock().unwrap().push((key, numbers[0]));
        count += 1;
        reader.ack(&delivery.position).await.unwrap();
    }
    reader.close().await.unwrap();
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_without_loss_or_disorder() {
    const ROUNDS: usize = 60;
    let log = Arc::new(KafkaLog::new(kafka()).unwrap());
    let (topic, group, seen) = (topic(&*log).await, unique("group"), Seen::default());
    let start = |stop: &watch::Sender<bool>| {
        tokio::spawn(member(
            log.clone(),
            group.clone(),
            topic.clone(),
            seen.clone(),
            stop.subscribe(),
        ))
    };
    let (stop_one, stop_two) = (watch::Sender::new(false), watch::Sender::new(false));
    let (mut one, mut two) = (Some(start(&stop_one)), None);
    let mut read_by_one = 0;
    for round in 0..ROUNDS {
        let batch: Vec<Record> =
            (0..50).map(|n| record(&topic, &format!("k{}", n % 20), round * 50 + n)).collect();
        append(&*log, &batch).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        if round == 15 {
            two = Some(start(&stop_two));
        }
        if round == 45 {
            stop_one.send_replace(true);
            read_by_one = one.take().unwrap().await.unwrap();
        }
    }
    let distinct = || seen.lock().unwrap().iter().map(|(_, n)| *n).collect::<BTreeSet<_>>().len();
    until("nothing is lost", async || distinct() == ROUNDS * 50).await;
    stop_two.send_replace(true);
    let read_by_two = two.unwrap().await.unwrap();
    assert!(read_by_one > 200 && read_by_two > 200, "both worked: {read_by_one} and {read_by_two}");

    // A message may come twice when its acknowledgement was lost in the hand-over, which the inbox
    // knows; but when a message comes first, all before it of its key have come.
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for (key, n) in seen.lock().unwrap().iter().filter(|(_, n)| known.insert(*n)) {
        let before = last.insert(key.clone(), *n);
        assert!(before.is_none_or(|before| before < *n), "{key}: {n} after {before:?}");
    }
    let repeated = read_by_one + read_by_two - ROUNDS * 50;
    assert!(repeated < ROUNDS * 50 / 10, "an orderly hand-over repeats little, not {repeated}");
    println!("repeated after hand-over: {repeated}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_goes_over_when_the_work_on_it_is_done() {
    let log = Arc::new(KafkaLog::new(kafka()).unwrap());
    let (topic, group) = (topic(&*log).await, unique("group"));
    // Keys enough for every partition.
    append(&*log, &(0..40).map(|n| record(&topic, &format!("k{n}"), n)).collect::<Vec<_>>()).await;
    let mut one = log.subscribe(&group, &[&topic]).await.unwrap();
    let got = take(&mut *one, 40).await;
    let other = {
        let (log, group, topic) = (log.clone(), group.clone(), topic.clone());
        tokio::spawn(async move {
            let mut two = log.subscribe(&group, &[&topic]).await.unwrap();
            let wrong = timeout(Duration::from_secs(5), two.next()).await;
            (two, wrong)
        })
    };
    // The rebalance begins within a second and waits for what is being worked on.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    for delivery in &got {
        one.ack(&delivery.position).await.unwrap();
    }
    let (mut two, wrong) = other.await.unwrap();
    assert!(wrong.is_err(), "finished work came again: {wrong:?}");
    append(&*log, &(40..80).map(|n| record(&topic, &format!("k{n}"), n)).collect::<Vec<_>>()).await;
    let next = take(&mut *two, 1).await;
    assert!(by_key(&next).values().all(|n| n[0] >= 40));
    two.close().await.unwrap();
    one.close().await.unwrap();
}

/// Reads and acknowledges until no message has come for a while; which ones they were.
async fn read_all(reader: &mut dyn Subscription, numbers: &mut BTreeSet<usize>) {
    while let Ok(next) = timeout(Duration::from_secs(3), reader.next()).await {
        let delivery = next.unwrap();
        numbers.extend(by_key(std::slice::from_ref(&delivery)).into_values().flatten());
        reader.ack(&delivery.position).await.unwrap();
    }
}

/// A reader that is behind pauses its partitions. librdkafka keeps that in mind for a partition
/// which goes to another member meanwhile, so that it would never be read again when it returns.
#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_went_away_paused_is_read_when_it_returns() {
    const ALL: usize = 4_000;
    let log = KafkaLog::new(kafka()).unwrap();
    let (topic, group) = (topic(&log).await, unique("group"));
    let batch = |from: usize, to: usize| -> Vec<Record> {
        (from..to).map(|n| record(&topic, &format!("k{}", n % 100), n)).collect()
    };
    append(&log, &batch(0, ALL)).await;
    let mut one = log.subscribe(&group, &[&topic]).await.unwrap();
    let first = take(&mut *one, 1).await;
    one.ack(&first[0].position).await.unwrap();
    // It takes no more: soon all that is at hand waits for it, and the partitions are paused.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let mut two = log.subscribe(&group, &[&topic]).await.unwrap();
    take(&mut *two, 1).await;
    let mut read = BTreeSet::new();
    read_all(&mut *one, &mut read).await;
    assert!((1..ALL - 1).contains(&read.len()), "the other has its part: {}", read.len());
    two.close().await.unwrap();
    append(&log, &batch(ALL, ALL + 100)).await;
    read_all(&mut *one, &mut read).await;
    read.extend(by_key(&first).into_values().flatten());
    let missing = (0..ALL + 100).filter(|n| !read.contains(n)).count();
    assert_eq!(missing, 0, "messages of partitions that came back");
    one.close().await.unwrap();
}

/// Nothing is fetched of what is paused: the ends of the partitions have to be asked for.
#[tokio::test(flavor = "multi_thread")]
async fn lag_grows_while_the_reader_is_stuck() {
    let log = KafkaLog::new(kafka()).unwrap();
    let topic = topic(&log).await;
    let batch = |from: usize, to: usize| -> Vec<Record> {
        (from..to).map(|n| record(&topic, &format!("k{}", n % 100), n)).collect()
    };
    append(&log, &batch(0, 4_000)).await;
    let mut stuck = log.subscribe(&unique("group"), &[&topic]).await.unwrap();
    let first = take(&mut *stuck, 1).await;
    stuck.ack(&first[0].position).await.unwrap();
    lag_becomes(&mut *stuck, 3_999).await;
    append(&log, &batch(4_000, 7_000)).await;
    lag_becomes(&mut *stuck, 6_999).await;
    let mut read = BTreeSet::new();
    read_all(&mut *stuck, &mut read).await;
    lag_becomes(&mut *stuck, 0).await;
    stuck.close().await.unwrap();
}

async fn lag_becomes(subscription: &mut dyn Subscription, wanted: u64) {
    for _ in 0..200 {
        if subscription.lag().await == Some(wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the lag is {:?}, not {wanted}", subscription.lag().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_created_and_compared_but_never_changed() {
    let names = [unique("kefu.test"), unique("kefu.test")];
    let check = async |change: &dyn Fn(&mut KafkaSettings)| {
        let mut settings = KafkaSettings { replication: 1, ..kafka() };
        change(&mut settings);
        KafkaLog::new(settings).unwrap().check_topics(&names).await
    };
    let told = |checks: &[TopicCheck]| checks.iter().map(ToString::to_string).collect::<Vec<_>>();
    let usable = |checks: &[TopicCheck]| checks.iter().all(TopicCheck::usable);
    let lines = |what: &str| names.clone().map(|name| format!("{name}: {what}"));

    // Of two that begin at once, each topic is created by one.
    let (one, two) = tokio::join!(check(&|_| {}), check(&|_| {}));
    let (one, two) = (one.unwrap(), two.unwrap());
    for (one, two) in one.iter().zip(&two) {
        assert!(one.created != two.created && one.usable() && two.usable(), "{one} / {two}");
    }
    assert_eq!(told(&check(&|_| {}).await.unwrap()), lines("as wanted"));

    let fewer = check(&|s| s.partitions = 5).await.unwrap();
    assert!(
        !usable(&fewer) && told(&fewer)[0].contains("4 partitions, fewer than the 5"),
        "{fewer:?}"
    );
    let shorter = check(&|s| s.keep_days = 31).await.unwrap();
    assert!(
        !usable(&shorter) && told(&shorter)[1].contains("shorter than the 2678400000"),
        "{shorter:?}"
    );
    let more = check(&|s| (s.partitions, s.keep_days) = (3, 29)).await.unwrap();
    assert!(usable(&more) && more.iter().all(|c| c.differences.len() == 2), "{more:?}");
    assert_eq!(told(&check(&|_| {}).await.unwrap()), lines("as wanted"), "nothing was changed");

    let other = KafkaLog::new(KafkaSettings { replication: 7, ..kafka() }).unwrap();
    let refused = other.check_topics(&[unique("kefu.test")]).await.unwrap_err().to_string();
    assert!(refused.contains("replication 7"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sql_log_forgets_what_is_old_and_read_by_all() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::connect(&DbSettings::new(format!("sqlite://{}/events.db", dir.path().display())))
        .await
        .unwrap();
    let clock = ManualClock::at(noon());
    let log = SqlLog::open(db.clone(), Arc::new(clock.clone()), 7).await.unwrap();
    let left = async || crate::support::count(&db, "event_log").await;
    append(&log, &[record("t", "a", 1), record("t", "a", 2)]).await;
    let mut quick = log.subscribe("quick", &["t"]).await.unwrap();
    let mut slow = log.subscribe("slow", &["t"]).await.unwrap();
    let last = take(&mut *quick, 2).await.remove(1);
    quick.ack(&last.position).await.unwrap();
    quick.close().await.unwrap();
    clock.advance(TimeDelta::days(8));
    append(&log, &[record("t", "a", 3)]).await;
    log.maintain(clock.now()).await.unwrap();
    assert_eq!(left().await, 3, "one group has not read on");
    let first = take(&mut *slow, 2).await.remove(0);
    slow.ack(&first.position).await.unwrap();
    slow.close().await.unwrap();
    log.maintain(clock.now()).await.unwrap();
    assert_eq!(left().await, 2, "the first is old and read by both");
    let mut new = log.subscribe("new", &["t"]).await.unwrap();
    assert_eq!(by_key(&take(&mut *new, 2).await)["a"], [2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_set_back_only_while_nobody_reads() {
    let log = KafkaLog::new(kafka()).unwrap();
    let (topic, group) = (topic(&log).await, unique("group"));
    let keys = ["a", "b", "c", "d"];
    append(&log, &keys.map(|key| record(&topic, key, 1))).await;
    assert_eq!(log.offsets(&group).await.unwrap(), []);
    let mut reader = log.subscribe(&group, &[&topic]).await.unwrap();
    for delivery in take(&mut *reader, 4).await {
        reader.ack(&delivery.position).await.unwrap();
    }
    reader.close().await.unwrap();
    let then = log.offsets(&group).await.unwrap();
    assert_eq!(then.iter().map(|p| p.offset).sum::<i64>(), 4);
    tokio::time::sleep(Duration::from_millis(10)).await;
    let between = kernel::SystemClock.now();
    tokio::time::sleep(Duration::from_millis(10)).await;

    append(&log, &keys.map(|key| record(&topic, key, 2))).await;
    let mut reader = log.subscribe(&group, &[&topic]).await.unwrap();
    let last = take(&mut *reader, 4).await;
    assert!(by_key(&last).values().all(|n| n == &[2]));
    for delivery in &last {
        reader.ack(&delivery.position).await.unwrap();
    }
    let refused = log.rewind(&group, Rewind::To(then.clone()), false).await.unwrap_err();
    assert!(refused.to_string().contains("is being read"), "{refused}");
    reader.close().await.unwrap();

    for to in [Rewind::To(then), Rewind::Since(between)] {
        let (_, again) = log.rewind(&group, to.clone(), false).await.unwrap();
        assert_eq!(again, 4, "{to:?}");
        let mut reader = log.subscribe(&group, &[&topic]).await.unwrap();
        let got = take(&mut *reader, 4).await;
        assert!(by_key(&got).values().all(|n| n == &[2]), "{got:?}");
        reader.close().await.unwrap();
    }
    // Partitions that a backup does not name had not been read when it was taken.
    let (_, again) = log.rewind(&group, Rewind::To(vec![]), false).await.unwrap();
    assert_eq!(again, 8);
}
