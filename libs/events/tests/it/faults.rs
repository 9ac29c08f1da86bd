//! Logs that misbehave on purpose.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use events::log::{Delivery, EventLog, LogError, MemoryLog, Position, Record, Subscription};
use tokio::sync::Notify;

/// A memory log with faults.
#[derive(Clone, Default)]
pub struct FaultyLog {
    pub inner: MemoryLog,
    /// Acknowledgements are lost, as by a crash before the offset is stored.
    pub forgetful: Arc<AtomicBool>,
    /// The n-th message of the next batch, counted from 1, is refused; 0: none.
    pub refuse: Arc<AtomicUsize>,
    pub gate: Option<Arc<Gate>>,
}

/// Lets a test act while an append is under way.
#[derive(Default)]
pub struct Gate {
    pub reached: Notify,
    pub open: Notify,
}

#[async_trait]
impl EventLog for FaultyLog {
    async fn append(&self, batch: &[Record]) -> Vec<Result<(), LogError>> {
        if let Some(gate) = &self.gate {
            gate.reached.notify_one();
            gate.open.notified().await;
        }
        let refuse = self.refuse.swap(0, Ordering::SeqCst);
        let Some(refused) = refuse.checked_sub(1).and_then(|n| batch.get(n)) else {
            return self.inner.append(batch).await;
        };
        let mut outcomes = vec![];
        for (n, record) in batch.iter().enumerate() {
            if n + 1 >= refuse && record.key == refused.key {
                outcomes.push(Err(LogError::Other("refused".into())));
            } else {
                outcomes.extend(self.inner.append(std::slice::from_ref(record)).await);
            }
        }
        outcomes
    }

    async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
    ) -> Result<Box<dyn Subscription>, LogError> {
        let inner = self.inner.subscribe(group, topics).await?;
        Ok(Box::new(Forgetful { inner, forget: self.forgetful.clone() }))
    }

    async fn ensure_topics(&self, topics: &[String]) -> Result<(), LogError> {
        self.inner.ensure_topics(topics).await
    }

    async fn ready(&self) -> Result<(), LogError> {
        self.inner.ready().await
    }

    fn system(&self) -> &'static str {
        "faulty"
    }
}

struct Forgetful {
    inner: Box<dyn Subscription>,
    forget: Arc<AtomicBool>,
}

#[async_trait]
impl Subscription for Forgetful {
    async fn next(&mut self) -> Result<Delivery, LogError> {
        self.inner.next().await
    }

    fn try_next(&mut self) -> Option<Delivery> {
        self.inner.try_next()
    }

    async fn ack(&mut self, position: &Position) -> Result<(), LogError> {
        if self.forget.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.inner.ack(position).await
    }

    async fn lag(&mut self) -> Option<u64> {
        self.inner.lag().await
    }

    async fn close(self: Box<Self>) -> Result<(), LogError> {
        self.inner.close().await
    }
}
