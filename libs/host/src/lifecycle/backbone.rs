//! Event log, relay and consumers of the process.

use std::sync::Arc;

use events::{
    Backbone,
    log::{EventLog, KafkaLog, KafkaSettings, SqlLog},
};
use futures::future::join_all;
use kernel::Clock;
use store::{Db, DbSettings};
use tokio::{runtime::Handle, time::Instant};

use super::{Service, database_fault, holder};
use crate::{
    Error, Module, Settings,
    settings::{EventsKind, EventsSection},
};

/// The log that the settings name, and its database if it has one of its own.
pub(super) async fn log(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn EventLog>, Error> {
    let section = &settings.events;
    match section.kind {
        EventsKind::Embedded => {
            let url = format!("sqlite://{}/events.db", settings.data.dir.display());
            let db = Db::connect(&DbSettings { max_connections: 2, ..DbSettings::new(&url) }).await;
            let db = db.map_err(|e| database_fault("the event log", &url, &e))?;
            let log = SqlLog::open(db, clock.clone(), section.keep_days).await;
            Ok(Arc::new(log.map_err(|e| Error::other("opening the event log", e))?))
        }
        EventsKind::Kafka => Ok(Arc::new(kafka(section)?)),
    }
}

/// The cluster that the settings name.
pub(crate) fn kafka(section: &EventsSection) -> Result<KafkaLog, Error> {
    let settings = KafkaSettings {
        partitions: section.partitions,
        replication: section.replication,
        keep_days: section.keep_days,
        options: section.kafka.clone(),
        ..KafkaSettings::new(&section.brokers)
    };
    KafkaLog::new(settings).map_err(|e| Error::setting("events.kafka", e.to_string()))
}

/// Creates the topics that the modules publish to, or compares them with the settings; one line
/// for each.
pub async fn topics(modules: &[Module], settings: &Settings) -> Result<(), Error> {
    let section = &settings.events;
    if section.kind == EventsKind::Embedded {
        println!("the embedded log needs no topics (events.kind)");
        return Ok(());
    }
    let topics: Vec<String> = modules.iter().map(|m| events::topic_of(m.name)).collect();
    let doing = || format!("preparing topics at {}", section.brokers);
    let checks = kafka(section)?.check_topics(&topics).await;
    let checks = checks.map_err(|e| Error::other(doing(), e))?;
    for check in &checks {
        println!("{check}");
    }
    let faulty: Vec<&str> = checks.iter().filter(|c| !c.usable()).map(|c| &*c.name).collect();
    if faulty.is_empty() {
        return Ok(());
    }
    Err(Error::other(doing(), format!("not usable as they are: {}", faulty.join(", "))))
}

/// Relay and consumer of every service.
#[derive(Default)]
pub(super) struct Backbones(Vec<Arc<Backbone>>);

impl Backbones {
    pub(super) fn start(
        services: &[Service],
        log: &Arc<dyn EventLog>,
        clock: &Arc<dyn Clock>,
        settings: &Settings,
    ) -> Self {
        let of = |service: &Service| {
            Arc::new(Backbone::start(
                service.name,
                service.db.clone(),
                log.clone(),
                service.reactions.clone(),
                clock.clone(),
                holder(&service.db),
                settings.events.tuning.clone(),
            ))
        };
        Self(services.iter().map(of).collect())
    }

    pub(super) fn each(&self) -> &[Arc<Backbone>] {
        &self.0
    }

    /// Consumers drain, relays publish what is left; all services side by side.
    pub(super) async fn stop(&mut self, end: Instant) {
        let left =
            end.saturating_duration_since(Instant::now()).max(std::time::Duration::from_secs(1));
        let all = std::mem::take(&mut self.0);
        join_all(all.iter().map(|backbone| backbone.shutdown(left))).await;
    }

    /// Ends without waiting for anything.
    pub(super) fn kill(&mut self) {
        let all = std::mem::take(&mut self.0);
        if let (false, Ok(runtime)) = (all.is_empty(), Handle::try_current()) {
            runtime.spawn(async move {
                join_all(all.iter().map(|backbone| backbone.shutdown(std::time::Duration::ZERO)))
                    .await;
            });
        }
    }
}
