//! Metrics of the process: one registry for all crates, read at `/metrics`.
//!
//! Names follow OpenTelemetry's semantic conventions as Prometheus writes them (dots become
//! underscores, the unit follows the name), figures of the process itself those of Prometheus'
//! client libraries, and what is our own begins with `kefu_`. Whatever belongs to one of the services
//! carries the label `service`. A metric that no label set was asked of yet has no samples, so what
//! alerts look at is asked for when its service starts.

mod process;

use std::{
    fmt,
    sync::{LazyLock, PoisonError, RwLock, atomic::AtomicU64},
};

use kernel::{Clock, SystemClock};
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text, text},
    metrics::{
        counter::Counter as PlainCounter,
        exemplar::HistogramWithExemplars,
        family::{Family, MetricConstructor},
        gauge::Gauge as PlainGauge,
    },
    registry::{Metric, Registry},
};

static REGISTRY: LazyLock<RwLock<Registry>> = LazyLock::new(|| {
    let mut registry = Registry::default();
    let build = Family::<[(&str, &str); 1], PlainGauge>::default();
    build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
    registry.register("kefu_build_info", "The version that runs", build);
    process::register(&mut registry);
    RwLock::new(registry)
});

/// Bounds in seconds for requests, statements and other quick work.
pub const QUICK: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Only ever grows; `_total` is added to its name.
pub type Counter<L> = Family<L, PlainCounter>;

/// Goes up and down.
pub type Gauge<L> = Family<L, PlainGauge<f64, AtomicU64>>;

/// A histogram whose buckets each remember a trace that fell into them.
pub type Histogram<L> = Family<L, OneHistogram, Buckets>;

/// The histogram of one label set; cheap to clone and to keep.
#[derive(Debug, Clone)]
pub struct OneHistogram(HistogramWithExemplars<Trace>);

