//! Log in memory, for tests. One partition per topic; positions count all messages of the log.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Delivery, EventLog, LogError, Position, Record, Subscription};

/// Messages and group offsets that live as long as the value and its clones.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    grown: watch::Sender<u64>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { state: Mutex::default(), grown: watch::Sender::new(0) }
    }
}

#[derive(Debug, Default)]
struct State {
    records: Vec<Record>,
    /// Group and topic → offset of the next message to deliver.
    next: HashMap<(String, String), usize>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryLog {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything appended so far, in order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.0.state().records.clone()
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn append(&self, batch: &[Record]) -> Vec<Result<(), LogError>> {
        self.0.state().records.extend_from_slice(batch);
        self.0.grown.send_modify(|n| *n += 1);
        batch.iter().map(|_| Ok(())).collect()
    }

    async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
    ) -> Result<Box<dyn Subscription>, LogError> {
        let state = self.0.state();
        let start =
            |topic: &str| *state.next.get(&(group.to_owned(), topic.to_owned())).unwrap_or(&0);
        let start: HashMap<String, usize> =
            topics.iter().map(|t| ((*t).to_owned(), start(t))).collect();
        Ok(Box::new(MemorySubscription {
            log: self.0.clone(),
            grown: self.0.grown.subscribe(),
            group: group.to_owned(),
            cursor: start.values().copied().min().unwrap_or_default(),
            start,
            ready: VecDeque::new(),
        }))
    }

    async fn ensure_topics(&self, _topics: &[String]) -> Result<(), LogError> {
        Ok(())
    }

    async fn ready(&self) -> Result<(), LogError> {
        Ok(())
    }

    fn system(&self) -> &'static str {
        "kefu_memory"
    }
}

struct MemorySubscription {
    log: Arc<Shared>,
    grown: watch::Receiver<u64>,
    group: String,
    /// Topic → first offset not acknowledged when the subscription began.
    start: HashMap<String, usize>,
    cursor: usize,
    ready: VecDeque<Delivery>,
}

impl MemorySubscription {
    fn read_on(&mut self) {
        let state = self.log.state();
        for (offset, record) in state.records.iter().enumerate().skip(self.cursor) {
            if self.start.get(&record.topic).is_some_and(|start| offset >= *start) {
                let offset = i64::try_from(offset).unwrap_or(i64::MAX);
                let position = Position { topic: record.topic.clone(), partition: 0, offset };
                self.ready.push_back(Delivery { record: record.clone(), position });
            }
        }
        self.cursor = state.records.len();
    }
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Result<Delivery, LogError> {
        loop {
            if let Some(delivery) = self.try_next() {
                return Ok(delivery);
            }
            let gone = |_| LogError::Other("the log is gone".into());
            self.grown.changed().await.map_err(gone)?;
        }
    }

    fn try_next(&mut self) -> Option<Delivery> {
        if self.ready.is_empty() {
            self.grown.mark_unchanged();
            self.read_on();
        }
        self.ready.pop_front()
    }

    async fn ack(&mut self, position: &Position) -> Result<(), LogError> {
        let next = usize::try_from(position.offset).unwrap_or_default() + 1;
        let mut state = self.log.state();
        let entry = state.next.entry((self.group.clone(), position.topic.clone())).or_default();
        *entry = next.max(*entry);
        Ok(())
    }

    async fn lag(&mut self) -> Option<u64> {
        self.read_on();
        u64::try_from(self.ready.len()).ok()
    }

    async fn close(self: Box<Self>) -> Result<(), LogError> {
        Ok(())
    }
}
