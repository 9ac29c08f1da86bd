//! The trace that comes in goes on, through the span and into the use case's context.

use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use serde_json::json;
use tracing_subscriber::layer::SubscriberExt;

use crate::bed::{self, send};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// Keeps spans in memory.
#[derive(Debug, Clone, Default)]
struct Kept(std::sync::Arc<std::sync::Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

fn attribute(span: &SpanData, name: &str) -> Option<String> {
    span.attributes.iter().find(|kv| kv.key.as_str() == name).map(|kv| kv.value.to_string())
}

#[actix_web::test]
async fn spans_follow_the_semantic_conventions() {
    let exporter = Kept::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    // Global, because the server's workers are other threads; other tests do not mind.
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    global::set_tracer_provider(provider.clone());

    let bed = bed::start(&bed::sqlite().await).await;
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let request =
        bed.post("/api/v1/notes").header("traceparent", &parent).header("tracestate", "vendor=1");
    let reply = send(request.json(&json!({"text": "a"}))).await;
    assert_eq!((reply.status, reply.header("x-trace-id")), (201, TRACE));
    let outgoing = reply.header("traceparent").to_owned();
    assert!(outgoing.starts_with(&format!("00-{TRACE}-")) && outgoing != parent, "{outgoing}");
    let ctx = bed.app.seen.lock().unwrap().clone().unwrap();
    assert_eq!(ctx.trace.traceparent.as_deref(), Some(outgoing.as_str()));
    assert_eq!(ctx.trace.tracestate.as_deref(), Some("vendor=1"));

    let failing = bed.get("/fail/hard").header("traceparent", &parent);
    send(failing).await.is_problem(500, "internal");
    let secret = bed.get("/n/very-secret-token?phone=13800138000").header("traceparent", &parent);
    assert_eq!(send(secret).await.status, 200);

    provider.force_flush().unwrap();
    let spans = exporter.0.lock().unwrap().clone();
    let ours: Vec<_> =
        spans.iter().filter(|s| s.span_context.trace_id().to_string() == TRACE).collect();
    let find = |name: &str| {
        *ours.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no {name} in {ours:#?}"))
    };
    let created = find("POST /api/v1/notes");
    assert_eq!(created.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(created.span_kind, opentelemetry::trace::SpanKind::Server);
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/v1/notes"),
        ("http.response.status_code", "201"),
        ("url.path", "/api/v1/notes"),
        ("kefu.service", "notes"),
        ("enduser.id", "admin"),
    ] {
        assert_eq!(attribute(created, name).as_deref(), Some(value), "{name}");
    }
    let failed = find("GET /fail/{how}");
    assert!(matches!(failed.status, opentelemetry::trace::Status::Error { .. }));
    assert_eq!(attribute(failed, "error.type").as_deref(), Some("internal"));
    let secret = format!("{:?}", find("GET /n/{token}"));
    assert!(!secret.contains("very-secret-token") && !secret.contains("13800138000"), "{secret}");
}

#[actix_web::test]
async fn without_a_parent_a_trace_begins() {
    let bed = bed::start(&bed::sqlite().await).await;
    let reply = send(bed.get("/api/v1/notes").header("traceparent", "nonsense")).await;
    assert_eq!(reply.header("x-trace-id").len(), 32);
    assert!(reply.header("traceparent").contains(reply.header("x-trace-id")));
    let other = send(bed.get("/api/v1/notes")).await;
    assert_ne!(reply.header("x-trace-id"), other.header("x-trace-id"));
}
