//! Consumer: one reader of a service's group, from the log through the inbox into the reactions.
//!
//! Several events at hand share one transaction per lane. When one of them fails, all of its lane
//! are rolled back and taken one by one, so that only the failing one is parked. Events whose reaction
//! locks what others want as well are taken one by one from the start.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream::FuturesUnordered};
use kernel::{Clock, Problem};
use store::{Db, Tx, fault};
use tokio::time::Interval;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    BackboneSettings, Envelope, Outcome, Reactions, Undecodable, baggage,
    flood::Flood,
    log::{Delivery, EventLog, LogError, Position, Subscription},
    metrics,
    parking::{self, Trouble},
    process::{finish, first_sight, first_sights},
    reactions::Failure,
    relay::wait,
    trace::set_parent,
};

const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(10);
const SAMPLE_LAG: Duration = Duration::from_secs(10);

/// Reads for one service until stopped.
pub(crate) struct Consumer {
    pub service: String,
    pub group: String,
    pub db: Db,
    pub log: Arc<dyn EventLog>,
    pub reactions: Reactions,
    pub clock: Arc<dyn Clock>,
    pub settings: BackboneSettings,
    pub flood: Arc<Flood>,
    pub stop: CancellationToken,
}

/// The consumer was told to stop, or the flood guard stopped it; the event stays unacknowledged.
struct Stopped;

struct Item {
    delivery: Delivery,
    event: Result<Envelope, Undecodable>,
}

impl Consumer {
    pub(crate) async fn run(self) {
        let mut pause = MIN_PAUSE;
        while !self.stop.is_cancelled() {
            match self.read().await {
                Ok(Stopped) => return,
                Err(error) => {
                    tracing::warn!(group = self.group, %error, pause_ms = pause.as_millis(), "consumer joins again");
                    wait(&self.stop, pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
        }
    }

    /// One membership in the group.
    async fn read(&self) -> Result<Stopped, LogError> {
        let topics = self.reactions.topics();
        self.log.ensure_topics(&topics.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()).await?;
        let mut subscription = self.log.subscribe(&self.group, &topics).await?;
        let mut sample = tokio::time::interval(SAMPLE_LAG);
        sample.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let first = tokio::select! {
                () = self.stop.cancelled() => break,
                next = subscription.next() => next?,
                _ = sample.tick() => {
                    self.set_lag(subscription.lag().await);
                    continue;
                }
            };
            let mut items = vec![self.item(first)];
            while items.len() < self.settings.consume_batch
                && let Some(next) = subscription.try_next()
            {
                items.push(self.item(next));
            }
            if self.handle(items, &mut *subscription, &mut sample).await?.is_err() {
                break;
            }
        }
        subscription.close().await?;
        Ok(Stopped)
    }

    fn set_lag(&self, lag: Option<u64>) {
        if let Some(lag) = lag {
            let labels = metrics::Service { service: self.service.clone() };
            metrics::LAG.get_or_create(&labels).set(lag as f64);
        }
    }

    fn item(&self, delivery: Delivery) -> Item {
        let event = Envelope::from_record(&delivery.record);
        Item { delivery, event }
    }

    fn wanted<'a>(&self, item: &'a Item) -> Option<&'a Envelope> {
        item.event.as_ref().ok().filter(|event| self.reactions.wants(event))
    }

    /// Sees to it that every item has had its effect, is parked or dead, then acknowledges. Lanes
    /// go side by side; a partition keeps to one lane, and so do its keys.
    async fn handle(
        &self,
        items: Vec<Item>,
        subscription: &mut dyn Subscription,
        sample: &mut Interval,
    ) -> Result<Result<(), Stopped>, LogError> {
        let mut lanes: BTreeMap<u64, Vec<Item>> = BTreeMap::new();
        for item in items {
            lanes.entry(self.lane(&item.delivery.position)).or_default().push(item);
        }
        let mut ends: FuturesUnordered<_> =
            lanes.into_values().map(|lane| self.handle_lane(lane)).collect();
        let mut outcome = Ok(());
        loop {
            let next = tokio::select! {
                next = ends.next() => next,
                // A lane that cannot get on, say before a locked table, is just when lag is asked for.
                _ = sample.tick(), if subscription.known_lag().is_some() => {
                    self.set_lag(subscription.known_lag());
                    continue;
                }
            };
            let Some((lane, done)) = next else { break };
            fault::point("consumer-before-ack");
            for position in last_of_each(&lane[..done]) {
                subscription.ack(position).await?;
            }
            if done < lane.len() {
                outcome = Err(Stopped);
            }
        }
        Ok(outcome)
    }

