//! Messages that should not be there: poison, and old ones again, out of order.

use std::{
    process::Command,
    sync::atomic::Ordering,
    thread::sleep,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;

use super::Fault;
use crate::{
    binary,
    chaos::{
        field::Field,
        topics::{self, Message, topic_of},
    },
};

/// Bytes that are no event become a dead letter of every reader of the topic; a known type with
/// wrong data one of those who need that data; an unknown type nothing at all. Both kinds are
/// inspected and re-driven, the one by REST, the other by the command line, and die again.
#[derive(Debug, Default)]
pub struct Poison {
    before: Vec<(&'static str, i64)>,
}

/// How long a dead letter may take to appear where few messages are unread.
const PATIENCE: Duration = Duration::from_secs(180);
const MANY: i64 = 5_000;

/// Everyone who reads ticketing's topic.
const READERS: [&str; 4] = ["customer", "quality", "survey", "notification"];

impl Poison {
    /// Dead letters that each service gets.
    fn expected(service: &str) -> usize {
        usize::from(READERS.contains(&service)) + usize::from(service == "quality")
    }

    fn letters(field: &Field, service: &str) -> Result<i64, String> {
        field.number(service, "select count(*) from dead_letter")
    }

    /// A service that reads all of its topics once more, after a fault before this one, gets to the
    /// poison late.
    fn wait(&self, field: &Field) -> Result<(), String> {
        let mut begun = Instant::now();
        for (service, before) in &self.before {
            let expected = before + i64::try_from(Self::expected(service)).unwrap_or_default();
            loop {
                let found = Self::letters(field, service).unwrap_or_default();
                if found == expected {
                    break;
                }
                if begun.elapsed() > PATIENCE {
                    let unread = topics::lags(&field.cluster.brokers())?;
                    if unread.get(*service).is_none_or(|n| *n < MANY) {
                        return Err(format!(
                            "{service} has {found} dead letters instead of {expected}"
                        ));
                    }
                    begun = Instant::now();
                }
                sleep(Duration::from_millis(500));
            }
        }
        Ok(())
    }

    /// Sees and re-drives the newest dead letter, over HTTP.
    fn by_rest(field: &Field, service: &str) -> Result<(), String> {
        field.runtime.block_on(async {
            let ops = field.cluster.user("ops", 0).await;
            let listed = ops.get(&format!("/api/v1/{service}/dead-letters?limit=1")).await;
            let id = listed.body["items"][0]["id"].as_str().unwrap_or_default().to_owned();
            let path = format!("/api/v1/{service}/dead-letters/{id}");
            let shown = ops.get(&path).await;
            let driven = ops.post(&format!("{path}/redrive"), json!({})).await;
            match (shown.status, driven.status, driven.body["redriven"].as_u64()) {
                (200, 200, Some(1)) => Ok(()),
                _ => Err(format!("{path}: shown {}, re-driven {}", shown.text, driven.text)),
            }
        })
    }

    /// The same by the service's own command line.
    fn by_command(field: &Field, service: &str) -> Result<(), String> {
        let ops = field.runtime.block_on(field.cluster.user("ops", 0));
        let run = |arguments: &[&str]| {
            let output = Command::new(binary(&format!("kefu-{service}")))
                .arg("dead-letters")
                .args(arguments)
                .env("KEFU_URL", field.cluster.urls(0).service(service))
                .env("KEFU_TOKEN", ops.token())
                .output()
                .map_err(|e| e.to_string())?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if output.status.success() {
                Ok(text)
            } else {
                Err(String::from_utf8_lossy(&output.stderr).into_owned())
            }
        };
        let listed = run(&["list"])?;
        let id = listed
            .split_whitespace()
            .find(|word| word.len() == 36 && word.matches('-').count() == 4);
        let id = id.ok_or_else(|| format!("no id in {listed}"))?;
        run(&["show", id])?;
        let driven = run(&["redrive", id])?;
        if driven.starts_with("1 ") { Ok(()) } else { Err(driven) }
    }
}

impl Fault for Poison {
    fn inject(&mut self, field: &Field) -> Result<(), String> {
        for service in crate::stack::SERVICES {
            self.before.push((service, Self::letters(field, service)?));
            *field.dead_letters().entry(service.to_owned()).or_default() += Self::expected(service);
        }
        field.deeds.poison_messages.fetch_add(3, Ordering::SeqCst);
        let brokers = field.cluster.brokers();
        field.runtime.block_on(topics::produce(&brokers, &poison()))
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        field.all_ready()?;
        self.wait(field)?;
        Self::by_rest(field, "quality")?;
        Self::by_command(field, "survey")?;
        // Handed over, tried, dead again: the figures are the same.
        sleep(Duration::from_secs(2));
        self.wait(field)
    }
}

/// Undecodable bytes, a known type with wrong data, an unknown type.
fn poison() -> Vec<Message> {
    let id = || uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string();
    let message = |topic: &str, headers: Vec<(String, Vec<u8>)>, payload: &[u8]| Message {
        topic: topic_of(topic),
        partition: 0,
        offset: 0,
        key: id(),
        id: None,
        ty: String::new(),
        payload: payload.to_vec(),
        headers,
    };
    let event = |topic: &str, ty: &str, payload: &serde_json::Value| {
        let attributes = [
            ("ce_specversion", "1.0"),
            ("ce_id", &id()),
            ("ce_type", ty),
            ("ce_source", &format!("/kefu/{topic}")),
            ("ce_subject", "poison"),
            ("ce_time", "2026-01-01T00:00:00Z"),
            ("ce_org", "/acme"),
            ("ce_actor", "system"),
            ("content-type", "application/json"),
        ]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        message(topic, attributes.to_vec(), payload.to_string().as_bytes())
    };
    let subject = json!({ "org": "/acme", "survey_key": "k", "survey_version": 1 });
    let wrong = json!({
        "response_id": id(), "invitation_id": id(), "subject": subject, "csat": "very", "answered_at": "2026-01-01T00:00:00Z",
    });
    vec![
        message("ticketing", vec![], &[0xff, 0x00, 0xfe, 0x80]),
        event("survey", "kefu.survey.answered.v1", &wrong),
        event("ticketing", "kefu.weather.changed.v1", &json!({ "what": "nobody knows" })),
    ]
}

/// Old messages once more, byte for byte, in any order.
#[derive(Debug)]
pub struct Repeated {
    pub seed: u64,
    pub most: usize,
}

impl Fault for Repeated {
    fn inject(&mut self, field: &Field) -> Result<(), String> {
        let brokers = field.cluster.brokers();
        let events: Vec<Message> =
            topics::read_all(&brokers)?.into_iter().filter(|m| m.id.is_some()).collect();
        let mut random = StdRng::seed_from_u64(self.seed);
        let most = self.most.min(events.len() / 2).max(1);
        let count = random.random_range(1..=most);
        let sample: Vec<Message> = events.choose_multiple(&mut random, count).cloned().collect();
        field.deeds.repeated_messages.fetch_add(sample.len(), Ordering::SeqCst);
        field.runtime.block_on(topics::produce(&brokers, &sample))
    }

    fn heal(&mut self, _field: &Field) -> Result<(), String> {
        Ok(())
    }
}

/// A service reads everything from the beginning again.
#[derive(Debug)]
pub struct Rewound {
    pub service: String,
}

impl Fault for Rewound {
    fn inject(&mut self, field: &Field) -> Result<(), String> {
        let ours = |p: &String| super::super::field::service_of(p) == self.service;
        for process in field.processes().into_iter().filter(ours) {
            field.cluster.terminate(&process)?;
        }
        // A member that was killed before is in the group until its session ends.
        let begun = Instant::now();
        loop {
            match topics::rewind(&field.cluster.brokers(), &self.service) {
                Ok(()) => return Ok(()),
                Err(error) if begun.elapsed() > Duration::from_secs(60) => return Err(error),
                Err(_) => sleep(Duration::from_secs(2)),
            }
        }
    }

    fn heal(&mut self, field: &Field) -> Result<(), String> {
        field.all_ready()
    }
}
