//! From a ticket's resolution until the mail of it is with the SMTP server, in split mode at half of
//! the load that the stack can bear, against three bare produce–consume hops one after the other at
//! the same rate, on the same Kafka.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use kefu_tests::{api::Caller, stack::Stack};
use rdkafka::{
    ClientConfig, Message,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{Consumer, StreamConsumer},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};

use super::{
    error, load, mixed,
    postgres::psql,
    quantile, rate,
    report::{Goal, Line, Report},
    split,
    watch::Watch,
};

/// Tickets resolved to find the most that the stack bears, and at half of that.
const AT_MOST: usize = 2_000;
const AT_HALF: usize = 2_000;
const CLIENTS: usize = 16;
const HOPS: usize = 3;

pub async fn run(report: &mut Report) -> Result<(), String> {
    println!("end to end: resolve → delivered mail, split mode");
    let stack = split::start().await;
    let admin = stack.user("admin").await;
    let customers = mixed::customers(&admin, 50).await;
    let mut tickets = open(&stack, &admin, &customers, AT_MOST + AT_HALF).await?;
    mixed::quiet(&stack, Duration::from_secs(300)).await?;

    let most = capacity(&stack, &admin, tickets.split_off(AT_HALF)).await?;
    let half = most / 2.0;
    println!("    the stack bears {most:.0} resolved tickets/s; measured at {half:.0}/s");
    let watch = Watch::begin(&split::watched(&stack)?);
    resolve_at(&stack, &admin, &tickets, half).await?;
    mixed::quiet(&stack, Duration::from_secs(120)).await?;
    let usage = watch.end();
    let ours = waits(&stack, &tickets)?;
    let bare = hops(&split::brokers(stack.dir.path())?, half).await?;
    report.add(Line {
        what: "end to end: resolve → delivered notice".into(),
        ours: quantile(&ours, 0.99),
        baseline: quantile(&bare, 0.99),
        unit: "ms p99",
        goal: Some(Goal::AtMost(3.0)),
        note: format!(
            "at {half:.0}/s, half of {most:.0}/s; p50 {:.1} against {:.1} ms; baseline: {HOPS} bare hops at that rate",
            quantile(&ours, 0.5),
            quantile(&bare, 0.5)
        ),
        usage,
    });
    Ok(())
}

/// Ids of `n` new tickets.
async fn open(
    stack: &Stack,
    admin: &Caller,
    customers: &[Value],
    n: usize,
) -> Result<Vec<String>, String> {
    let one = async |client: usize| {
        let mut connection = split::connection(stack, admin, "/api/v1/tickets");
        let mut ids = vec![];
        for at in (client..n).step_by(CLIENTS) {
            let ticket = json!({ "kind": "complaint", "subject": format!("Bench {at}"),
                "customer_id": customers[at % customers.len()], "body": "late" });
            let reply =
                load::send(&mut connection, &load::post("/api/v1/tickets", &ticket)).await?;
            let body = reply.json()?;
            let id = body["id"].as_str().ok_or_else(|| format!("{}: {body}", reply.status))?;
            ids.push(id.to_owned());
        }
        Ok::<_, String>(ids)
    };
    let all = futures::future::try_join_all((0..CLIENTS).map(one)).await?;
    Ok(all.into_iter().flatten().collect())
}

fn resolution(ticket: &str) -> load::Ask {
    load::post(&format!("/api/v1/tickets/{ticket}/resolve"), &json!({ "resolution": "done" }))
}

/// Tickets per second that the stack bears in the long run: asked for at once, until everything that
/// follows is done by every service. Mails come sooner than the rest.
async fn capacity(stack: &Stack, admin: &Caller, tickets: Vec<String>) -> Result<f64, String> {
    let begun = Instant::now();
    let one = async |client: usize| {
        let mut connection = split::connection(stack, admin, "/api/v1/tickets");
        for ticket in tickets.iter().skip(client).step_by(CLIENTS) {
            let reply = load::send(&mut connection, &resolution(ticket)).await?;
            if reply.status != 200 {
                return Err(format!("resolve: {}", reply.status));
            }
        }
        Ok(())
    };
    futures::future::try_join_all((0..CLIENTS).map(one)).await?;
    mixed::quiet(stack, Duration::from_secs(300)).await?;
    let took = begun.elapsed();
    let delivered = "select count(*) from delivery where workflow = 'ticket_resolved' and channel = 'email' and state = 'delivered'";
    let n: usize = psql(&stack.database("notification"), delivered)?.parse().map_err(error)?;
    if n < tickets.len() {
        return Err(format!("only {n} of {} notices were delivered", tickets.len()));
    }
    Ok(rate(n, took))
}

