//! What a service does when it hears of something.

use std::{
    any::Any,
    collections::{BTreeSet, HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use async_trait::async_trait;
use aws_lc_rs::digest;
use contracts::Event;
use futures::FutureExt;
use kernel::{Context, Problem, codes};
use store::{
    Tx,
    fault::{Mutation, mutated},
};
use uuid::Uuid;

use crate::{Envelope, Undecodable};

/// Reaction to events of type `E`. It runs in one transaction with the inbox row and must not do
/// network I/O. An `Err` rolls everything back: passing trouble (503, database away) is tried again
/// without end; any other error parks the event, with later events of its key behind it.
#[async_trait]
pub trait React<E: Event>: Send + Sync + 'static {
    async fn react(&self, tx: &Tx, ctx: &Context, event: E) -> Result<(), Problem>;
}

/// Reaction to every event of some topics; the rules are those of [`React`].
#[async_trait]
pub trait ReactAny: Send + Sync + 'static {
    async fn react(&self, tx: &Tx, ctx: &Context, event: &Envelope) -> Result<(), Problem>;
}

/// Why reacting did not work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Trying again cannot help.
    Undecodable(Undecodable),
    /// The database is away, or says come again.
    Passing(Problem),
    Failed(Problem),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let passing = problem.is(&codes::UNAVAILABLE)
            || problem.inner().is_some_and(|cause| store::is_transient(cause));
        if passing { Failure::Passing(problem) } else { Failure::Failed(problem) }
    }
}

impl From<sea_orm::DbErr> for Failure {
    fn from(error: sea_orm::DbErr) -> Self {
        Problem::internal(error).into()
    }
}

impl From<Undecodable> for Failure {
    fn from(why: Undecodable) -> Self {
        Failure::Undecodable(why)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Undecodable(why) => why.fmt(f),
            Failure::Passing(problem) | Failure::Failed(problem) => problem.fmt(f),
        }
    }
}

impl Failure {
    /// `error.type` of a span.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Failure::Undecodable(_) => "undecodable",
            Failure::Passing(_) => "unavailable",
            Failure::Failed(_) => "reaction_failed",
        }
    }

    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Failure::Undecodable(why) => Problem::internal(why),
            Failure::Passing(problem) | Failure::Failed(problem) => problem,
        }
    }
}

#[async_trait]
trait Handler: Send + Sync {
    async fn handle(&self, tx: &Tx, ctx: &Context, event: &Envelope) -> Result<(), Failure>;
}

struct Typed<E, R>(R, std::marker::PhantomData<fn() -> E>);

#[async_trait]
impl<E: Event, R: React<E>> Handler for Typed<E, R> {
    async fn handle(&self, tx: &Tx, ctx: &Context, event: &Envelope) -> Result<(), Failure> {
        let data =
            event.parse::<E>().map_err(|e| Undecodable::Shape(event.ty.clone(), e.to_string()))?;
        Ok(self.0.react(tx, ctx, data).await?)
    }
}

struct Untyped<R>(R);

#[async_trait]
impl<R: ReactAny> Handler for Untyped<R> {
    async fn handle(&self, tx: &Tx, ctx: &Context, event: &Envelope) -> Result<(), Failure> {
        Ok(self.0.react(tx, ctx, event).await?)
    }
}

/// All reactions of a service. Cheap to clone.
#[derive(Clone, Default)]
pub struct Reactions {
    topics: BTreeSet<&'static str>,
    by_type: HashMap<&'static str, Vec<Arc<dyn Handler>>>,
    by_topic: HashMap<&'static str, Vec<Arc<dyn Handler>>>,
    alone: HashSet<&'static str>,
}

impl std::fmt::Debug for Reactions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reactions")
            .field("types", &self.by_type.keys().collect::<BTreeSet<_>>())
            .field("topics", &self.topics)
            .finish()
    }
}

impl Reactions {
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a reaction to one type of event; several of one type run one after the other.
    #[must_use]
    pub fn on<E: Event>(mut self, reaction: impl React<E>) -> Self {
        self.topics.insert(E::TOPIC);
        let handler = Arc::new(Typed(reaction, std::marker::PhantomData));
        self.by_type.entry(E::TYPE).or_default().push(handler);
        self
    }

    /// As [`Reactions::on`], for a reaction that locks a row which other events want as well. Such an
    /// event has a transaction to itself: several in one would lock their rows in the order of their
    /// coming, and two such transactions could wait for each other.
    #[must_use]
    pub fn on_alone<E: Event>(mut self, reaction: impl React<E>) -> Self {
        self.alone.insert(E::TYPE);
        self.on(reaction)
    }

