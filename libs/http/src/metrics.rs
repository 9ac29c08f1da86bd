//! Rate, errors and duration per route template, by OpenTelemetry's conventions for HTTP servers.

use std::{sync::LazyLock, time::Duration};

use meter::{Gauge, Histogram};
use prometheus_client::encoding::EncodeLabelSet;

/// Series are few: methods, routes and codes are ours, not the caller's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Request {
    pub service: &'static str,
    pub http_request_method: &'static str,
    /// Empty where none matched.
    pub http_route: String,
    pub http_response_status_code: u16,
    pub url_scheme: &'static str,
    /// Set for answers from 500 on: the problem's code, else the status.
    pub error_type: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Active {
    service: &'static str,
    http_request_method: &'static str,
    url_scheme: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Check {
    pub service: String,
    pub check: &'static str,
}

static DURATION: LazyLock<Histogram<Request>> = LazyLock::new(|| {
    meter::histogram(
        "http_server_request_duration_seconds",
        "Time from the head of a request to the head of its answer",
        meter::QUICK,
    )
});

static ACTIVE: LazyLock<Gauge<Active>> =
    LazyLock::new(|| meter::gauge("http_server_active_requests", "Requests being worked on"));

static READY: LazyLock<Gauge<Check>> = LazyLock::new(|| {
    meter::gauge("kefu_ready", "Whether a readiness check of the process is well: 1 or 0")
});

pub(crate) fn observe(request: &Request, took: Duration, traceparent: Option<&str>) {
    DURATION.get_or_create(request).observe_in(took.as_secs_f64(), traceparent);
}

/// Counts a request as long as it is worked on, also when its caller hangs up.
pub(crate) struct InFlight(Active);

impl InFlight {
    pub(crate) fn enter(
        service: &'static str,
        method: &'static str,
        url_scheme: &'static str,
    ) -> Self {
        let labels = Active { service, http_request_method: method, url_scheme };
        ACTIVE.get_or_create(&labels).inc();
        Self(labels)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        ACTIVE.get_or_create(&self.0).dec();
    }
}

pub(crate) fn ready(check: &Check, well: bool) {
    READY.get_or_create(check).set(f64::from(u8::from(well)));
}
