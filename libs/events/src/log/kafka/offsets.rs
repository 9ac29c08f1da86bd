//! How far a group has read, looked at and set from outside: for backups and for restoring one.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{ASK, KafkaLog, KafkaSettings};
use crate::log::{LogError, Position};

const ASK_AGAIN: Duration = Duration::from_millis(200);

/// Where a group is to go on.
#[derive(Debug, Clone)]
pub enum Rewind {
    /// At these offsets; partitions that are not named, of topics that the group reads, from their
    /// beginning.
    To(Vec<Position>),
    /// At the first message of every partition that is not older.
    Since(DateTime<Utc>),
}

impl KafkaLog {
    /// The offset after the last message that `group` has acknowledged, for every partition of
    /// which it has acknowledged any.
    pub async fn offsets(&self, group: &str) -> Result<Vec<Position>, LogError> {
        let (settings, group) = (self.0.settings.clone(), group.to_owned());
        blocking(move || Ok(positions(&Group::open(&settings, &group)?.committed()?))).await
    }

    /// Sets where `group` goes on; it must have no members. Answers the offsets set and how many
    /// messages come again. Messages that the log no longer has are an error, unless `accept_gap`.
    pub async fn rewind(
        &self,
        group: &str,
        to: Rewind,
        accept_gap: bool,
    ) -> Result<(Vec<Position>, i64), LogError> {
        let (settings, group) = (self.0.settings.clone(), group.to_owned());
        blocking(move || Group::open(&settings, &group)?.rewind(&to, accept_gap)).await
    }
}

/// librdkafka's calls block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| LogError::Other(e.to_string()))?
}

struct Group {
    name: String,
    consumer: BaseConsumer,
}

impl Group {
    fn open(settings: &KafkaSettings, name: &str) -> Result<Self, LogError> {
        let consumer =
            settings.config(&[("group.id", name), ("enable.auto.commit", "false")]).create()?;
        Ok(Self { name: name.to_owned(), consumer })
    }

    /// Every partition of topics of which the group has read anything, with what it has
    /// acknowledged.
    fn committed(&self) -> Result<TopicPartitionList, LogError> {
        let metadata = self.consumer.fetch_metadata(None, ASK)?;
        let mut all = TopicPartitionList::new();
        for topic in metadata.topics().iter().filter(|t| !t.name().starts_with("__")) {
            for partition in topic.partitions() {
                all.add_partition(topic.name(), partition.id());
            }
        }
        let all = self.acknowledged(&all)?;
        let read: BTreeSet<String> =
            positions(&all).into_iter().map(|position| position.topic).collect();
        let mut of_read = TopicPartitionList::new();
        for element in all.elements().iter().filter(|e| read.contains(e.topic())) {
            of_read.add_partition_offset(element.topic(), element.partition(), element.offset())?;
        }
        Ok(of_read)
    }

    /// Right after a broker began or went, the group's coordinator may still be on its way.
    fn acknowledged(&self, of: &TopicPartitionList) -> Result<TopicPartitionList, KafkaError> {
        use RDKafkaErrorCode::{
            CoordinatorLoadInProgress, CoordinatorNotAvailable, NotCoordinator,
        };
        let start = Instant::now();
        loop {
            match self.consumer.committed_offsets(of.clone(), ASK) {
                Err(KafkaError::MetadataFetch(
                    NotCoordinator | CoordinatorNotAvailable | CoordinatorLoadInProgress,
                )) if start.elapsed() < ASK => thread::sleep(ASK_AGAIN),
                outcome => return outcome,
            }
        }
    }

    fn rewind(&self, to: &Rewind, accept_gap: bool) -> Result<(Vec<Position>, i64), LogError> {
        let now = self.committed()?;
        let wanted = match to {
            Rewind::To(positions) => named(&now, positions),
            Rewind::Since(at) => self.since(&now, *at)?,
        };
        if wanted.is_empty() {
            return Err(LogError::Other(format!("{} has read nothing yet", self.name)));
        }
        let mut goal = TopicPartitionList::new();
        let (mut again, mut gone) = (0, vec![]);
        for ((topic, partition), offset) in wanted {
            let (low, high) = self.consumer.fetch_watermarks(&topic, partition, ASK)?;
            if offset < low && low > 0 && offset >= 0 {
                gone.push(format!("{topic}/{partition} {offset} to {}", low - 1));
            }
            let offset = offset.clamp(low, high);
            again += high - offset;
            goal.add_partition_offset(&topic, partition, Offset::Offset(offset))?;
        }
        if !gone.is_empty() && !accept_gap {
            return Err(LogError::Other(format!(
                "the log no longer has everything that is wanted: {}",
                gone.join(", ")
            )));
        }
        self.consumer.commit(&goal, CommitMode::Sync).map_err(|e| self.fault(e))?;
        Ok((positions(&goal), again))
    }

    fn fault(&self, error: KafkaError) -> LogError {
        use RDKafkaErrorCode::{IllegalGeneration, RebalanceInProgress, UnknownMemberId};
        match error {
            KafkaError::ConsumerCommit(
                UnknownMemberId | IllegalGeneration | RebalanceInProgress,
            ) => LogError::Other(format!(
                "{} is being read: stop every process of the service first, and wait 15 s after a killed one",
                self.name
            )),
            other => other.into(),
        }
    }

    fn since(
        &self,
        now: &TopicPartitionList,
        at: DateTime<Utc>,
    ) -> Result<BTreeMap<(String, i32), i64>, LogError> {
        let mut asked = TopicPartitionList::new();
        for element in now.elements() {
            let at = Offset::Offset(at.timestamp_millis());
            asked.add_partition_offset(element.topic(), element.partition(), at)?;
        }
        let found = self.consumer.offsets_for_times(asked, ASK)?;
        let offset = |offset| match offset {
            Offset::Offset(offset) => offset,
            // Nothing so young.
            _ => i64::MAX,
        };
        Ok(found
            .elements()
            .iter()
            .map(|e| ((e.topic().to_owned(), e.partition()), offset(e.offset())))
            .collect())
    }
}

/// Offsets to set: those named, and the beginning (-1) of other partitions.
fn named(now: &TopicPartitionList, positions: &[Position]) -> BTreeMap<(String, i32), i64> {
    let beginnings =
        now.elements().into_iter().map(|e| ((e.topic().to_owned(), e.partition()), -1));
    let mut wanted: BTreeMap<_, _> = beginnings.collect();
    wanted.extend(positions.iter().map(|p| ((p.topic.clone(), p.partition), p.offset)));
    wanted
}

pub(super) fn positions(list: &TopicPartitionList) -> Vec<Position> {
    let elements = list.elements();
    let known = elements.iter().filter_map(|e| match e.offset() {
        Offset::Offset(offset) => {
            Some(Position { topic: e.topic().to_owned(), partition: e.partition(), offset })
        }
        _ => None,
    });
    known.collect()
}
