//! W3C trace context between spans of this process, rows and events.

use std::collections::HashMap;

use kernel::{Context, TraceContext};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The current span's trace context; where no span is recorded, the one that `ctx` brought along.
#[must_use]
pub fn current_trace(ctx: &Context) -> TraceContext {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    match carrier.remove("traceparent") {
        Some(parent) => TraceContext {
            traceparent: Some(parent),
            tracestate: carrier.remove("tracestate").filter(|state| !state.is_empty()),
            baggage: ctx.trace.baggage.clone(),
        },
        None => ctx.trace.clone(),
    }
}

/// A span that continues a stored trace: work that a row makes happen later belongs to the request
/// that wrote the row. Use it with `.instrument(span)`.
#[must_use]
pub fn resume_span(name: &str, trace: &TraceContext) -> Span {
    let span = tracing::info_span!("resume", otel.name = name, otel.kind = "internal");
    set_parent(&span, trace);
    span
}

/// Makes `trace` the parent of a span that was not entered yet.
pub(crate) fn set_parent(span: &Span, trace: &TraceContext) {
    let Some(parent) = &trace.traceparent else { return };
    let mut carrier = HashMap::from([("traceparent".to_owned(), parent.clone())]);
    if let Some(state) = &trace.tracestate {
        carrier.insert("tracestate".to_owned(), state.clone());
    }
    let parent = TraceContextPropagator::new().extract(&carrier);
    if let Err(error) = span.set_parent(parent) {
        // Telemetry is off: nothing to tie together.
        tracing::trace!(?error, "span without trace parent");
    }
}