/// Resolves at a rate, whether or not the ones before are answered.
async fn resolve_at(
    stack: &Stack,
    admin: &Caller,
    tickets: &[String],
    rate: f64,
) -> Result<(), String> {
    let begun = Instant::now();
    let one = async |client: usize| {
        let mut connection = split::connection(stack, admin, "/api/v1/tickets");
        for (at, ticket) in tickets.iter().enumerate().skip(client).step_by(CLIENTS) {
            #[allow(clippy::cast_precision_loss, reason = "some thousands")]
            let due = begun + Duration::from_secs_f64(at as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
            let reply = load::send(&mut connection, &resolution(ticket)).await?;
            if reply.status != 200 {
                return Err(format!("resolve: {}", reply.status));
            }
        }
        Ok(())
    };
    futures::future::try_join_all((0..CLIENTS).map(one)).await.map(drop)
}

/// Sorted milliseconds from resolution to delivery, by the services' own clocks (one machine).
fn waits(stack: &Stack, tickets: &[String]) -> Result<Vec<f64>, String> {
    let times = |database: &str, sql: &str| -> Result<HashMap<String, f64>, String> {
        let rows = psql(&stack.database(database), sql)?;
        let pairs = rows.lines().filter_map(|l| l.split_once('|'));
        pairs.map(|(id, ms)| Ok((id.to_owned(), ms.parse().map_err(error)?))).collect()
    };
    let resolved = times(
        "ticketing",
        "select id, extract(epoch from resolved_at) * 1000 from ticket where resolved_at is not null",
    )?;
    let delivered = times(
        "notification",
        "select ticket_id, extract(epoch from delivered_at) * 1000 from delivery
         where workflow = 'ticket_resolved' and channel = 'email' and state = 'delivered'",
    )?;
    let wait = |id: &String| Some(delivered.get(id)? - resolved.get(id)?);
    let mut all: Vec<f64> = tickets.iter().filter_map(wait).collect();
    if all.len() != tickets.len() {
        return Err(format!("{} of {} notices were delivered", all.len(), tickets.len()));
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

/// Sorted milliseconds through three topics, each read by a subscribed consumer that sends on.
async fn hops(brokers: &str, rate: f64) -> Result<Vec<f64>, String> {
    let config = || {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers).set("socket.nagle.disable", "true");
        config
    };
    let run = kernel::new_id().simple().to_string();
    let topics: Vec<String> = (0..HOPS).map(|n| format!("bench.hop{n}.{run}")).collect();
    let admin: AdminClient<DefaultClientContext> = config().create().map_err(error)?;
    let new: Vec<_> =
        topics.iter().map(|t| NewTopic::new(t, 12, TopicReplication::Fixed(1))).collect();
    admin.create_topics(&new, &AdminOptions::new()).await.map_err(error)?;
    // As the product's own producer is set.
    let producer: FutureProducer = config()
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "1")
        .create()
        .map_err(error)?;
    let arrived: Arc<Mutex<HashMap<usize, Instant>>> = Arc::default();
    let mut readers = vec![];
    for (hop, topic) in topics.iter().enumerate() {
        let consumer: StreamConsumer = config()
            .set("group.id", format!("{topic}.group"))
            .set("auto.offset.reset", "earliest")
            .create()
            .map_err(error)?;
        consumer.subscribe(&[topic]).map_err(error)?;
        let (producer, next, arrived) =
            (producer.clone(), topics.get(hop + 1).cloned(), arrived.clone());
        readers.push(tokio::spawn(async move {
            while let Ok(message) = consumer.recv().await {
                let payload = message.payload().unwrap_or_default();
                let number =
                    std::str::from_utf8(payload).ok().and_then(|t| t.trim_end().parse().ok());
                match (&next, number) {
                    (Some(next), _) => {
                        let record = FutureRecord::to(next)
                            .payload(payload)
                            .key(message.key().unwrap_or_default());
                        if let Err((e, _)) = producer.send_result(record) {
                            eprintln!("hop: {e}");
                        }
                    }
                    (None, Some(number)) => {
                        arrived
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .insert(number, Instant::now());
                    }
                    _ => {}
                }
            }
        }));
    }
    // The groups gather on a first message that does not count.
    let mut sent = vec![];
    for n in 0..=AT_HALF {
        // About as long as a ticket's event.
        let payload = format!("{n:<1000}");
        sent.push(Instant::now());
        let record = FutureRecord::to(&topics[0]).payload(&payload).key(&payload[..8]);
        producer.send_result(record).map_err(|(e, _)| error(e))?;
        if n == 0 {
            kefu_tests::eventually("the hops are joined", Duration::from_secs(60), || async {
                let seen = arrived.lock().unwrap_or_else(PoisonError::into_inner).len();
                (seen == 1).then_some(())
            })
            .await;
        }
        tokio::time::sleep(Duration::from_secs_f64(1.0 / rate)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    readers.iter().for_each(tokio::task::JoinHandle::abort);
    let arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner);
    let took = |n: usize| Some(arrived.get(&n)?.duration_since(sent[n]).as_secs_f64() * 1_000.0);
    let mut all: Vec<f64> = (1..=AT_HALF).filter_map(took).collect();
    if all.len() != AT_HALF {
        return Err(format!("only {} of {AT_HALF} messages came through the hops", all.len()));
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}
