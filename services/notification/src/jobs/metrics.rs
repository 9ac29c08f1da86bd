//! Figures for Prometheus.

use std::sync::LazyLock;

use prometheus::{IntCounterVec, register_int_counter_vec};

static DELIVERIES: LazyLock<IntCounterVec> = LazyLock::new(|| {
    register_int_counter_vec!(
        "kefu_deliveries_total",
        "Deliveries by channel and outcome: delivered, retried, failed, suppressed, lost.",
        &["channel", "outcome"]
    )
    .expect("the name is registered once")
});

/// Counts one outcome.
pub fn count(channel: &str, outcome: &str) {
    DELIVERIES.with_label_values(&[channel, outcome]).inc();
}