    /// Adds a reaction to everything in `topics`; it runs after those of the type.
    #[must_use]
    pub fn on_any(mut self, topics: &[&'static str], reaction: impl ReactAny) -> Self {
        let handler = Arc::new(Untyped(reaction));
        for topic in topics {
            self.topics.insert(topic);
            self.by_topic.entry(topic).or_default().push(handler.clone());
        }
        self
    }

    #[must_use]
    pub fn topics(&self) -> Vec<&'static str> {
        self.topics.iter().copied().collect()
    }

    /// Whether anything reacts to this event.
    #[must_use]
    pub fn wants(&self, event: &Envelope) -> bool {
        self.of(event).next().is_some()
    }

    /// Whether the event has a transaction to itself.
    pub(crate) fn alone(&self, event: &Envelope) -> bool {
        self.alone.contains(event.ty.as_str())
    }

    pub(crate) fn reacts_to(&self, ty: &str, topic: &str) -> bool {
        self.by_type.contains_key(ty) || self.by_topic.contains_key(topic)
    }

    fn of(&self, event: &Envelope) -> impl Iterator<Item = &Arc<dyn Handler>> {
        let typed = self.by_type.get(event.ty.as_str()).into_iter().flatten();
        typed.chain(self.by_topic.get(event.topic.as_str()).into_iter().flatten())
    }

    /// Runs every reaction of `consumer` to `event` in `tx`; a panic counts as a failure.
    ///
    /// The ids of what they make follow from the event: a service that was restored from a backup
    /// and reads events again makes the same rows and tells of them under the same ids, so that
    /// others know them as told before.
    pub(crate) async fn run(
        &self,
        tx: &Tx,
        consumer: &str,
        event: &Envelope,
    ) -> Result<(), Failure> {
        let ctx = event.context()?;
        let work = async {
            for handler in self.of(event) {
                AssertUnwindSafe(handler.handle(tx, &ctx, event))
                    .catch_unwind()
                    .await
                    .unwrap_or_else(|panic| Err(panicked(panic.as_ref())))?;
            }
            Ok(())
        };
        if mutated(Mutation::Inbox) {
            // Ids that meet again would hide what a broken inbox does.
            return work.await;
        }
        kernel::drawing_ids(ids_of(consumer, event), work).await
    }
}

/// Ids (UUID version 7) that are the same whenever `consumer` handles this event: the event's time,
/// a number that keeps them in the order of drawing, and a hash.
fn ids_of(consumer: &str, event: &Envelope) -> impl FnMut() -> Uuid + Send + 'static {
    let millis = u64::try_from(event.time.timestamp_millis()).unwrap_or_default();
    let seed = format!("{consumer} {} ", event.id);
    let mut drawn = 0_u16;
    move || {
        let hash = digest::digest(&digest::SHA256, format!("{seed}{drawn}").as_bytes());
        let mut random = [0; 10];
        random.copy_from_slice(&hash.as_ref()[..10]);
        // The upper 12 bits after the time: `rand_a` of RFC 9562, 5.7.
        let [high, low] = (drawn % 4_096).to_be_bytes();
        (random[0], random[1]) = (high, low);
        drawn = drawn.wrapping_add(1);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = format!("the reaction panicked: {}", text.unwrap_or("no text"));
    Failure::Failed(Problem::internal(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u128) -> Envelope {
        Envelope {
            id: Uuid::from_u128(id),
            ty: "t".into(),
            source: "s".into(),
            topic: "t".into(),
            key: "k".into(),
            time: chrono::DateTime::from_timestamp_millis(1_800_000_000_123).unwrap(),
            org: "/acme".into(),
            actor: "amy".into(),
            correlation_id: None,
            causation_id: None,
            trace: kernel::TraceContext::default(),
            data: serde_json::Value::Null,
        }
    }

    fn three(consumer: &str, id: u128) -> Vec<Uuid> {
        let mut next = ids_of(consumer, &event(id));
        (0..3).map(|_| next()).collect()
    }

    #[test]
    fn ids_follow_from_consumer_and_event() {
        let ids = three("kefu-quality", 1);
        assert_eq!(ids, three("kefu-quality", 1));
        assert!(ids.is_sorted() && ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
        assert_eq!(ids[0].get_version_num(), 7);
        let (secs, nanos) = ids[0].get_timestamp().unwrap().to_unix();
        assert_eq!((secs, nanos), (1_800_000_000, 123_000_000));
        for others in [three("kefu-survey", 1), three("kefu-quality", 2)] {
            assert!(ids.iter().all(|id| !others.contains(id)));
        }
    }
}
