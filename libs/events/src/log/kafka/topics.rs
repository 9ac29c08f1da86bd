//! Topics: made where they are missing, compared with what is wanted where they are there, and
//! never changed. More partitions would send a key's next events past those still unread in the
//! old one; fewer, or a shorter retention, lose events.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    error::{KafkaError, RDKafkaErrorCode},
    producer::Producer,
};

use super::{ASK, KafkaLog, KafkaSettings, PlainContext, Teller};
use crate::log::LogError;

const DAY_MS: i64 = 86_400_000;

/// What [`KafkaLog::check_topics`] did or found about one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicCheck {
    pub name: String,
    pub created: bool,
    pub differences: Vec<Difference>,
}

/// A topic that is not as wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub text: String,
    /// Events or throughput would be lost: the topic must be mended by hand.
    pub matters: bool,
}

impl TopicCheck {
    #[must_use]
    pub fn usable(&self) -> bool {
        !self.differences.iter().any(|d| d.matters)
    }
}

impl fmt::Display for TopicCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = self.differences.iter().map(|d| d.text.as_str()).collect();
        match (self.created, texts.as_slice()) {
            (true, _) => write!(f, "{}: created", self.name),
            (false, []) => write!(f, "{}: as wanted", self.name),
            (false, texts) => write!(f, "{}: differs: {}", self.name, texts.join("; ")),
        }
    }
}

/// A topic as the brokers describe it.
#[derive(Debug, Clone)]
struct Found {
    partitions: usize,
    /// Copies of the partition that has the fewest.
    copies: usize,
    config: BTreeMap<String, String>,
}

impl KafkaLog {
    /// Creates what is missing and compares the rest with the settings.
    pub async fn check_topics(&self, topics: &[String]) -> Result<Vec<TopicCheck>, LogError> {
        let there = self.topics().await?;
        let missing: Vec<&String> = topics.iter().filter(|t| !there.contains_key(*t)).collect();
        let created =
            if missing.is_empty() { BTreeSet::new() } else { self.create(&missing).await? };
        let mut checks = vec![];
        for name in topics {
            let differences = if created.contains(name) {
                vec![]
            } else {
                differences(&self.0.settings, &self.found(name).await?)
            };
            checks.push(TopicCheck {
                name: name.clone(),
                created: created.contains(name),
                differences,
            });
        }
        Ok(checks)
    }

    /// Asks for the cluster's topics, with partitions and copies; librdkafka's call blocks.
    pub(super) async fn topics(&self) -> Result<BTreeMap<String, (usize, usize)>, LogError> {
        let producer = self.producer();
        let ask = move || -> Result<BTreeMap<String, (usize, usize)>, KafkaError> {
            let metadata = producer.client().fetch_metadata(None, ASK)?;
            let topic = |topic: &rdkafka::metadata::MetadataTopic| {
                let copies = topic.partitions().iter().map(|p| p.replicas().len()).min();
                (topic.name().to_owned(), (topic.partitions().len(), copies.unwrap_or_default()))
            };
            Ok(metadata.topics().iter().map(topic).collect())
        };
        let answer = tokio::task::spawn_blocking(ask).await;
        Ok(answer.map_err(|e| LogError::Other(format!("metadata: {e}")))??)
    }

    /// Answers which of them were created here, and not by somebody else meanwhile.
    pub(super) async fn create(&self, missing: &[&String]) -> Result<BTreeSet<String>, LogError> {
        let settings = &self.0.settings;
        let retention = retention_ms(settings).to_string();
        let topics: Vec<NewTopic<'_>> = missing
            .iter()
            .map(|name| {
                let copies = TopicReplication::Fixed(settings.replication);
                NewTopic::new(name, settings.partitions, copies)
                    .set("cleanup.policy", "delete")
                    .set("retention.ms", &retention)
            })
            .collect();
        let options = AdminOptions::new().request_timeout(Some(ASK)).operation_timeout(Some(ASK));
        let mut created = BTreeSet::new();
        for result in self.admin()?.create_topics(&topics, &options).await? {
            match result {
                Ok(topic) => drop(created.insert(topic)),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => {
                    return Err(LogError::Other(format!(
                        "topic {topic} cannot be created with {} partitions, replication {}: {code}",
                        settings.partitions, settings.replication
                    )));
                }
            }
        }
        Ok(created)
    }

    fn admin(&self) -> Result<AdminClient<PlainContext>, LogError> {
        Ok(self.0.settings.config(&[]).create_with_context(PlainContext(Teller::producer()))?)
    }

