//! What a member has still to do, asked from the brokers. librdkafka's own figure knows the ends of
//! partitions from fetching only: of one that it does not fetch, the lag would stay what it was.

use std::{collections::HashMap, sync::Arc, thread, time::Duration};

use rdkafka::{Offset, TopicPartitionList, consumer::Consumer, error::KafkaError};
use tokio::sync::oneshot;

use super::{
    context::{Member, Partition, Shared},
    offsets::positions,
};
use crate::log::LogError;

const EVERY: Duration = Duration::from_secs(5);
/// Closing waits for a question that is under way.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts a thread that asks until the subscription is closed.
pub(super) fn watch(
    group: &str,
    member: Arc<Member>,
    shared: Arc<Shared>,
) -> Result<oneshot::Receiver<()>, LogError> {
    let (end, ended) = oneshot::channel();
    let run = move || {
        while shared.stays_open_for(EVERY) {
            match messages(&member, &shared) {
                Ok(lag) => shared.work().lag = Some(lag),
                // What was known last stands; that brokers are away is told elsewhere.
                Err(error) => tracing::debug!(%error, "lag is not known"),
            }
        }
        drop(member);
        if end.send(()).is_err() {
            tracing::debug!("a subscription was dropped instead of closed");
        }
    };
    thread::Builder::new()
        .name(format!("lag-{group}"))
        .spawn(run)
        .map_err(|e| LogError::Other(format!("no thread for the lag: {e}")))?;
    Ok(ended)
}

/// Messages of the member's partitions after what was acknowledged, here or by who had them before;
/// where nothing was yet, all that the log keeps.
fn messages(member: &Member, shared: &Shared) -> Result<u64, KafkaError> {
    let assigned = member.assignment()?;
    if assigned.count() == 0 {
        return Ok(0);
    }
    let ends = known(&at(member, assigned.clone(), Offset::End)?);
    let mut done = known(&member.committed_offsets(assigned, PATIENCE)?);
    // Newer than what is committed, which is done now and then.
    done.extend(shared.work().acked.clone());
    let mut untouched = TopicPartitionList::new();
    for (topic, partition) in ends.keys().filter(|partition| !done.contains_key(*partition)) {
        untouched.add_partition(topic, *partition);
    }
    if untouched.count() > 0 {
        done.extend(known(&at(member, untouched, Offset::Beginning)?));
    }
    let lag = ends.iter().map(|(partition, end)| match done.get(partition) {
        Some(done) => end.saturating_sub(*done).max(0).unsigned_abs(),
        None => 0,
    });
    Ok(lag.sum())
}

/// The log's own offsets. "Which offset has this time" answers for its end and its beginning too,
/// for all partitions at once; asked as watermarks it is a question for each.
fn at(
    member: &Member,
    mut partitions: TopicPartitionList,
    time: Offset,
) -> Result<TopicPartitionList, KafkaError> {
    partitions.set_all_offsets(time)?;
    member.offsets_for_times(partitions, PATIENCE)
}

fn known(partitions: &TopicPartitionList) -> HashMap<Partition, i64> {
    positions(partitions).into_iter().map(|p| ((p.topic, p.partition), p.offset)).collect()
}