    /// SQLite has one writer, and is the better for fewer transactions.
    fn lane(&self, at: &Position) -> u64 {
        if !self.db.is_postgres() {
            return 0;
        }
        let mut hasher = DefaultHasher::new();
        (&at.topic, at.partition).hash(&mut hasher);
        hasher.finish() % self.settings.consume_lanes.max(1) as u64
    }

    /// Answers how many items, from the first on, are seen to.
    async fn handle_lane(&self, items: Vec<Item>) -> (Vec<Item>, usize) {
        let mut done = 0;
        for some in items.chunk_by(|a, b| !self.stands_alone(a) && !self.stands_alone(b)) {
            if self.together(some).await {
                done += some.len();
                continue;
            }
            for item in some {
                if self.alone(item).await.is_err() {
                    return (items, done);
                }
                done += 1;
            }
        }
        (items, done)
    }

    fn stands_alone(&self, item: &Item) -> bool {
        item.event.as_ref().is_ok_and(|event| self.reactions.alone(event))
    }

    /// All items in one transaction; false when they are better taken one by one.
    async fn together(&self, items: &[Item]) -> bool {
        if items.len() == 1 || items.iter().any(|item| item.event.is_err()) {
            return false;
        }
        let wanted: Vec<(&Item, &Envelope)> =
            items.iter().filter_map(|i| Some((i, self.wanted(i)?))).collect();
        if wanted.is_empty() {
            return true;
        }
        let work = async {
            let tx = self.db.begin().await?;
            let outcomes = self.take_all(&tx, &wanted).await;
            fault::point("consumer-before-commit");
            finish(tx, outcomes).await
        };
        let outcomes: Result<Vec<(Outcome, Duration)>, Failure> = work.await;
        match outcomes {
            Ok(outcomes) => {
                for ((_, event), (outcome, took)) in wanted.iter().zip(outcomes) {
                    self.count(event, outcome, took);
                }
                true
            }
            Err(_) => false,
        }
    }

    /// Inbox rows of all, then what each brings about, in order.
    async fn take_all(
        &self,
        tx: &Tx,
        wanted: &[(&Item, &Envelope)],
    ) -> Result<Vec<(Outcome, Duration)>, Failure> {
        let ids: Vec<Uuid> = wanted.iter().map(|(_, event)| event.id).collect();
        let mut fresh = first_sights(tx, &self.group, &ids, self.clock.now()).await?;
        let some_wait = parking::any_parked(tx, &self.group).await?;
        let mut outcomes = Vec::with_capacity(wanted.len());
        for (item, event) in wanted {
            let began = Instant::now();
            // Of two copies in one batch the first has the effect.
            let outcome = match fresh.remove(&event.id) {
                false => Outcome::Duplicate,
                true => {
                    let span = self.span(event, &item.delivery.position);
                    let effect = self.effect(tx, item, event, some_wait);
                    marked(effect.instrument(span.clone()).await, &span)?
                }
            };
            outcomes.push((outcome, began.elapsed()));
        }
        Ok(outcomes)
    }

    /// One item, however long it takes.
    async fn alone(&self, item: &Item) -> Result<(), Stopped> {
        let event = match &item.event {
            Err(why) => return self.give_up(item, &why.to_string()).await,
            Ok(event) if self.reactions.wants(event) => event,
            Ok(_) => return Ok(()),
        };
        let mut pause = MIN_PAUSE;
        loop {
            let began = Instant::now();
            let work = async {
                let tx = self.db.begin().await?;
                let outcome = self.take(&tx, item, event).await;
                fault::point("consumer-before-commit");
                finish(tx, outcome).await
            };
            let span = self.span(event, &item.delivery.position);
            match marked(work.instrument(span.clone()).await, &span) {
                Ok(outcome) => {
                    self.count(event, outcome, began.elapsed());
                    return Ok(());
                }
                Err(Failure::Undecodable(why)) => {
                    self.count(event, Outcome::DeadLettered, began.elapsed());
                    return self.give_up(item, &why.to_string()).await;
                }
                Err(Failure::Failed(problem)) => {
                    self.count(event, Outcome::Parked, began.elapsed());
                    return self.park(item, event, &problem).await;
                }
                Err(Failure::Passing(problem)) => self.hold_on(&problem, &mut pause).await?,
            }
        }
    }

    /// Inbox row, then what the event brings about.
    async fn take(&self, tx: &Tx, item: &Item, event: &Envelope) -> Result<Outcome, Failure> {
        if !first_sight(tx, &self.group, event.id, self.clock.now()).await? {
            return Ok(Outcome::Duplicate);
        }
        self.effect(tx, item, event, true).await
    }

