//! Waits until nothing is on its way any more, and tells what is when that never comes.

use std::time::{Duration, Instant};

use super::{field::Field, topics};
use crate::stack::SERVICES;

/// Parked events are tried again after up to two minutes within this.
pub const LIMIT: Duration = Duration::from_secs(420);

/// What is on its way, and a figure that moves while anything happens.
fn look(field: &Field) -> Result<(Vec<String>, String), String> {
    let (mut busy, mut figure) = (vec![], String::new());
    let mut owed = |service: &str, what: &str, query: &str| {
        let n = field.number(service, query)?;
        if n > 0 {
            busy.push(format!("{service}: {n} {what}"));
        }
        Ok::<_, String>(())
    };
    for service in SERVICES {
        owed(service, "outbox rows", "select count(*) from outbox where published_at is null")?;
        owed(service, "parked events", "select count(*) from parked")?;
    }
    owed(
        "notification",
        "deliveries",
        "select count(*) from delivery where state in ('queued', 'sending')",
    )?;
    owed(
        "ticketing",
        "timer steps due",
        "select count(*) from timer where next_fire_at < now() + interval '2 minutes'",
    )?;
    owed(
        "survey",
        "invitations waiting",
        "select count(*) from invitation where state = 'waiting'",
    )?;
    for service in SERVICES {
        figure += &format!("{} ", field.number(service, "select count(*) from inbox")?);
    }
    if busy.is_empty() {
        let lags = topics::lags(&field.cluster.brokers())?;
        busy.extend(
            lags.iter()
                .filter(|(_, lag)| **lag > 0)
                .map(|(s, lag)| format!("{s}: {lag} messages unread")),
        );
    }
    Ok((busy, figure))
}

/// After an hour of load some step of a deadline falls due every second: what is not due yet is put
/// off to tomorrow. What is due and was not done stays to be seen.
fn put_off(field: &Field) -> Result<(), String> {
    let later = "update timer set next_fire_at = next_fire_at + interval '1 day'
                 where next_fire_at > now() + interval '3 seconds'";
    field.cluster.psql("ticketing", later).map(drop)
}

/// Waits for quiet; answers how long that took.
pub fn wait(field: &Field) -> Result<Duration, String> {
    put_off(field)?;
    let begun = Instant::now();
    let (mut last, mut still) = (String::new(), 0);
    loop {
        std::thread::sleep(Duration::from_secs(2));
        let (busy, figure) = look(field).unwrap_or_else(|e| (vec![e], String::new()));
        still = if busy.is_empty() && figure == last { still + 1 } else { 0 };
        if still >= 2 {
            return Ok(begun.elapsed());
        }
        last = figure;
        if begun.elapsed() > LIMIT {
            return Err(format!("no quiet after {LIMIT:?}: {}", busy.join("; ")));
        }
    }
}
