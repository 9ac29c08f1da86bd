//! The server span of a request, by OpenTelemetry's HTTP semantic conventions, and the W3C trace
//! context that comes in and goes out. Works without any exporter: then ids are made here.

use actix_web::{
    dev::ServiceRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};
use kernel::TraceContext;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Methods that may become a metric label; others are one value, so that callers cannot make new ones.
pub(crate) fn known_method(method: &actix_web::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

/// The scheme as a label: a proxy's header must not make new ones.
pub(crate) fn known_scheme(scheme: &str) -> &'static str {
    if scheme == "https" { "https" } else { "http" }
}

fn protocol(version: actix_web::http::Version) -> &'static str {
    match version {
        actix_web::http::Version::HTTP_10 => "1.0",
        actix_web::http::Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

/// Host and port of a `Host` header.
fn host_of(text: &str) -> (&str, Option<u16>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

/// Opens the span, as a child of the caller's when he sent a `traceparent`.
pub(crate) fn server_span(
    req: &ServiceRequest,
    method: &'static str,
    route: &str,
    service: &str,
    address: &str,
) -> (Span, TraceContext) {
    let name = if route.is_empty() { method.to_owned() } else { format!("{method} {route}") };
    // A token in the path is a secret; the template says enough.
    let path = if route.contains("{token") { route } else { req.path() };
    let info = req.connection_info();
    let span = tracing::info_span!(
        "http request",
        otel.name = name,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        url.path = path,
        url.scheme = info.scheme(),
        server.address = host_of(info.host()).0,
        server.port = host_of(info.host()).1,
        client.address = address,
        user_agent.original = req.headers().get("user-agent").and_then(|v| v.to_str().ok()),
        enduser.id = Empty,
        error.r#type = Empty,
        kefu.problem.code = Empty,
        network.protocol.version = protocol(req.version()),
        kefu.service = service,
        trace_id = Empty,
    );
    drop(info);
    let incoming = incoming(req.headers());
    if let Some(parent) = &incoming {
        let parent = opentelemetry::Context::new().with_remote_span_context(parent.clone());
        if let Err(error) = span.set_parent(parent) {
            // No exporter is installed, or this span is filtered out: the ids below still join.
            tracing::trace!(%error, "the span keeps no parent");
        }
    }
    let context = span.context().span().span_context().clone();
    let context = if context.is_valid() { context } else { substitute(incoming) };
    span.record("trace_id", context.trace_id().to_string());
    (span, outgoing(&context))
}

/// The caller's context, if its headers are well-formed (W3C Trace Context, level 1).
fn incoming(headers: &HeaderMap) -> Option<SpanContext> {
    let mut values = headers.get_all("traceparent");
    let text = values.next().filter(|_| values.next().is_none())?.to_str().ok()?.trim();
    let state = headers.get("tracestate").and_then(|v| v.to_str().ok());
    parse(text, state)
}

fn parse(text: &str, state: Option<&str>) -> Option<SpanContext> {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags, rest @ ..] = parts.as_slice() else { return None };
    let hex = |t: &str, n| {
        t.len() == n && t.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let shape = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    // Later versions may append parts; version ff is forbidden.
    if !shape || *version == "ff" || (*version == "00" && !rest.is_empty()) {
        return None;
    }
    let state = state.and_then(|s| s.parse::<TraceState>().ok()).unwrap_or_default();
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()? & 1);
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        flags,
        true,
        state,
    );
    context.is_valid().then_some(context)
}

/// Ids for a process without an exporter: the caller's trace goes on, or a new one begins.
fn substitute(incoming: Option<SpanContext>) -> SpanContext {
    if let Some(context) = incoming {
        return context;
    }
    let trace = kernel::new_id();
    let mut span = [0; 8];
    // The random end of the id; its beginning is the time.
    span.copy_from_slice(&kernel::new_id().as_bytes()[8..]);
    SpanContext::new(
        TraceId::from_bytes(trace.into_bytes()),
        SpanId::from_bytes(span),
        TraceFlags::default(),
        false,
        TraceState::default(),
    )
}

fn outgoing(context: &SpanContext) -> TraceContext {
    let flags = context.trace_flags().to_u8();
    let state = context.trace_state().header();
    TraceContext {
        traceparent: Some(format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id())),
        tracestate: (!state.is_empty()).then_some(state),
        // Callers are not believed, and baggage begins with an event.
        baggage: None,
    }
}

/// The trace id within a `traceparent`.
pub(crate) fn trace_id(trace: &TraceContext) -> Option<String> {
    trace.traceparent.as_deref()?.split('-').nth(1).map(str::to_owned)
}

/// Tells the caller by which id his request can be found.
pub(crate) fn write_headers(headers: &mut HeaderMap, trace: &TraceContext) {
    let id = trace_id(trace);
    for (name, text) in [("traceparent", trace.traceparent.as_ref()), ("x-trace-id", id.as_ref())] {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_and_port_are_told_apart() {
        assert_eq!(host_of("kefu.example:8080"), ("kefu.example", Some(8080)));
        assert_eq!(host_of("kefu.example"), ("kefu.example", None));
        assert_eq!(host_of("[::1]:80"), ("[::1]", Some(80)));
        assert_eq!(host_of("[::1]"), ("[::1]", None));
    }

    #[test]
    fn only_a_well_formed_parent_is_believed() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = parse(good, Some("a=1")).unwrap();
        assert_eq!(outgoing(&context).traceparent.as_deref(), Some(good));
        assert_eq!(outgoing(&context).tracestate.as_deref(), Some("a=1"));
        for bad in [
            "",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        ] {
            assert!(parse(bad, None).is_none(), "{bad}");
        }
    }
}
