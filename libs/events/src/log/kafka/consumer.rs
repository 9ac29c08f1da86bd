//! A group member: a thread polls librdkafka without pause, for its heartbeats and callbacks; a
//! bounded channel leads to the reader. When it stays full the partitions are paused.

use std::{
    collections::VecDeque,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rdkafka::{
    Message,
    consumer::Consumer,
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Headers},
};
use tokio::sync::{mpsc, oneshot};

use super::{
    KafkaSettings,
    context::{Member, MemberContext, Partition, Shared, commit},
    lag,
    stats::{INTERVAL_MS, Teller},
};
use crate::log::{Delivery, LogError, Position, Record, Subscription};

const CHANNEL: usize = 1_024;
const POLL: Duration = Duration::from_millis(100);
const COMMIT_PATIENCE: Duration = Duration::from_secs(5);
/// While the channel is full: how soon it is tried again.
const POLL_FULL: Duration = Duration::from_millis(5);
/// How long a full channel is waited for before the partitions are paused. Resuming costs a fetch
/// anew, so a reader that merely is slower than the brokers must not bring it about.
const PATIENCE: Duration = Duration::from_secs(1);

type Item = Result<Fetched, LogError>;

/// A message and the epoch of its partition in which it was read.
struct Fetched {
    delivery: Delivery,
    epoch: u64,
}

pub(super) struct KafkaSubscription {
    shared: Arc<Shared>,
    member: Arc<Member>,
    items: mpsc::Receiver<Item>,
    /// Of the threads.
    ended: Vec<oneshot::Receiver<()>>,
}

/// Joins `group` and starts its polling thread.
pub(super) fn subscribe(
    settings: &KafkaSettings,
    group: &str,
    topics: &[&str],
) -> Result<KafkaSubscription, LogError> {
    let shared = Arc::new(Shared::default());
    let config = settings.config(&[
        ("group.id", group),
        ("enable.auto.offset.store", "false"),
        ("enable.auto.commit", "true"),
        ("auto.commit.interval.ms", "1000"),
        ("auto.offset.reset", "earliest"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("session.timeout.ms", "15000"),
        ("heartbeat.interval.ms", "1000"),
        ("queued.max.messages.kbytes", "8192"),
        ("fetch.wait.max.ms", "100"),
        ("topic.metadata.refresh.interval.ms", "30000"),
        ("statistics.interval.ms", INTERVAL_MS),
    ]);
    let member: Member = config.create_with_context(MemberContext {
        shared: shared.clone(),
        teller: Teller::consumer(group),
    })?;
    member.subscribe(topics)?;
    let member = Arc::new(member);
    let (to_reader, items) = mpsc::channel(CHANNEL);
    let (end, ended) = oneshot::channel();
    let thread = Poller {
        member: member.clone(),
        shared: shared.clone(),
        to_reader,
        waiting: VecDeque::new(),
    };
    thread::Builder::new()
        .name(format!("kafka-{group}"))
        .spawn(move || {
            thread.run();
            if end.send(()).is_err() {
                tracing::debug!("a subscription was dropped instead of closed");
            }
        })
        .map_err(|e| LogError::Other(format!("no thread for the consumer: {e}")))?;
    // The poller ends by itself when this fails, for the channel is dropped.
    let watched = lag::watch(group, member.clone(), shared.clone())?;
    Ok(KafkaSubscription { shared, member, items, ended: vec![ended, watched] })
}

struct Poller {
    member: Arc<Member>,
    shared: Arc<Shared>,
    to_reader: mpsc::Sender<Item>,
    /// Read, but the channel is full.
    waiting: VecDeque<Item>,
}

impl Poller {
    fn run(mut self) {
        while !self.to_reader.is_closed() {
            let was_full = !self.waiting.is_empty();
            let full = self.hand_over();
            if was_full && !full {
                self.switch(false);
            }
            let item = match self.member.poll(if full { POLL_FULL } else { POLL }) {
                // Not the end of the data, only of this wait.
                None => continue,
                Some(Ok(message)) => Ok(self.read(&message)),
                Some(Err(error)) if is_fatal(&error) => Err(LogError::Kafka(error)),
                Some(Err(error)) if is_connection(&error) => {
                    tracing::debug!(%error, "consumer");
                    continue;
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "consumer");
                    continue;
                }
            };
            self.waiting.push_back(item);
            // Full already, this is of a partition that was assigned since the pause.
            if full || self.stays_full() {
                self.switch(true);
            }
        }
        self.commit_at_last();
    }

    /// While the group is rebalanced the broker takes no offsets: polling on gets us through.
    fn commit_at_last(&self) {
        let start = Instant::now();
        while !commit(&self.member) {
            if start.elapsed() > COMMIT_PATIENCE {
                tracing::info!("offsets were not committed, for the group was rebalanced");
                return;
            }
            // Messages that still come stay unacknowledged, for the next reader.
            drop(self.member.poll(POLL));
        }
    }

    /// Waits for room in the channel; true when there came none.
    fn stays_full(&mut self) -> bool {
        let start = Instant::now();
        while self.hand_over() {
            if start.elapsed() > PATIENCE || self.to_reader.is_closed() {
                return true;
            }
            thread::sleep(POLL_FULL / 2);
        }
        false
    }

    /// Moves what waits into the channel; true when some had to stay.
    fn hand_over(&mut self) -> bool {
        while let Some(item) = self.waiting.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(item)) = self.to_reader.try_send(item) {
                self.waiting.push_front(item);
                return true;
            }
        }
        false
    }

    /// Pauses or resumes every partition.
    fn switch(&self, pause: bool) {
        let outcome = self.member.assignment().and_then(|all| match pause {
            true => self.member.pause(&all),
            false => self.member.resume(&all),
        });
        if let Err(error) = outcome {
            // Without a pause the messages wait in memory.
            tracing::warn!(%error, pause, "partitions could not be paused or resumed");
        }
    }

    fn read(&self, message: &BorrowedMessage<'_>) -> Fetched {
        let text = |bytes: Option<&[u8]>| {
            bytes.map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default()
        };
        let headers = message.headers().map(|headers| {
            headers
                .iter()
                .map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec()))
                .collect()
        });
        let record = Record {
            topic: message.topic().to_owned(),
            key: text(message.key()),
            headers: headers.unwrap_or_default(),
            payload: message.payload().unwrap_or_default().to_vec(),
        };
        let partition: Partition = (record.topic.clone(), message.partition());
        let epoch = self.shared.work().epoch(&partition);
        let position =
            Position { topic: partition.0, partition: partition.1, offset: message.offset() };
        Fetched { delivery: Delivery { record, position }, epoch }
    }
}

