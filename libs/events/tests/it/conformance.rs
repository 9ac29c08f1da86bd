//! What every [`EventLog`] adapter must keep.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use events::log::{Delivery, EventLog, Record, Subscription};
use tokio::time::timeout;

use crate::log_kinds::kinds;

const PATIENCE: Duration = Duration::from_secs(30);
const QUIET: Duration = Duration::from_millis(700);

pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", kernel::new_id().simple())
}

pub fn record(topic: &str, key: &str, n: usize) -> Record {
    Record {
        topic: topic.into(),
        key: key.into(),
        headers: vec![("n".into(), n.to_string().into_bytes())],
        payload: n.to_string().into_bytes(),
    }
}

pub async fn append(log: &dyn EventLog, records: &[Record]) {
    for outcome in log.append(records).await {
        outcome.unwrap();
    }
}

pub async fn topic(log: &dyn EventLog) -> String {
    let topic = unique("kefu.test");
    log.ensure_topics(std::slice::from_ref(&topic)).await.unwrap();
    topic
}

pub async fn take(subscription: &mut dyn Subscription, n: usize) -> Vec<Delivery> {
    let mut all = vec![];
    while all.len() < n {
        let next = timeout(PATIENCE, subscription.next()).await;
        all.push(next.unwrap_or_else(|_| panic!("{} of {n} messages came", all.len())).unwrap());
    }
    all
}

async fn nothing_more(subscription: &mut dyn Subscription) {
    if let Ok(next) = timeout(QUIET, subscription.next()).await {
        panic!("one too many: {:?}", next.unwrap());
    }
}

