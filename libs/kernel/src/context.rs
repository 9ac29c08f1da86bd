//! What travels along with every use case: who, for which org, in which trace, caused by what.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Actor, Locale, OrgPath};

/// W3C trace context as carried in headers, rows and events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    pub traceparent: Option<String>,
    pub tracestate: Option<String>,
    /// W3C baggage, among our own services only.
    #[serde(default)]
    pub baggage: Option<String>,
}

impl TraceContext {
    #[must_use]
    pub fn from_parent(traceparent: Option<String>) -> Self {
        Self { traceparent, ..Self::default() }
    }
}

/// Given to every use case; copied into the events it emits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    pub actor: Actor,
    /// Groups everything that one customer matter caused.
    pub correlation_id: Option<Uuid>,
    /// Id of the event that this work reacts to.
    pub causation_id: Option<Uuid>,
    /// Trace to continue where no span of this process is active.
    pub trace: TraceContext,
    /// Language of texts for who asked.
    pub locale: Locale,
}

impl Context {
    #[must_use]
    pub fn of(actor: Actor) -> Self {
        Self {
            actor,
            correlation_id: None,
            causation_id: None,
            trace: TraceContext::default(),
            locale: Locale::default(),
        }
    }

    /// Work that the suite does on its own, in the trace that once asked for it.
    #[must_use]
    pub fn system(org: OrgPath, trace: TraceContext) -> Self {
        Self { trace, ..Self::of(Actor::system(org)) }
    }
}