fn is_fatal(error: &KafkaError) -> bool {
    matches!(error, KafkaError::MessageConsumptionFatal(_))
        || error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal)
}

/// librdkafka connects again by itself, and logs it.
fn is_connection(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::Resolve
                | Code::OperationTimedOut
        )
    )
}

impl KafkaSubscription {
    /// The message, unless its partition went to another member since it was read.
    fn accept(&self, message: Fetched) -> Option<Delivery> {
        let at = &message.delivery.position;
        let current = self.shared.work().hand_out(
            &(at.topic.clone(), at.partition),
            at.offset,
            message.epoch,
        );
        current.then_some(message.delivery)
    }
}

#[async_trait]
impl Subscription for KafkaSubscription {
    async fn next(&mut self) -> Result<Delivery, LogError> {
        loop {
            let item = self.items.recv().await;
            let message =
                item.ok_or_else(|| LogError::Other("the consumer's thread has ended".into()))??;
            if let Some(delivery) = self.accept(message) {
                return Ok(delivery);
            }
        }
    }

    fn try_next(&mut self) -> Option<Delivery> {
        loop {
            match self.items.try_recv() {
                Ok(Ok(message)) => {
                    if let Some(delivery) = self.accept(message) {
                        return Some(delivery);
                    }
                }
                // The thread is done for: the next `next` finds that out.
                Ok(Err(error)) => {
                    tracing::error!(%error, "consumer");
                    self.items.close();
                    return None;
                }
                Err(_) => return None,
            }
        }
    }

    async fn ack(&mut self, at: &Position) -> Result<(), LogError> {
        let partition = (at.topic.clone(), at.partition);
        // store_offset adds one; store_offsets would not.
        let store = || self.member.store_offset(&at.topic, at.partition, at.offset);
        Ok(self.shared.finish(&partition, at.offset, store)?)
    }

    async fn lag(&mut self) -> Option<u64> {
        self.known_lag()
    }

    fn known_lag(&self) -> Option<u64> {
        self.shared.work().lag
    }

    async fn close(mut self: Box<Self>) -> Result<(), LogError> {
        self.shared.close();
        self.items.close();
        let ended = std::mem::take(&mut self.ended);
        // The last reference closes the member, which blocks: not here.
        let closed = tokio::task::spawn_blocking(move || drop(self));
        for thread in ended {
            thread
                .await
                .map_err(|_| LogError::Other("a thread of the consumer panicked".into()))?;
        }
        closed.await.map_err(|e| LogError::Other(format!("closing the consumer: {e}")))
    }
}

impl Drop for KafkaSubscription {
    fn drop(&mut self) {
        self.shared.close();
    }
}
