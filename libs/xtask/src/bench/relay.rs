//! Relay: outbox rows to Kafka, against a bare idempotent rdkafka producer sending the same
//! payloads, keys and headers. Consumer: inbox and reaction on PostgreSQL, against a bare consumer
//! that only reads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use events::{
    Backbone, BackboneSettings, Envelope, ReactAny, Reactions, emit,
    log::{EventLog, KafkaLog, KafkaSettings},
};
use futures::stream::{FuturesUnordered, StreamExt};
use kernel::{Clock, Context, OrgPath, Problem, SystemClock, TraceContext};
use rdkafka::{
    ClientConfig, Message,
    consumer::{Consumer, StreamConsumer},
    message::OwnedMessage,
    producer::{FutureProducer, FutureRecord},
};
use store::{Db, DbSettings, Migrations, Tx, sql};

use super::{
    error,
    postgres::{database_url, postmaster, psql},
    rate,
    report::{Goal, Line, Report},
    watch::{self, Watch, Watched},
};

const EVENTS: usize = 50_000;
/// Aggregates that they are about.
const KEYS: usize = 5_000;
const PATIENCE: Duration = Duration::from_secs(300);

/// Events in an outbox, and topics of their own.
struct Field {
    brokers: String,
    server: String,
    db: Db,
    log: Arc<dyn EventLog>,
    topic: &'static str,
    raw: &'static str,
}

pub async fn run(report: &mut Report) -> Result<(), String> {
    let field = Field::prepare().await?;
    let ours = field.relay(report).await;
    field.clean().await?;
    ours
}

pub async fn consume(report: &mut Report) -> Result<(), String> {
    let field = Field::prepare().await?;
    let outcome = async {
        field.publish().await?;
        let messages = field.messages().await?;
        field.produce(&messages).await?;
        field.consume(report).await
    };
    let outcome = outcome.await;
    field.clean().await?;
    outcome
}

impl Field {
    async fn prepare() -> Result<Self, String> {
        let brokers = kefu_tests::required("KEFU_TEST_KAFKA");
        let server = kefu_tests::required("KEFU_TEST_POSTGRES");
        let name = format!("kefu_bench_{}", kernel::new_id().simple());
        psql(&server, &format!("create database {name}"))?;
        let db =
            Db::connect(&DbSettings::new(database_url(&server, &name))).await.map_err(error)?;
        Migrations::new([store::migrations(), events::migrations()])
            .run(&db)
            .await
            .map_err(error)?;
        let log: Arc<dyn EventLog> =
            Arc::new(KafkaLog::new(KafkaSettings::new(&brokers)).map_err(error)?);
        // Reactions want names that live as long as the program.
        let topic: &'static str = format!("{name}.ours").leak();
        let raw: &'static str = format!("{name}.raw").leak();
        log.ensure_topics(&[topic.to_owned(), raw.to_owned()]).await.map_err(error)?;
        let field = Self { brokers, server, db, log, topic, raw };
        field.fill().await.map_err(error)?;
        Ok(field)
    }

    async fn fill(&self) -> Result<(), Box<dyn std::error::Error>> {
        let fixture = include_str!("../../../contracts/fixtures/kefu.ticket.opened.v1.json");
        let mut event: contracts::ticketing::TicketOpened = serde_json::from_str(fixture)?;
        let ctx = Context::system(OrgPath::parse("/acme")?, TraceContext::default());
        let tickets: Vec<_> = (0..KEYS).map(|_| kernel::new_id()).collect();
        for _ in 0..EVENTS / KEYS {
            for chunk in tickets.chunks(500) {
                let tx = self.db.begin().await?;
                for ticket in chunk {
                    event.ticket.ticket_id = *ticket;
                    emit(&tx, &ctx, SystemClock.now(), &event).await?;
                }
                tx.commit().await?;
            }
        }
        sql::execute(&self.db, "UPDATE outbox SET topic = $1", vec![self.topic.into()]).await?;
        self.db_vacuum().await?;
        Ok(())
    }

    async fn db_vacuum(&self) -> Result<(), sea_orm::DbErr> {
        sea_orm::ConnectionTrait::execute_unprepared(&self.db, "VACUUM ANALYZE outbox")
            .await
            .map(drop)
    }

    async fn clean(self) -> Result<(), String> {
        let name = self.topic.trim_end_matches(".ours").to_owned();
        self.db.close().await.map_err(error)?;
        psql(&self.server, &format!("drop database if exists {name} with (force)")).map(drop)
    }

    fn watched(&self) -> Result<Vec<Watched>, String> {
        Ok(vec![
            watch::process("relay, consumer and producer", std::process::id()),
            watch::postgres(postmaster(&self.server)?),
        ])
    }

