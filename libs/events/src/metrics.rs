//! What an operator sees of the backbone. Durations by OpenTelemetry's conventions for messaging.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use meter::{Counter, Gauge, Histogram};
use prometheus_client::encoding::EncodeLabelSet;

use crate::{Envelope, Outcome, Reactions};

/// Bounds in seconds: what an event brings about is quick, what a broker does may take a while.
const BOUNDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Event types as labels: those of this version, so that no message can make new ones.
static TYPES: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| contracts::all().iter().map(|event| (event.ty, event.topic)).collect());

const OTHER: &str = "other";

pub(crate) fn event_type(ty: &str) -> &'static str {
    TYPES.get_key_value(ty).map_or(OTHER, |(ty, _)| *ty)
}

macro_rules! labels {
    ($name:ident { $($field:ident: $type:ty),+ }) => {
        #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        pub(crate) struct $name { $(pub $field: $type),+ }
    };
}

labels! { Service { service: String } }
labels! { Letters { service: String, event_type: &'static str } }
labels! { Kind { service: String, kind: &'static str } }
labels! { Send {
    service: String,
    messaging_system: &'static str,
    messaging_destination_name: String,
    messaging_operation_name: &'static str,
    messaging_operation_type: &'static str,
    error_type: &'static str
} }
labels! { Process {
    service: String,
    messaging_system: &'static str,
    messaging_consumer_group_name: String,
    messaging_destination_name: String,
    messaging_operation_name: &'static str,
    messaging_operation_type: &'static str,
    event_type: &'static str,
    outcome: &'static str,
    error_type: &'static str
} }

macro_rules! metrics {
    ($($make:ident $name:ident: $type:ty = ($($argument:expr),+);)+) => {
        $(pub(crate) static $name: LazyLock<$type> = LazyLock::new(|| meter::$make($($argument),+));)+
    };
}

metrics! {
    gauge OUTBOX_AGE: Gauge<Service> = ("kefu_outbox_oldest_age_seconds", "Age of the oldest event that waits for publication");
    gauge OUTBOX_PENDING: Gauge<Service> = ("kefu_outbox_pending", "Events that wait for publication");
    gauge RELAY_SHARDS: Gauge<Service> = ("kefu_relay_shards_held", "Relay shards held by this process");
    counter RELAY_FAILURES: Counter<Service> = ("kefu_relay_failures", "Rounds of the relay that did not publish everything");
    counter SENT: Counter<Send> = ("messaging_client_sent_messages", "Events handed to the log, or refused by it");
    histogram SENDING: Histogram<Send> = ("messaging_client_operation_duration_seconds", "Time from handing a batch to the log to its acknowledgement", BOUNDS);
    histogram PROCESSING: Histogram<Process> = ("messaging_process_duration_seconds", "Time that the reactions to one event took, by what became of it", BOUNDS);
    gauge PARKED: Gauge<Service> = ("kefu_consumer_parked", "Events parked: failed, or waiting behind one of their key");
    counter DEAD_LETTERS: Counter<Letters> = ("kefu_dead_letters", "Events given up");
    gauge DEAD_LETTERS_WAITING: Gauge<Service> = ("kefu_dead_letters_waiting", "Dead letters that nobody has driven again or removed");
    gauge LAG: Gauge<Service> = ("kefu_consumer_lag", "Messages of this process's partitions of the subscribed topics that are not done yet");
    gauge ASSIGNED: Gauge<Service> = ("kefu_consumer_assigned_partitions", "Partitions assigned to this process");
    counter REBALANCES: Counter<Kind> = ("kefu_consumer_rebalances", "Partitions given to or taken from this process, by kind: assigned, revoked, lost, failed");
}

/// Makes what alerts look at exist from the start.
pub(crate) fn prepare(service: &str, reactions: &Reactions) {
    let of = Service { service: service.to_owned() };
    for gauge in [
        &OUTBOX_AGE,
        &OUTBOX_PENDING,
        &RELAY_SHARDS,
        &PARKED,
        &DEAD_LETTERS_WAITING,
        &LAG,
        &ASSIGNED,
    ] {
        meter::declare(gauge, &of);
    }
    meter::declare(&RELAY_FAILURES, &of);
    for kind in ["assigned", "revoked", "lost", "failed"] {
        meter::declare(&REBALANCES, &Kind { service: service.to_owned(), kind });
    }
    let wanted = TYPES.iter().filter(|(ty, topic)| reactions.reacts_to(ty, topic));
    for event_type in wanted.map(|(ty, _)| *ty).chain([OTHER]) {
        meter::declare(&DEAD_LETTERS, &Letters { service: service.to_owned(), event_type });
    }
}

/// Counts a batch that went to one topic, `sent` of it well.
pub(crate) fn sent(
    service: &str,
    system: &'static str,
    topic: &str,
    outcomes: (u64, u64),
    took: Duration,
) {
    let mut labels = Send {
        service: service.to_owned(),
        messaging_system: system,
        messaging_destination_name: topic.to_owned(),
        messaging_operation_name: "send",
        messaging_operation_type: "send",
        error_type: "",
    };
    let (well, refused) = outcomes;
    if well > 0 {
        SENT.get_or_create(&labels).inc_by(well);
    }
    if refused > 0 {
        labels.error_type = "not_acknowledged";
        SENT.get_or_create(&labels).inc_by(refused);
    }
    SENDING.get_or_create(&labels).observe(took.as_secs_f64());
}

/// Counts one event that `group` has seen to, by what became of it; its trace is the exemplar.
pub(crate) fn processed(
    service: &str,
    group: &str,
    system: &'static str,
    event: &Envelope,
    outcome: Outcome,
    took: Duration,
) {
    let one = PROCESSING.get_or_create_owned(&Process {
        service: service.to_owned(),
        messaging_system: system,
        messaging_consumer_group_name: group.to_owned(),
        messaging_destination_name: event.topic.clone(),
        messaging_operation_name: "process",
        messaging_operation_type: "process",
        event_type: event_type(&event.ty),
        outcome: outcome.as_str(),
        error_type: match outcome {
            Outcome::Parked | Outcome::DeadLettered => "reaction_failed",
            Outcome::Done | Outcome::Duplicate | Outcome::Ignored => "",
        },
    });
    one.observe_in(took.as_secs_f64(), event.trace.traceparent.as_deref());
}