    /// The reactions, or a place behind those of its key that wait.
    async fn effect(
        &self,
        tx: &Tx,
        item: &Item,
        event: &Envelope,
        some_wait: bool,
    ) -> Result<Outcome, Failure> {
        if some_wait && parking::key_is_parked(tx, &self.group, &item.delivery.record).await? {
            let now = self.clock.now();
            let trouble = Trouble::of(
                &self.group,
                &item.delivery,
                0,
                "waits behind an earlier event of its key",
            );
            parking::park(tx, &trouble, now, now).await?;
            return Ok(Outcome::Parked);
        }
        self.reactions.run(tx, &self.group, event).await?;
        Ok(Outcome::Done)
    }

    async fn park(&self, item: &Item, event: &Envelope, problem: &Problem) -> Result<(), Stopped> {
        let error = problem.to_string();
        let Some(later) = self.settings.wait_after(1) else {
            return self.give_up(item, &error).await;
        };
        let mut pause = MIN_PAUSE;
        loop {
            let work = async {
                let now = self.clock.now();
                let tx = self.db.begin().await?;
                // Another member may have seen to it meanwhile.
                if first_sight(&tx, &self.group, event.id, now).await? {
                    let trouble = Trouble::of(&self.group, &item.delivery, 1, &error);
                    parking::park(&tx, &trouble, now + later, now).await?;
                }
                tx.commit().await
            };
            match work.await {
                Ok(()) => {
                    tracing::warn!(group = self.group, ty = event.ty, id = %event.id, key = event.key, error, "event parked");
                    return Ok(());
                }
                Err(error) => self.hold_on(&Problem::internal(error), &mut pause).await?,
            }
        }
    }

    async fn give_up(&self, item: &Item, error: &str) -> Result<(), Stopped> {
        if !self.flood.admit(self.clock.now(), error) {
            return Err(Stopped);
        }
        let trouble = Trouble::of(&self.group, &item.delivery, 1, error);
        let mut pause = MIN_PAUSE;
        loop {
            let work = async {
                let tx = self.db.begin().await?;
                let first = parking::bury_first(&tx, &trouble, self.clock.now()).await?;
                tx.commit().await.map(|()| first)
            };
            match work.await {
                Ok(first) => {
                    if first {
                        parking::tell(&self.service, &trouble);
                    }
                    return Ok(());
                }
                Err(error) => self.hold_on(&Problem::internal(error), &mut pause).await?,
            }
        }
    }

    /// Waits for better times; passing trouble is tried again without end.
    async fn hold_on(&self, problem: &Problem, pause: &mut Duration) -> Result<(), Stopped> {
        tracing::warn!(group = self.group, %problem, pause_ms = pause.as_millis(), "consumer waits");
        if !wait(&self.stop, *pause).await {
            return Err(Stopped);
        }
        *pause = (*pause * 2).min(MAX_PAUSE);
        Ok(())
    }

    fn count(&self, event: &Envelope, outcome: Outcome, took: Duration) {
        metrics::processed(&self.service, &self.group, self.log.system(), event, outcome, took);
    }

    fn span(&self, event: &Envelope, at: &Position) -> tracing::Span {
        process_span(&self.service, &self.group, self.log.system(), event, at)
    }
}

/// The last position of every partition among items in order of reading.
fn last_of_each(items: &[Item]) -> impl Iterator<Item = &Position> {
    let last: BTreeMap<(&str, i32), &Position> = items
        .iter()
        .map(|item| &item.delivery.position)
        .map(|at| ((at.topic.as_str(), at.partition), at))
        .collect();
    last.into_values()
}

/// Passes an outcome on and marks the span of one that failed.
pub(crate) fn marked<T>(outcome: Result<T, Failure>, span: &tracing::Span) -> Result<T, Failure> {
    if let Err(failure) = &outcome {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", failure.word());
        span.record("error.message", tracing::field::display(failure));
    }
    outcome
}

/// Span of the work on one event, a child of what caused the event.
pub(crate) fn process_span(
    service: &str,
    group: &str,
    system: &str,
    event: &Envelope,
    at: &Position,
) -> tracing::Span {
    let span = tracing::info_span!(
        "process",
        otel.name = format!("process {}", event.topic),
        otel.kind = "consumer",
        messaging.system = system,
        messaging.operation.name = "process",
        messaging.operation.r#type = "process",
        messaging.destination.name = event.topic,
        messaging.consumer.group.name = group,
        messaging.message.id = %event.id,
        messaging.kafka.message.key = event.key,
        kefu.service = service,
        messaging.destination.partition.id = at.partition.to_string(),
        messaging.kafka.offset = at.offset,
        otel.status_code = tracing::field::Empty,
        error.r#type = tracing::field::Empty,
        error.message = tracing::field::Empty,
        kefu.event.type = event.ty,
        kefu.org = tracing::field::Empty,
        kefu.ticket.kind = tracing::field::Empty,
    );
    set_parent(&span, &event.trace);
    baggage::record(&span, event.trace.baggage.as_deref());
    span
}