/// Payloads by key, in the order of delivery.
pub fn by_key(deliveries: &[Delivery]) -> BTreeMap<String, Vec<usize>> {
    let mut keys: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for d in deliveries {
        let n = String::from_utf8(d.record.payload.clone()).unwrap().parse().unwrap();
        keys.entry(d.record.key.clone()).or_default().push(n);
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_back_as_they_went_in() {
    for kind in kinds("content").await {
        let log = kind.open().await;
        let topic = topic(&*log).await;
        let sent = Record {
            topic: topic.clone(),
            key: "客户-1".into(),
            headers: vec![
                ("ce_id".into(), "投诉".as_bytes().to_vec()),
                ("traceparent".into(), b"00-1-2-01".to_vec()),
                ("x-binary".into(), vec![0, 159, 146, 150]),
            ],
            payload: vec![0, 255, b'{', 10],
        };
        append(&*log, std::slice::from_ref(&sent)).await;
        let mut reader = log.subscribe(&unique("group"), &[&topic]).await.unwrap();
        let mut got = take(&mut *reader, 1).await.remove(0);
        got.record.headers.sort();
        assert_eq!(got.record, sent, "{}", kind.name());
        assert_eq!(got.position.topic, topic);
        reader.close().await.unwrap();
        log.ready().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn order_holds_per_key_and_nothing_is_lost_under_a_slow_reader() {
    for kind in kinds("order").await {
        let log = kind.open().await;
        let topic = topic(&*log).await;
        // More than any buffer between log and reader holds.
        let records: Vec<Record> =
            (0..3_000).map(|n| record(&topic, &format!("key-{}", n % 7), n)).collect();
        for batch in records.chunks(500) {
            append(&*log, batch).await;
        }
        let mut reader = log.subscribe(&unique("group"), &[&topic]).await.unwrap();
        let mut got = take(&mut *reader, 10).await;
        tokio::time::sleep(QUIET).await;
        got.extend(take(&mut *reader, 2_990).await);
        for (key, numbers) in by_key(&got) {
            assert!(numbers.is_sorted_by(|a, b| a < b), "{} {key}", kind.name());
        }
        assert_eq!(by_key(&got).values().map(Vec::len).sum::<usize>(), 3_000);
        nothing_more(&mut *reader).await;
        reader.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_group_reads_from_the_start_and_on_its_own() {
    for kind in kinds("groups").await {
        let log = kind.open().await;
        let topic = topic(&*log).await;
        append(&*log, &[record(&topic, "a", 1), record(&topic, "a", 2)]).await;
        for _ in 0..2 {
            let mut reader = log.subscribe(&unique("group"), &[&topic]).await.unwrap();
            let got = take(&mut *reader, 2).await;
            assert_eq!(by_key(&got)["a"], [1, 2], "{}", kind.name());
            reader.ack(&got[1].position).await.unwrap();
            reader.close().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_stays_so_and_the_rest_comes_again() {
    for kind in kinds("offsets").await {
        let (topic, group) = {
            let log = kind.open().await;
            (topic(&*log).await, unique("group"))
        };
        let log = kind.open().await;
        append(&*log, &(1..=5).map(|n| record(&topic, "a", n)).collect::<Vec<_>>()).await;
        let mut reader = log.subscribe(&group, &[&topic]).await.unwrap();
        let got = take(&mut *reader, 4).await;
        reader.ack(&got[1].position).await.unwrap();
        reader.close().await.unwrap();
        drop(log);

        let log = kind.open().await;
        let mut reader = log.subscribe(&group, &[&topic]).await.unwrap();
        let got = take(&mut *reader, 3).await;
        assert_eq!(by_key(&got)["a"], [3, 4, 5], "{}", kind.name());
        // Dropped, not closed: what was not acknowledged must come again.
        reader.ack(&got[0].position).await.unwrap();
        drop(reader);
        drop(log);

        let log = kind.open().await;
        let mut reader = log.subscribe(&group, &[&topic]).await.unwrap();
        let first = take(&mut *reader, 1).await;
        let n = by_key(&first)["a"][0];
        assert!(n == 3 || n == 4, "{}: {n} after 3 was acknowledged", kind.name());
        let rest = take(&mut *reader, 5 - n).await;
        assert_eq!(by_key(&rest)["a"].last(), Some(&5));
        reader.ack(&rest[rest.len() - 1].position).await.unwrap();
        reader.close().await.unwrap();

        let mut reader = log.subscribe(&group, &[&topic]).await.unwrap();
        nothing_more(&mut *reader).await;
        append(&*log, &[record(&topic, "a", 6)]).await;
        assert_eq!(by_key(&take(&mut *reader, 1).await)["a"], [6]);
        reader.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_reader_is_woken_and_a_wait_given_up_loses_nothing() {
    for kind in kinds("wake").await {
        let log = kind.open().await;
        let topic = topic(&*log).await;
        let mut reader = log.subscribe(&unique("group"), &[&topic]).await.unwrap();
        append(&*log, &[record(&topic, "a", 0)]).await;
        take(&mut *reader, 1).await;
        let writer: Arc<dyn EventLog> = log.clone();
        let to = topic.clone();
        let writing = tokio::spawn(async move {
            for n in 1..=50 {
                append(&*writer, &[record(&to, "a", n)]).await;
                tokio::time::sleep(Duration::from_millis(7)).await;
            }
        });
        let mut got = vec![];
        let mut given_up = 0;
        while got.len() < 50 {
            match timeout(Duration::from_millis(3), reader.next()).await {
                Ok(next) => got.push(next.unwrap()),
                Err(_) => given_up += 1,
            }
            assert!(given_up < 10_000, "{}: only {} came", kind.name(), got.len());
        }
        assert_eq!(by_key(&got)["a"], (1..=50).collect::<Vec<_>>(), "{}", kind.name());
        assert!(given_up > 0);
        writing.await.unwrap();
        reader.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_become_durable_by_themselves() {
    for kind in kinds("durable").await {
        let log = kind.open().await;
        let (topic, group) = (topic(&*log).await, unique("group"));
        append(&*log, &[record(&topic, "a", 1), record(&topic, "a", 2)]).await;
        let mut reader = log.subscribe(&group, &[&topic]).await.unwrap();
        let got = take(&mut *reader, 2).await;
        reader.ack(&got[1].position).await.unwrap();
        // As a process that waits for more and is killed then.
        tokio::time::sleep(Duration::from_secs(1)).await;
        nothing_more(&mut *reader).await;
        tokio::time::sleep(QUIET).await;
        drop(reader);
        drop(log);
        let log = kind.open().await;
        append(&*log, &[record(&topic, "a", 3)]).await;
        let mut reader = log.subscribe(&group, &[&topic]).await.unwrap();
        assert_eq!(by_key(&take(&mut *reader, 1).await)["a"], [3], "{}", kind.name());
        reader.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_reads_only_its_topics() {
    for kind in kinds("topics").await {
        let log = kind.open().await;
        let (one, two, other) = (topic(&*log).await, topic(&*log).await, topic(&*log).await);
        append(&*log, &[record(&one, "a", 1), record(&other, "a", 2), record(&two, "a", 3)]).await;
        let mut reader = log.subscribe(&unique("group"), &[&one, &two]).await.unwrap();
        let mut topics: Vec<String> =
            take(&mut *reader, 2).await.into_iter().map(|d| d.record.topic).collect();
        topics.sort();
        let mut wanted = [one, two];
        wanted.sort();
        assert_eq!(topics, wanted, "{}", kind.name());
        nothing_more(&mut *reader).await;
        reader.close().await.unwrap();
    }
}