/// Upper bounds of a histogram's buckets.
#[derive(Debug, Clone, Copy)]
pub struct Buckets(&'static [f64]);

type Trace = [(&'static str, String); 1];

impl MetricConstructor<OneHistogram> for Buckets {
    fn new_metric(&self) -> OneHistogram {
        OneHistogram(HistogramWithExemplars::new(self.0.iter().copied()))
    }
}

impl OneHistogram {
    pub fn observe(&self, value: f64) {
        self.0.observe(value, None, None);
    }

    /// Observes and, where the trace was sampled and so can be looked up, leaves its id behind.
    pub fn observe_in(&self, value: f64, traceparent: Option<&str>) {
        let trace = traceparent.and_then(sampled_trace).map(|id| [("trace_id", id.to_owned())]);
        let at = trace.is_some().then(|| SystemClock.now().into());
        self.0.observe(value, trace, at);
    }
}

impl prometheus_client::encoding::EncodeMetric for OneHistogram {
    fn encode(&self, encoder: prometheus_client::encoding::MetricEncoder) -> fmt::Result {
        self.0.encode(encoder)
    }

    fn metric_type(&self) -> prometheus_client::metrics::MetricType {
        self.0.metric_type()
    }
}

impl prometheus_client::metrics::TypedMetric for OneHistogram {
    const TYPE: prometheus_client::metrics::MetricType =
        prometheus_client::metrics::MetricType::Histogram;
}

/// The trace id of a `traceparent` whose sampled flag is set.
fn sampled_trace(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-').skip(1);
    let (trace, _, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let flags = u8::from_str_radix(flags, 16).ok()?;
    (flags & 1 == 1).then_some(trace)
}

/// Makes a series exist before anything has happened to it: an increase from nothing is none.
pub fn declare<L: Labels, M, C: MetricConstructor<M>>(family: &Family<L, M, C>, labels: &L) {
    drop(family.get_or_create(labels));
}

/// What a label set must be.
pub trait Labels:
    EncodeLabelSet + Clone + Eq + std::hash::Hash + fmt::Debug + Send + Sync + 'static
{
}

impl<T> Labels for T where
    T: EncodeLabelSet + Clone + Eq + std::hash::Hash + fmt::Debug + Send + Sync + 'static
{
}

fn registered<M: Metric + Clone>(name: &str, help: &str, metric: M) -> M {
    let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
    registry.register(name, help, metric.clone());
    metric
}

/// Makes and registers a counter; `name` without `_total`, `help` without a full stop.
#[must_use]
pub fn counter<L: Labels>(name: &str, help: &str) -> Counter<L> {
    registered(name, help, Counter::default())
}

#[must_use]
pub fn gauge<L: Labels>(name: &str, help: &str) -> Gauge<L> {
    registered(name, help, Gauge::default())
}

#[must_use]
pub fn histogram<L: Labels>(name: &str, help: &str, bounds: &'static [f64]) -> Histogram<L> {
    registered(name, help, Histogram::new_with_constructor(Buckets(bounds)))
}

/// Everything registered, with its content type: in OpenMetrics, which has the exemplars, for who
/// accepts it, else in Prometheus' text format.
pub fn exposition(accept: &str) -> Result<(&'static str, String), fmt::Error> {
    let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    let mut out = String::new();
    if accept.contains("application/openmetrics-text") {
        text::encode(&mut out, &registry)?;
        return Ok(("application/openmetrics-text; version=1.0.0; charset=utf-8", out));
    }
    prometheus_text::encode(&mut out, &registry)?;
    Ok((prometheus_text::CONTENT_TYPE, out))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const UNSAMPLED: &str = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";

    #[test]
    fn exemplars_name_sampled_traces_and_openmetrics_alone_shows_them() {
        let waits = histogram::<[(&str, &str); 1]>("test_wait_seconds", "A wait", QUICK);
        let own = waits.get_or_create_owned(&[("service", "test")]);
        own.observe_in(0.002, Some(SAMPLED));
        own.observe_in(7.0, Some(UNSAMPLED));
        own.observe_in(0.03, None);
        let (kind, text) = exposition(OPENMETRICS).unwrap();
        assert!(kind.starts_with("application/openmetrics-text"));
        let exemplar = r#"test_wait_seconds_bucket{le="0.0025",service="test"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.002"#;
        assert!(text.contains(exemplar), "{text}");
        assert!(!text.contains("1af765"), "a trace that nobody kept");
        assert!(text.ends_with("# EOF\n"));
        let (kind, text) = exposition("text/plain").unwrap();
        assert!(kind.starts_with("text/plain; version=0.0.4"));
        assert!(text.contains("test_wait_seconds_count{service=\"test\"} 3\n"), "{text}");
        assert!(!text.contains("trace_id"));
    }

    #[test]
    fn counters_and_gauges_are_exposed_under_their_names() {
        let things = counter::<[(&str, &str); 1]>("test_things", "Things");
        things.get_or_create(&[("service", "a\"b")]).inc_by(3);
        gauge::<[(&str, &str); 1]>("test_level", "A level").get_or_create(&[("of", "x")]).set(0.5);
        let text = exposition("").unwrap().1;
        assert!(text.contains("# TYPE test_things_total counter\n"), "{text}");
        assert!(text.contains(r#"test_things_total{service="a\"b"} 3"#), "{text}");
        assert!(text.contains(r#"test_level{of="x"} 0.5"#), "{text}");
        assert!(text.contains(concat!("kefu_build_info{version=\"", env!("CARGO_PKG_VERSION"))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_tells_of_itself() {
        let text = exposition("").unwrap().1;
        for name in [
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_max_fds",
            "process_threads",
            "process_start_time_seconds",
        ] {
            let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
            let value: f64 = line.unwrap_or_else(|| panic!("{name}: {text}")).parse().unwrap();
            assert!(value > 0.0 || name == "process_cpu_seconds_total", "{name} {value}");
        }
    }
}
