//! What an operator sees of the backbone, in the process's default registry.

use std::sync::LazyLock;

use prometheus::{
    GaugeVec, IntCounterVec, IntGaugeVec, register_gauge_vec, register_int_counter_vec,
    register_int_gauge_vec,
};

macro_rules! metrics {
    ($($name:ident: $type:ty = $register:ident($text:literal, $help:literal, $labels:expr);)+) => {
        $(pub(crate) static $name: LazyLock<$type> =
            LazyLock::new(|| $register!($text, $help, &$labels).expect("metric names are unique and well-formed"));)+
    };
}

metrics! {
    OUTBOX_AGE: GaugeVec = register_gauge_vec("kefu_outbox_oldest_age_seconds", "Age of the oldest event that waits for publication", ["service"]);
    OUTBOX_PENDING: IntGaugeVec = register_int_gauge_vec("kefu_outbox_pending", "Events that wait for publication", ["service"]);
    PUBLISHED: IntCounterVec = register_int_counter_vec("kefu_relay_published_total", "Events published", ["service"]);
    RELAY_FAILURES: IntCounterVec = register_int_counter_vec("kefu_relay_failures_total", "Rounds of the relay that did not publish everything", ["service"]);
    RELAY_SHARDS: IntGaugeVec = register_int_gauge_vec("kefu_relay_shards_held", "Relay shards held by this process", ["service"]);
    PROCESSED: IntCounterVec = register_int_counter_vec("kefu_consumer_processed_total", "Events handled, by type and outcome", ["service", "type", "outcome"]);
    PARKED: IntGaugeVec = register_int_gauge_vec("kefu_consumer_parked", "Events parked: failed, or waiting behind one of their key", ["service"]);
    DEAD_LETTERS: IntCounterVec = register_int_counter_vec("kefu_dead_letters_total", "Events given up", ["service", "type"]);
    LAG: IntGaugeVec = register_int_gauge_vec("kefu_consumer_lag", "Messages of the subscribed topics not read yet", ["service"]);
}
