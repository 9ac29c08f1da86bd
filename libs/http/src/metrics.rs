//! Rate, errors and duration per route template, in the default Prometheus registry.

use std::{sync::LazyLock, time::Duration};

use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, Opts, TextEncoder};

static REQUESTS: LazyLock<Option<IntCounterVec>> = LazyLock::new(|| {
    let opts = Opts::new("kefu_http_requests_total", "Requests answered.");
    registered(IntCounterVec::new(opts, &["service", "method", "route", "status"]))
});

static DURATION: LazyLock<Option<HistogramVec>> = LazyLock::new(|| {
    let opts = HistogramOpts::new(
        "kefu_http_request_duration_seconds",
        "Time from head of request to head of answer.",
    )
    .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]);
    registered(HistogramVec::new(opts, &["service", "method", "route"]))
});

fn registered<M: prometheus::core::Collector + Clone + 'static>(
    metric: prometheus::Result<M>,
) -> Option<M> {
    let outcome = metric.and_then(|m| prometheus::register(Box::new(m.clone())).map(|()| m));
    match outcome {
        Ok(metric) => Some(metric),
        Err(error) => {
            tracing::error!(%error, "a metric could not be registered");
            None
        }
    }
}

pub(crate) fn observe(service: &str, method: &str, route: &str, status: u16, took: Duration) {
    if let Some(requests) = &*REQUESTS {
        requests.with_label_values(&[service, method, route, &status.to_string()]).inc();
    }
    if let Some(duration) = &*DURATION {
        duration.with_label_values(&[service, method, route]).observe(took.as_secs_f64());
    }
}

/// Everything in the default registry, in Prometheus' text format.
pub fn exposition() -> prometheus::Result<String> {
    let mut text = Vec::new();
    TextEncoder::new().encode(&prometheus::gather(), &mut text)?;
    String::from_utf8(text).map_err(|e| prometheus::Error::Msg(e.to_string()))
}
