//! Kafka away for minutes under load: what REST answers, what memory does, and that the backlog
//! comes out in order.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    process::Command,
    time::{Duration, Instant},
};

use kefu_tests::stack::Stack;
use rdkafka::{
    ClientConfig, Message,
    consumer::{BaseConsumer, Consumer},
};

use super::{
    error, mixed,
    mixed::{Counts, Mixed},
    postgres::psql,
    rate,
    soak::Curves,
    split,
};

const EVERY: Duration = Duration::from_secs(10);
/// Tickets a second.
const RATE: f64 = 15.0;
const PATIENCE: Duration = Duration::from_secs(600);

pub async fn run(minutes: u64) -> Result<(), String> {
    println!("outage: Kafka stopped for {minutes} minutes under load, split mode");
    let stack = split::start().await;
    let admin = stack.user("admin").await;
    let customers = mixed::customers(&admin, 50).await;
    let mut watched = split::watched(&stack)?;
    watched.retain(|w| w.name != "kafka");
    let load = Mixed::begin(&stack, &admin, &customers, RATE, true);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let before = load.counts();
    kafka(&stack, "stop")?;
    let mut curves = Curves::begin(&watched);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(minutes * 60) {
        tokio::time::sleep(EVERY).await;
        curves.sample();
        let backlog = mixed::backlog(&stack, "ticketing")?;
        println!(
            "    {:>4.0} s without Kafka: {backlog} events wait",
            begun.elapsed().as_secs_f64()
        );
    }
    let during = difference(&load.counts(), &before);
    println!("    answers by status while Kafka was away (0: none): {during:?}");
    let after = load.end().await?;
    curves.verdict();
    let waiting = outbox(&stack)?;
    kafka(&stack, "start")?;
    let begun = Instant::now();
    while mixed::backlog(&stack, "ticketing")? > 0 {
        if begun.elapsed() > PATIENCE {
            return Err("the backlog does not drain".into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!(
        "    {} events drained in {:.1} s after Kafka was back: {:.0}/s",
        waiting.len(),
        begun.elapsed().as_secs_f64(),
        rate(waiting.len(), begun.elapsed())
    );
    let (missing, disordered) = compare(&split::brokers(stack.dir.path())?, &waiting)?;
    println!("    of them not in the topic: {missing}; keys out of order: {disordered}");
    mixed::quiet(&stack, PATIENCE).await?;
    println!("    all services quiet {:.0} s after Kafka was back", begun.elapsed().as_secs_f64());
    let refused = failures(&after) - failures(&before);
    if missing + disordered + refused > 0 {
        return Err(format!(
            "{refused} requests failed, {missing} events missing, {disordered} keys out of order"
        ));
    }
    Ok(())
}

fn kafka(stack: &Stack, what: &str) -> Result<(), String> {
    let done = Command::new(kefu_tests::root().join("deploy/local/kafka.sh"))
        .args([what, "--dir"])
        .arg(stack.dir.path().join("kafka"))
        .output()
        .map_err(error)?;
    if done.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }
}

fn difference(now: &Counts, before: &Counts) -> Counts {
    now.iter().map(|(status, n)| (*status, n - before.get(status).copied().unwrap_or(0))).collect()
}

fn failures(counts: &Counts) -> usize {
    counts.iter().filter(|(status, _)| !(200..300).contains(*status)).map(|(_, n)| n).sum()
}

/// (Id, key) of every event that waits, in the order of the outbox.
fn outbox(stack: &Stack) -> Result<Vec<(String, String)>, String> {
    let rows = "select id, aggregateid from outbox where published_at is null order by seq";
    let rows = psql(&stack.database("ticketing"), rows)?;
    Ok(rows.lines().filter_map(|l| l.split_once('|')).map(|(i, k)| (i.into(), k.into())).collect())
}

/// How many events are not in the topic, and how many keys have theirs in another order.
fn compare(brokers: &str, waiting: &[(String, String)]) -> Result<(usize, usize), String> {
    let wanted: BTreeSet<&str> = waiting.iter().map(|(id, _)| id.as_str()).collect();
    let mut places: HashMap<String, (i32, i64)> = HashMap::new();
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", format!("outage-{}", kernel::new_id().simple()))
        .set("auto.offset.reset", "earliest")
        .create()
        .map_err(error)?;
    consumer.subscribe(&[contracts::ticketing::TOPIC]).map_err(error)?;
    let mut quiet = 0;
    while quiet < 10 {
        let Some(message) = consumer.poll(Duration::from_secs(1)) else {
            quiet += 1;
            continue;
        };
        quiet = 0;
        let message = message.map_err(error)?;
        let id = id_of(&message).unwrap_or_default();
        if wanted.contains(id.as_str()) {
            places.entry(id).or_insert((message.partition(), message.offset()));
        }
        if places.len() == wanted.len() {
            break;
        }
    }
    let mut by_key: BTreeMap<&str, Vec<(i32, i64)>> = BTreeMap::new();
    for (id, key) in waiting {
        if let Some(place) = places.get(id) {
            by_key.entry(key).or_default().push(*place);
        }
    }
    let disordered = by_key.values().filter(|places| !places.is_sorted()).count();
    Ok((wanted.len() - places.len(), disordered))
}

/// The event's id, from the header of the CloudEvents binding.
fn id_of(message: &impl Message) -> Option<String> {
    use rdkafka::message::Headers;
    let headers = message.headers()?;
    let value = headers.iter().find(|h| h.key == "ce_id")?.value?;
    String::from_utf8(value.to_vec()).ok()
}
