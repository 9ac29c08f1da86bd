//! Kafka away for a while, one broker of three dead, and an outbox that fills up meanwhile.

use std::time::Duration;

use super::Fault;
use crate::{chaos::field::Field, stack::SERVICES};

/// Every broker is down.
#[derive(Debug)]
pub struct Away {
    pub time: Duration,
}

impl Fault for Away {
    fn lasts(&self) -> Duration {
        self.time
    }

    fn inject(&mut self, field: &Field) -> Result<(), String> {
        stop_all(field);
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        start_all(field)
    }
}

fn stop_all(field: &Field) {
    for node in 0..field.brokers {
        field.cluster.kafka_kill(node);
    }
}

/// All at once: one of three alone never gets ready.
fn start_all(field: &Field) -> Result<(), String> {
    std::thread::scope(|scope| {
        let start = |node| scope.spawn(move || field.cluster.kafka_start(node));
        let started: Vec<_> = (0..field.brokers).map(start).collect();
        let joined = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err("starting a broker panicked".to_owned()))
        };
        started.into_iter().try_for_each(joined)
    })
}

#[derive(Debug)]
pub struct BrokerKilled {
    pub node: usize,
    pub time: Duration,
}

impl Fault for BrokerKilled {
    fn lasts(&self) -> Duration {
        self.time
    }

    fn inject(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.kafka_kill(self.node);
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        field.cluster.kafka_start(self.node)
    }
}

/// Kafka is away until outboxes hold so many rows; nobody's memory grows with them.
#[derive(Debug)]
pub struct FullOutbox {
    rows: i64,
    before_kb: u64,
}

/// More than buffers and caches of a process that goes on working may take.
const GROWTH_KB: u64 = 96 * 1024;

impl FullOutbox {
    pub fn new(rows: i64) -> Self {
        Self { rows, before_kb: 0 }
    }

    fn largest(field: &Field) -> u64 {
        field.processes().iter().map(|p| field.cluster.memory_kb(p)).max().unwrap_or_default()
    }

    fn waiting(field: &Field) -> i64 {
        let query = "select count(*) from outbox where published_at is null";
        SERVICES.iter().filter_map(|s| field.number(s, query).ok()).sum()
    }
}

impl Fault for FullOutbox {
    fn lasts(&self) -> Duration {
        Duration::from_secs(90)
    }

    fn is_over(&self, field: &Field) -> bool {
        Self::waiting(field) >= self.rows
    }

    fn inject(&mut self, field: &Field) -> Result<(), String> {
        self.before_kb = Self::largest(field);
        stop_all(field);
        Ok(())
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        let (rows, after) = (Self::waiting(field), Self::largest(field));
        println!(
            "  {rows} rows wait, largest process {} MB (before {} MB)",
            after / 1024,
            self.before_kb / 1024
        );
        start_all(field)?;
        if after > self.before_kb + GROWTH_KB {
            return Err(format!(
                "memory grew from {} to {after} kB while outboxes filled",
                self.before_kb
            ));
        }
        Ok(())
    }
}
