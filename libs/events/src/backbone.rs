//! [`Backbone`]: relay, consumer and retry of one service, as the host starts and stops them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use kernel::Clock;
use store::{Db, Leases};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    BackboneSettings, Reactions, Relay, consumer::Consumer, flood::Flood, group_of, log::EventLog,
    metrics, retry::Retry,
};

/// Time for what needs no log, however late it is.
const LAST_STEPS: Duration = Duration::from_millis(500);

/// Background work of one service. Dropping it does not stop it: use [`Backbone::shutdown`].
pub struct Backbone {
    service: String,
    relay: Relay,
    flood: Arc<Flood>,
    stop_reading: CancellationToken,
    stop_sending: CancellationToken,
    stop_keeping: CancellationToken,
    tasks: Mutex<Tasks>,
    /// What must run until shutdown.
    watched: Vec<(&'static str, AbortHandle)>,
}

#[derive(Default)]
struct Tasks {
    readers: Vec<JoinHandle<()>>,
    sender: Option<JoinHandle<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl Backbone {
    /// Starts the tasks on the current tokio runtime. `holder` names this process among those that
    /// share the database; the same name after a restart takes the leases back at once.
    #[must_use]
    pub fn start(
        service: &str,
        db: Db,
        log: Arc<dyn EventLog>,
        reactions: Reactions,
        clock: Arc<dyn Clock>,
        holder: String,
        settings: BackboneSettings,
    ) -> Self {
        let group = group_of(service);
        metrics::prepare(service, &reactions);
        let flood = Arc::new(Flood::new(&group, &settings));
        let (stop_reading, stop_sending, stop_keeping) = Default::default();
        let relay =
            Relay::new(service, db.clone(), log.clone(), &holder, settings.clone(), clock.clone());
        let mut this = Self {
            service: service.to_owned(),
            relay,
            flood: flood.clone(),
            stop_reading,
            stop_sending,
            stop_keeping,
            tasks: Mutex::default(),
            watched: vec![],
        };
        let mut tasks = Tasks::default();
        if !reactions.topics().is_empty() {
            let consumer = Consumer {
                service: service.to_owned(),
                group: group.clone(),
                db: db.clone(),
                log: log.clone(),
                reactions: reactions.clone(),
                clock: clock.clone(),
                settings: settings.clone(),
                flood: flood.clone(),
                stop: this.stop_reading.clone(),
            };
            tasks.readers.push(this.watch("consumer", tokio::spawn(consumer.run())));
        }
        let stop = this.stop_reading.clone();
        let leases = Leases::new(db.clone(), holder);
        let retry = Retry {
            service: service.to_owned(),
            group,
            db,
            log,
            leases,
            reactions,
            clock,
            settings,
            flood,
            stop,
        };
        tasks.readers.push(this.watch("retry", tokio::spawn(retry.run())));
        let (relay, stop) = (this.relay.clone(), this.stop_sending.clone());
        tasks.sender =
            Some(this.watch("relay", tokio::spawn(async move { relay.run(&stop).await })));
        let (relay, stop) = (this.relay.clone(), this.stop_keeping.clone());
        tasks.keeper =
            Some(this.watch("lease keeper", tokio::spawn(async move { relay.keep(&stop).await })));
        this.tasks = Mutex::new(tasks);
        this
    }

    fn watch(&mut self, name: &'static str, task: JoinHandle<()>) -> JoinHandle<()> {
        self.watched.push((name, task.abort_handle()));
        task
    }

    /// Whether this service's background work goes on; else why not. A log or a database that is
    /// away is no reason: the outbox keeps what is accepted.
    pub fn ready(&self) -> Result<(), String> {
        if let Some(why) = self.flood.stopped() {
            return Err(why);
        }
        if self.stop_reading.is_cancelled() {
            return Err(format!("{}: shutting down", self.service));
        }
        match self.watched.iter().find(|(_, task)| task.is_finished()) {
            Some((name, _)) => Err(format!(
                "{}: the {name} task ended unexpectedly; restart the process",
                self.service
            )),
            None => Ok(()),
        }
    }

    /// Stops in order, within `deadline` at most: consumers finish and acknowledge what they hold,
    /// the relay publishes what is left, the leases are given back. What does not fit in stays in
    /// the outbox for the next start. The second call does nothing.
    pub async fn shutdown(&self, deadline: Duration) {
        let start = Instant::now();
        let end = start + deadline;
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        self.stop_reading.cancel();
        for task in tasks.readers {
            // The relay wants its part of the time even where the log is away.
            self.join("consumer", task, start + deadline * 3 / 5).await;
        }
        self.stop_sending.cancel();
        if let Some(task) = tasks.sender {
            self.join("relay", task, end).await;
        }
        self.stop_keeping.cancel();
        let end = end.max(Instant::now() + LAST_STEPS);
        if let Some(task) = tasks.keeper {
            self.join("lease keeper", task, end).await;
        }
        let relay = self.relay.clone();
        let release = tokio::spawn(async move {
            if let Err(error) = relay.release().await {
                tracing::warn!(%error, "leases were not given back; they run out");
            }
        });
        self.join("lease release", release, end).await;
    }

    /// Waits for a task but never cancels it: it may hold a transaction that is just beginning.
    async fn join(&self, name: &str, task: JoinHandle<()>, end: Instant) {
        match tokio::time::timeout_at(end.into(), task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(service = self.service, name, %error, "background task failed")
            }
            Err(_) => tracing::warn!(service = self.service, name, "not finished in time"),
        }
    }
}
