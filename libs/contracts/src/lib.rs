//! The published language: what the services tell each other, and nothing else.
//!
//! One struct per event, one topic per service, key = id of the aggregate. Enumerations that may
//! grow travel as text, so that an old consumer tolerates a new word; unknown fields are ignored.
//! Personal data (names, addresses, free words of a customer) travels sealed: see [`Sealed`].

pub mod customer;
pub mod notification;
pub mod quality;
mod registry;
pub mod survey;
pub mod ticketing;

pub use registry::{EventInfo, all, asyncapi};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// Topic of the events of one service.
#[must_use]
pub fn topic(service: &str) -> String {
    format!("kefu.{service}.events")
}

/// The topics of all five services.
pub const TOPICS: [&str; 5] =
    [customer::TOPIC, ticketing::TOPIC, quality::TOPIC, survey::TOPIC, notification::TOPIC];

/// A fact that one service publishes.
pub trait Event: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// CloudEvents `type`, e.g. `kefu.ticket.resolved.v1`; the version grows with a breaking change.
    const TYPE: &'static str;
    const TOPIC: &'static str;

    /// Id of the aggregate: message key and CloudEvents `subject`.
    fn key(&self) -> Uuid;

    /// Organisation whose data this is.
    fn org(&self) -> &str;
}

/// Personal data in transit: text that only holders of the suite's personal-data keys can open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Sealed(pub String);

/// What stands where words about a person stood who was erased.
pub const ERASED: &str = "已删除 erased";

/// Ties events to types, keys and topics.
macro_rules! events {
    ($topic:ident, $registry:ident: $($event:ident = $ty:literal, key $($key:ident).+, org $($org:ident).+;)+) => {
        $(impl crate::Event for $event {
            const TYPE: &'static str = $ty;
            const TOPIC: &'static str = $topic;
            fn key(&self) -> uuid::Uuid { self.$($key).+ }
            fn org(&self) -> &str { &self.$($org).+ }
        })+
        pub(crate) fn $registry() -> Vec<crate::EventInfo> {
            vec![$(crate::EventInfo::of::<$event>()),+]
        }
    };
}
pub(crate) use events;