    async fn relay(&self, report: &mut Report) -> Result<(), String> {
        // Once unmeasured: the broker's virtual machine compiles what it does often.
        self.publish().await?;
        self.produce(&self.messages().await?).await?;
        self.fill().await.map_err(error)?;
        let watch = Watch::begin(&self.watched()?);
        let ours = self.publish().await?;
        let usage = watch.end();
        let messages = self.messages().await?;
        let bytes = messages[0].payload().map_or(0, <[u8]>::len);
        let bare = self.produce(&messages).await?;
        report.add(Line {
            what: "relay: outbox → acknowledged".into(),
            ours: rate(EVENTS, ours),
            baseline: rate(EVENTS, bare),
            unit: "events/s",
            goal: Some(Goal::AtLeast(0.5)),
            note: format!(
                "{EVENTS} events of {bytes} bytes; baseline: rdkafka, idempotent, acks=all"
            ),
            usage,
        });
        Ok(())
    }

    fn backbone(&self, reactions: Reactions) -> Backbone {
        let service = self.topic.trim_end_matches(".ours");
        let (db, log, clock) = (self.db.clone(), self.log.clone(), Arc::new(SystemClock));
        let settings = BackboneSettings::default();
        Backbone::start(service, db, log, reactions, clock, service.to_owned(), settings)
    }

    /// Time from the start of a relay until its outbox is empty.
    async fn publish(&self) -> Result<Duration, String> {
        let begun = Instant::now();
        let backbone = self.backbone(Reactions::none());
        let left = "SELECT 1 AS n FROM outbox WHERE published_at IS NULL LIMIT 1";
        while sql::one(&self.db, left, vec![]).await.map_err(error)?.is_some() {
            if begun.elapsed() > PATIENCE {
                return Err("the relay does not get its outbox empty".into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let time = begun.elapsed();
        backbone.shutdown(Duration::from_secs(10)).await;
        Ok(time)
    }

    /// What the relay sent.
    async fn messages(&self) -> Result<Vec<OwnedMessage>, String> {
        let consumer = self.consumer(self.topic)?;
        let mut all = vec![];
        while all.len() < EVENTS {
            let message = tokio::time::timeout(PATIENCE, consumer.recv()).await.map_err(error)?;
            all.push(message.map_err(error)?.detach());
        }
        Ok(all)
    }

    async fn produce(&self, messages: &[OwnedMessage]) -> Result<Duration, String> {
        let producer: FutureProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "2")
            .create()
            .map_err(error)?;
        let begun = Instant::now();
        let mut flying = FuturesUnordered::new();
        for message in messages {
            let producer = producer.clone();
            flying.push(async move {
                let mut record = FutureRecord::to(self.raw)
                    .key(message.key().unwrap_or_default())
                    .payload(message.payload().unwrap_or_default());
                if let Some(headers) = message.headers() {
                    record = record.headers(headers.clone());
                }
                producer.send(record, Duration::from_secs(30)).await.map_err(|(e, _)| error(e))
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

    fn consumer(&self, topic: &str) -> Result<StreamConsumer, String> {
        let consumer: StreamConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("group.id", format!("bench-{}", kernel::new_id().simple()))
            .set("auto.offset.reset", "earliest")
            .create()
            .map_err(error)?;
        consumer.subscribe(&[topic]).map_err(error)?;
        Ok(consumer)
    }

    async fn consume(&self, report: &mut Report) -> Result<(), String> {
        let seen = Arc::new(AtomicUsize::new(0));
        let reactions = Reactions::none().on_any(&[self.topic], Counted(seen.clone()));
        let watch = Watch::begin(&self.watched()?);
        let backbone = self.backbone(reactions);
        // The clock starts with the first event: joining a group is no throughput.
        let first = wait_until(&seen, 1).await?;
        wait_until(&seen, EVENTS).await?;
        let ours = first.elapsed();
        let usage = watch.end();
        backbone.shutdown(Duration::from_secs(10)).await;
        let bare = self.consume_bare().await?;
        report.add(Line {
            what: "consumer: inbox and reaction".into(),
            ours: rate(EVENTS, ours),
            baseline: rate(EVENTS, bare),
            unit: "events/s",
            goal: None,
            note: format!("{EVENTS} events; baseline: rdkafka that only reads, without a database"),
            usage,
        });
        Ok(())
    }

    async fn consume_bare(&self) -> Result<Duration, String> {
        let consumer = self.consumer(self.raw)?;
        let (mut begun, mut bytes) = (None, 0);
        for _ in 0..EVENTS {
            let message = tokio::time::timeout(PATIENCE, consumer.recv()).await.map_err(error)?;
            bytes += message.map_err(error)?.payload().map_or(0, <[u8]>::len);
            begun.get_or_insert_with(Instant::now);
        }
        if bytes == 0 {
            return Err("the bare consumer read nothing".into());
        }
        Ok(begun.map_or(Duration::ZERO, |b| b.elapsed()))
    }
}

struct Counted(Arc<AtomicUsize>);

#[async_trait]
impl ReactAny for Counted {
    async fn react(&self, _tx: &Tx, _ctx: &Context, _event: &Envelope) -> Result<(), Problem> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

async fn wait_until(seen: &AtomicUsize, n: usize) -> Result<Instant, String> {
    let begun = Instant::now();
    while seen.load(Ordering::Relaxed) < n {
        if begun.elapsed() > PATIENCE {
            return Err(format!("only {} of {n} events arrived", seen.load(Ordering::Relaxed)));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(Instant::now())
}
