//! Event backbone: what one service commits, every other service sees exactly once and in order
//! per key.
//!
//! ```text
//! use case ─ emit ─> outbox ─ relay ─> EventLog ─ consumer ─> inbox + reaction ─ emit ─> outbox …
//!            one transaction           memory | SQL | Kafka   one transaction
//! ```
//!
//! A reaction that fails is parked, with later events of its key behind it, and retried on a
//! schedule; in the end it becomes a dead letter that can be listed and re-driven.

mod backbone;
mod baggage;
mod consumer;
pub mod dead_letters;
mod envelope;
mod flood;
pub mod log;
mod metrics;
mod outbox;
mod parking;
mod process;
mod reactions;
mod relay;
mod retry;
mod settings;
mod shards;
mod trace;
mod wire;

pub use backbone::Backbone;
pub use baggage::set_baggage;
pub use envelope::{Envelope, Undecodable};
pub use outbox::{emit, emit_raw, unpublished};
pub use process::{Outcome, process_one};
pub use reactions::{React, ReactAny, Reactions};
pub use relay::{Relay, Round};
pub use settings::BackboneSettings;
pub use trace::{current_trace, resume_span};

/// Tables of this library: outbox, inbox, parked and dead_letter. List them after
/// [`store::migrations`].
#[must_use]
pub fn migrations() -> Vec<store::SqlMigration> {
    vec![store::SqlMigration::new("m0002_events", include_str!("m0002_events.sql"))]
}

/// Name of a service's consumer group.
#[must_use]
pub fn group_of(service: &str) -> String {
    format!("kefu-{service}")
}

/// Name of the topic that a service publishes to.
#[must_use]
pub fn topic_of(service: &str) -> String {
    contracts::topic(service)
}
