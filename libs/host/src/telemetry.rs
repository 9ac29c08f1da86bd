//! Logs, traces and their shutdown. A collector that is away or absent costs nothing but the spans
//! themselves: the queue is bounded, exporting happens on a thread of its own, and starting never
//! waits for it. Metrics are scraped from `/metrics`.

mod format;
mod quiet;

use std::{io::IsTerminal, time::Duration};

use opentelemetry::{KeyValue, global, trace::TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    propagation::TraceContextPropagator,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData},
};
use tokio::runtime::Handle;
use tracing_subscriber::{
    EnvFilter, Layer, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::{
    Error,
    settings::{LogFormat, Telemetry},
};

/// Targets whose spans would tell of the exporter itself or of every socket.
const QUIET: [&str; 8] =
    ["hyper", "h2", "reqwest", "rustls", "tower", "opentelemetry", "actix_server", "mio"];

/// Libraries that tell of every start and stop what we tell ourselves; settings can say otherwise.
const CHATTY: &str = "sea_orm_migration=warn,actix_server=warn,sqlx::postgres::notice=warn";

/// Handle on what must be flushed at the end.
#[derive(Debug)]
pub struct Guard {
    provider: SdkTracerProvider,
}

impl Guard {
    /// Sends what is still queued, within `deadline`.
    pub async fn flush(&self, deadline: Duration) {
        let provider = self.provider.clone();
        // Blocks its thread, so not on one of the runtime's own.
        let done = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(deadline));
        match tokio::time::timeout(deadline + Duration::from_millis(200), done).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(OTelSdkError::AlreadyShutdown))) => {}
            Ok(Ok(Err(e))) => tracing::warn!(error = %e, "the last spans could not be sent"),
            Ok(Err(e)) => tracing::warn!(error = %e, "the last spans could not be sent"),
            Err(_) => tracing::warn!("the last spans could not be sent in time"),
        }
    }
}

/// Sets up logs and traces of the process. Call it once, on the main runtime.
pub fn init(settings: &Telemetry, service_name: &str) -> Result<Guard, Error> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    events::set_baggage(settings.baggage);
    let provider = provider(settings, service_name)?;
    global::set_tracer_provider(provider.clone());
    let level = EnvFilter::try_new(format!("{CHATTY},{}", settings.log_level))
        .map_err(|e| Error::setting("telemetry.log_level", e.to_string()))?;
    let json = match settings.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = if json {
        log.event_format(format::JsonLine).boxed()
    } else {
        log.with_target(false).compact().boxed()
    };
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("kefu"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|meta| {
            // Spans only: a log line belongs to the log, not into every trace.
            meta.is_span()
                && *meta.level() <= tracing::Level::INFO
                && !QUIET.iter().any(|t| meta.target().starts_with(t))
        }));
    tracing_subscriber::registry()
        .with(traces)
        .with(log.with_filter(quiet::Quiet(level)))
        .try_init()
        .map_err(|e| Error::other("setting up the log", e))?;
    Ok(Guard { provider })
}

fn provider(settings: &Telemetry, service_name: &str) -> Result<SdkTracerProvider, Error> {
    let resource = Resource::builder()
        .with_service_name(service_name.to_owned())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", kernel::new_id().to_string()))
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio)));
    let builder = SdkTracerProvider::builder().with_resource(resource).with_sampler(sampler);
    if settings.otlp_endpoint.is_empty() {
        return Ok(builder.build());
    }
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .no_proxy()
        .build()
        .map_err(|e| Error::other("making the HTTP client for spans", e))?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(format!("{}/v1/traces", settings.otlp_endpoint.trim_end_matches('/')))
        .build()
        .map_err(|e| Error::other("making the span exporter (telemetry.otlp_endpoint)", e))?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(8192)
        .with_max_export_batch_size(512)
        .with_scheduled_delay(Duration::from_secs(1))
        .build();
    let exporter = OnRuntime { inner: std::sync::Arc::new(exporter), runtime: Handle::current() };
    Ok(builder
        .with_span_processor(
            BatchSpanProcessor::builder(exporter).with_batch_config(batches).build(),
        )
        .build())
}

/// The batch processor exports from a plain thread, where reqwest finds no runtime: so each export
/// is handed to the main one. It never waits on a thread of that runtime, hence cannot deadlock.
#[derive(Debug)]
struct OnRuntime {
    inner: std::sync::Arc<SpanExporter>,
    runtime: Handle,
}

impl opentelemetry_sdk::trace::SpanExporter for OnRuntime {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let exporter = self.inner.clone();
        let sent = self.runtime.spawn(async move { exporter.export(batch).await });
        async move { sent.await.unwrap_or_else(|e| Err(OTelSdkError::InternalFailure(e.to_string()))) }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(exporter) = std::sync::Arc::get_mut(&mut self.inner) {
            exporter.set_resource(resource);
        }
    }
}