    async fn found(&self, name: &str) -> Result<Found, LogError> {
        let (partitions, copies) = self.shape(name).await?;
        let options = AdminOptions::new().request_timeout(Some(ASK));
        let asked = [ResourceSpecifier::Topic(name)];
        let answers = self.admin()?.describe_configs(&asked, &options).await?;
        let mut config = BTreeMap::new();
        for answer in answers {
            let resource = answer.map_err(|code| {
                LogError::Other(format!("the configuration of topic {name} cannot be read: {code}"))
            })?;
            config.extend(resource.entries.into_iter().filter_map(|e| Some((e.name, e.value?))));
        }
        Ok(Found { partitions, copies, config })
    }

    /// Partitions and copies; one that another process has just made shows a moment later.
    async fn shape(&self, name: &str) -> Result<(usize, usize), LogError> {
        for _ in 0..20 {
            if let Some(shape) = self.topics().await?.get(name) {
                return Ok(*shape);
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Err(LogError::Other(format!("topic {name} exists but the brokers do not show it")))
    }
}

fn retention_ms(settings: &KafkaSettings) -> i64 {
    i64::from(settings.keep_days) * DAY_MS
}

fn differences(wanted: &KafkaSettings, found: &Found) -> Vec<Difference> {
    let mut all = vec![];
    let mut differs = |matters: bool, text: String| all.push(Difference { text, matters });
    let partitions = usize::try_from(wanted.partitions).unwrap_or_default();
    if found.partitions < partitions {
        differs(
            true,
            format!(
                "{} partitions, fewer than the {partitions} wanted (add them while no consumer lags, for order per key; or set events.partitions)",
                found.partitions
            ),
        );
    } else if found.partitions > partitions {
        differs(
            false,
            format!("{} partitions, more than the {partitions} wanted", found.partitions),
        );
    }
    if let Ok(copies) = usize::try_from(wanted.replication) {
        if found.copies < copies {
            differs(true, format!("{} copies, fewer than the {copies} wanted", found.copies));
        } else if found.copies > copies {
            differs(false, format!("{} copies, more than the {copies} wanted", found.copies));
        }
    }
    let number = |name: &str| found.config.get(name).and_then(|v| v.parse::<i64>().ok());
    let keep = retention_ms(wanted);
    match number("retention.ms") {
        Some(ms) if (0..keep).contains(&ms) => {
            differs(
                true,
                format!("retention.ms {ms}, shorter than the {keep} wanted (events.keep_days)"),
            );
        }
        Some(ms) if ms != keep => {
            differs(false, format!("retention.ms {ms}, longer than the {keep} wanted"))
        }
        _ => {}
    }
    if let Some(bytes) = number("retention.bytes").filter(|bytes| *bytes >= 0) {
        differs(true, format!("retention.bytes {bytes}: events go before their time (wanted: -1)"));
    }
    if let Some(policy) = found.config.get("cleanup.policy").filter(|p| p.contains("compact")) {
        differs(true, format!("cleanup.policy {policy}: compaction drops events (wanted: delete)"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(partitions: usize, copies: usize, config: &[(&str, &str)]) -> Vec<(bool, String)> {
        let wanted =
            KafkaSettings { partitions: 6, replication: 3, ..KafkaSettings::new("b:9092") };
        let config = config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let found = differences(&wanted, &Found { partitions, copies, config });
        found.into_iter().map(|d| (d.matters, d.text)).collect()
    }

    #[test]
    fn what_is_wanted_or_more_is_usable() {
        let month = (30 * DAY_MS).to_string();
        assert_eq!(check(6, 3, &[("retention.ms", &month), ("retention.bytes", "-1")]), []);
        let more = check(9, 5, &[("retention.ms", "-1"), ("cleanup.policy", "delete")]);
        assert_eq!(more.len(), 3, "{more:?}");
        assert!(more.iter().all(|(matters, _)| !matters), "{more:?}");
    }

    #[test]
    fn less_than_wanted_matters() {
        let faults = [
            check(5, 3, &[]),
            check(6, 2, &[]),
            check(6, 3, &[("retention.ms", "604800000")]),
            check(6, 3, &[("retention.bytes", "1000000")]),
            check(6, 3, &[("cleanup.policy", "compact,delete")]),
        ];
        for found in faults {
            assert!(matches!(found.as_slice(), [(true, _)]), "{found:?}");
        }
    }
}
