//! Relay: outbox rows to Kafka, against a bare idempotent rdkafka producer sending the same
//! payloads. Consumer: inbox and reaction on PostgreSQL, against a bare consumer that only reads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use events::{
    Backbone, BackboneSettings, Envelope, ReactAny, Reactions, Relay, emit,
    log::{EventLog, KafkaLog, KafkaSettings},
};
use futures::stream::{FuturesUnordered, StreamExt};
use kernel::{Clock, Context, OrgPath, Problem, SystemClock, TraceContext};
use rdkafka::{
    ClientConfig, Message,
    consumer::{Consumer, StreamConsumer},
    producer::{FutureProducer, FutureRecord},
};
use store::{Db, DbSettings, Migrations, Tx, sql};

use super::{line, rate};

const EVENTS: usize = 20_000;
const RAW_TOPIC: &str = "kefu.bench.raw";

pub async fn run() -> Result<(), String> {
    let brokers = kefu_tests::required("KEFU_TEST_KAFKA");
    let server = kefu_tests::required("KEFU_TEST_POSTGRES");
    let db = fresh_database(&server).await.map_err(|e| e.to_string())?;
    let log: Arc<dyn EventLog> =
        Arc::new(KafkaLog::new(KafkaSettings::new(&brokers)).map_err(|e| e.to_string())?);
    log.ensure_topics(&[contracts::ticketing::TOPIC.to_owned(), RAW_TOPIC.to_owned()])
        .await
        .map_err(|e| e.to_string())?;
    let payload = fill_outbox(&db).await.map_err(|e| e.to_string())?;

    println!("relay and consumer, {EVENTS} events of {} bytes", payload.len());
    let ours = relay_all(&db, &log).await?;
    let bare = produce_all(&brokers, &payload).await?;
    line("relay (outbox → acknowledged)", rate(EVENTS, ours), rate(EVENTS, bare), "events/s");

    let ours = consume_with_inbox(&db, &log).await?;
    let bare = consume_bare(&brokers).await?;
    line("consumer (inbox + reaction)", rate(EVENTS, ours), rate(EVENTS, bare), "events/s");
    Ok(())
}

async fn fresh_database(server: &str) -> Result<Db, sea_orm::DbErr> {
    let name = format!("kefu_bench_{}", kernel::new_id().simple());
    let admin = Db::connect(&DbSettings::new(server)).await?;
    sql::execute(&admin, &format!("create database {name}"), vec![]).await?;
    let base = server.rsplit_once('/').map_or(server, |(base, _)| base);
    let db = Db::connect(&DbSettings::new(format!("{base}/{name}"))).await?;
    Migrations::new([store::migrations(), events::migrations()]).run(&db).await?;
    Ok(db)
}

/// Ticket events of 2,000 aggregates, ten each; returns one payload.
async fn fill_outbox(db: &Db) -> Result<String, Box<dyn std::error::Error>> {
    let fixture = include_str!("../../../contracts/fixtures/kefu.ticket.opened.v1.json");
    let mut event: contracts::ticketing::TicketOpened = serde_json::from_str(fixture)?;
    let ctx = Context::system(OrgPath::parse("/acme")?, TraceContext::default());
    let tickets: Vec<_> = (0..EVENTS / 10).map(|_| kernel::new_id()).collect();
    for _ in 0..10 {
        for chunk in tickets.chunks(500) {
            let tx = db.begin().await?;
            for ticket in chunk {
                event.ticket.ticket_id = *ticket;
                emit(&tx, &ctx, SystemClock.now(), &event).await?;
            }
            tx.commit().await?;
        }
    }
    Ok(serde_json::to_string(&event)?)
}

async fn relay_all(db: &Db, log: &Arc<dyn EventLog>) -> Result<Duration, String> {
    let relay = Relay::new(
        "bench",
        db.clone(),
        log.clone(),
        "bench",
        BackboneSettings::default(),
        Arc::new(SystemClock),
    );
    relay.hold().await.map_err(|e| e.to_string())?;
    let begun = Instant::now();
    let mut published = 0;
    while published < EVENTS {
        let round = relay.round().await.map_err(|e| e.to_string())?;
        if let Some(failure) = round.failure {
            return Err(failure);
        }
        published += round.published;
        relay.hold().await.map_err(|e| e.to_string())?;
    }
    Ok(begun.elapsed())
}

async fn produce_all(brokers: &str, payload: &str) -> Result<Duration, String> {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "2")
        .create()
        .map_err(|e| e.to_string())?;
    let begun = Instant::now();
    let mut flying = FuturesUnordered::new();
    for n in 0..EVENTS {
        let key = (n % (EVENTS / 10)).to_string();
        let producer = producer.clone();
        flying.push(async move {
            let record = FutureRecord::to(RAW_TOPIC).key(&key).payload(payload);
            producer.send(record, Duration::from_secs(30)).await.map_err(|(e, _)| e.to_string())
        });
        while flying.len() >= 1_000 {
            flying.next().await.transpose()?;
        }
    }
    while let Some(sent) = flying.next().await {
        sent?;
    }
    Ok(begun.elapsed())
}

struct Counted(Arc<AtomicUsize>);

#[async_trait]
impl ReactAny for Counted {
    async fn react(&self, _tx: &Tx, _ctx: &Context, _event: &Envelope) -> Result<(), Problem> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

async fn consume_with_inbox(db: &Db, log: &Arc<dyn EventLog>) -> Result<Duration, String> {
    let seen = Arc::new(AtomicUsize::new(0));
    let reactions = Reactions::none().on_any(&[contracts::ticketing::TOPIC], Counted(seen.clone()));
    let service = format!("bench-{}", kernel::new_id().simple());
    let backbone = Backbone::start(
        &service,
        db.clone(),
        log.clone(),
        reactions,
        Arc::new(SystemClock),
        service.clone(),
        BackboneSettings::default(),
    );
    // The clock starts with the first event: joining a group is no throughput.
    let first = wait_until(&seen, 1).await?;
    wait_until(&seen, EVENTS).await?;
    let time = first.elapsed();
    backbone.shutdown(Duration::from_secs(10)).await;
    Ok(time)
}

async fn wait_until(seen: &AtomicUsize, n: usize) -> Result<Instant, String> {
    let begun = Instant::now();
    while seen.load(Ordering::Relaxed) < n {
        if begun.elapsed() > Duration::from_secs(300) {
            return Err(format!("only {} of {n} events arrived", seen.load(Ordering::Relaxed)));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(Instant::now())
}

async fn consume_bare(brokers: &str) -> Result<Duration, String> {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", format!("bench-raw-{}", kernel::new_id().simple()))
        .set("auto.offset.reset", "earliest")
        .create()
        .map_err(|e| e.to_string())?;
    consumer.subscribe(&[RAW_TOPIC]).map_err(|e| e.to_string())?;
    let mut begun = None;
    let mut bytes = 0;
    for _ in 0..EVENTS {
        let message = consumer.recv().await.map_err(|e| e.to_string())?;
        bytes += message.payload().map_or(0, <[u8]>::len);
        begun.get_or_insert_with(Instant::now);
    }
    if bytes == 0 {
        return Err("the bare consumer read nothing".into());
    }
    Ok(begun.map_or(Duration::ZERO, |b| b.elapsed()))
}
