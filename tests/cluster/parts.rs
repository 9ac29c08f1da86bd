//! The database server and the brokers: away, killed, cut off, slow, frozen.

use std::{
    collections::BTreeSet,
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use kefu_tests::cluster::Cluster;
use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer},
};

fn backends(cluster: &Cluster) -> BTreeSet<String> {
    let query = "select pid from pg_stat_activity where datname like 'kefu\\_%' and pid <> pg_backend_pid()";
    cluster.psql("ticketing", query).unwrap().lines().map(str::to_owned).collect()
}

/// Time of a transaction that writes.
fn commit(cluster: &Cluster) -> Duration {
    let write = "create table if not exists struck (n bigint)";
    cluster.psql("survey", write).unwrap();
    let begun = Instant::now();
    // Each statement a transaction of its own.
    let text =
        "do $$ begin for i in 1..5 loop insert into struck values (i); commit; end loop; end $$";
    cluster.psql("survey", text).unwrap();
    begun.elapsed() / 5
}

pub fn database(cluster: &Cluster) {
    let before = backends(cluster);
    assert!(before.len() >= 5, "{before:?}");
    cluster.postgres_cut();
    assert!(backends(cluster).is_disjoint(&before), "a connection outlived its cut");

    let fast = commit(cluster);
    cluster.postgres_slow(true);
    eventually("commits are slow", || commit(cluster) >= Duration::from_millis(90));
    let slow = commit(cluster);
    cluster.postgres_slow(false);
    eventually("commits are quick again", || commit(cluster) < Duration::from_millis(50));
    println!("a commit takes {fast:.1?}, {slow:.1?} on the slow disk");
    assert_eq!(cluster.psql("survey", "show fsync").unwrap().trim(), "off");

    let rows = cluster.count("survey", "select count(*) from struck");
    for how in [Cluster::postgres_stop, Cluster::postgres_kill] {
        how(cluster);
        assert!(cluster.psql("survey", "select 1").is_err(), "the server is away");
        let begun = Instant::now();
        cluster.postgres_start().unwrap();
        println!("the database server came back in {:.1?}", begun.elapsed());
        assert_eq!(cluster.count("survey", "select count(*) from struck"), rows);
    }
}

/// Whether a message is taken, by as many brokers as the topic demands.
fn taken(producer: &BaseProducer) -> bool {
    let record = BaseRecord::to("kefu.cluster.test").key("k").payload("p");
    producer.send(record).is_ok() && producer.flush(Duration::from_secs(4)).is_ok() && {
        producer.in_flight_count() == 0
    }
}

fn client(brokers: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("acks", "all").set("message.timeout.ms", "60000");
    config.set("reconnect.backoff.max.ms", "500").set("log_level", "0");
    config.create().unwrap()
}

fn answers(address: &str) -> bool {
    client(address).client().fetch_metadata(None, Duration::from_secs(2)).is_ok()
}

pub fn brokers(cluster: &Cluster) {
    let list = cluster.brokers();
    let addresses: Vec<&str> = list.split(',').collect();
    assert_eq!(addresses.len(), 3);
    let topic = "kefu.cluster.test";
    create(&list, topic);
    let metadata = client(&list).client().fetch_metadata(None, Duration::from_secs(10)).unwrap();
    assert_eq!(metadata.brokers().len(), 3);
    for topic in metadata.topics() {
        assert!(topic.partitions().iter().all(|p| p.replicas().len() == 3), "{}", topic.name());
    }
    assert!(metadata.topics().iter().any(|t| t.name() == topic && t.partitions().len() == 1));
    let producer = client(&list);
    assert!(taken(&producer));

    cluster.kafka_freeze(2);
    assert!(!answers(addresses[2]), "a frozen broker answered");
    cluster.kafka_thaw(2);
    assert!(answers(addresses[2]));

    cluster.kafka_kill(1);
    assert!(!answers(addresses[1]));
    eventually("two of three go on", || taken(&producer));
    cluster.kafka_stop(2);
    assert!(!answers(addresses[2]));
    assert!(!taken(&client(&list)), "one of three took a write that needs two");

    let begun = Instant::now();
    scope(|scope| {
        let started = [1, 2].map(|node| scope.spawn(move || cluster.kafka_start(node)));
        started.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
    });
    println!("two brokers came back in {:.1?}", begun.elapsed());
    eventually("all three take writes", || taken(&producer));
    assert!(answers(addresses[1]) && answers(addresses[2]));
}

fn create(brokers: &str, topic: &str) {
    use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
    let admin: AdminClient<_> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let new = [NewTopic::new(topic, 1, TopicReplication::Fixed(-1))];
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)));
    let created = tokio::runtime::Handle::current().block_on(admin.create_topics(&new, &options));
    assert!(created.unwrap().iter().all(Result::is_ok));
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "still not: {what}");
        sleep(Duration::from_millis(100));
    }
}
