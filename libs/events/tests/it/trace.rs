//! One trace from the request to the last consequence.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use events::{React, Reactions, emit, process_one, resume_span, unpublished};
use kernel::{Context, Problem, SystemClock, TraceContext};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter},
};
use store::Tx;
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{Stepped, context, databases, noon, step};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Keeps spans in memory.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

/// Answers each first step with a second one.
struct Answer;

#[async_trait]
impl React<Stepped> for Answer {
    async fn react(&self, tx: &Tx, ctx: &Context, event: Stepped) -> Result<(), Problem> {
        emit(tx, ctx, noon(), &step(event.id, event.n + 1)).await?;
        Ok(())
    }
}

async fn first_and_second(db: &store::Db, ctx: &Context) -> (events::Envelope, events::Envelope) {
    let tx = db.begin().await.unwrap();
    emit(&tx, ctx, noon(), &step(kernel::new_id(), 1)).await.unwrap();
    tx.commit().await.unwrap();
    let first = unpublished(db).await.unwrap().pop().unwrap().unwrap();
    let reactions = Reactions::none().on::<Stepped>(Answer);
    process_one(db, &reactions, "answerer", &first, &SystemClock).await.unwrap();
    let second = unpublished(db).await.unwrap().pop().unwrap().unwrap();
    assert_eq!(second.causation_id, Some(first.id));
    assert_eq!(second.correlation_id, Some(first.id));
    (first, second)
}

#[tokio::test]
async fn without_telemetry_the_context_is_passed_on_as_it_came() {
    for test in databases("trace_off").await {
        let ctx = Context { trace: TraceContext::from_parent(Some(PARENT.into())), ..context() };
        let (first, second) = first_and_second(&test.db, &ctx).await;
        assert_eq!(first.trace.traceparent.as_deref(), Some(PARENT), "{}", test.name);
        assert_eq!(second.trace, first.trace);
    }
}

#[tokio::test]
async fn what_was_not_sampled_is_not_sampled_further_on() {
    let exporter = Kept::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let _subscriber = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    for (flags, sampled) in [("00", false), ("01", true)] {
        for test in databases(&format!("sampled_{flags}")).await {
            exporter.0.lock().unwrap().clear();
            let parent = format!("00-1bf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
            let span = resume_span("timer", &TraceContext::from_parent(Some(parent)));
            let (first, second) = first_and_second(&test.db, &context()).instrument(span).await;
            for trace in [first.trace, second.trace] {
                let parent = trace.traceparent.unwrap();
                assert!(parent.ends_with(flags), "{}: {parent}", test.name);
                assert!(parent.starts_with("00-1bf7651916cd43dd8448eb211c80319c-"), "{parent}");
            }
            let spans = exporter.0.lock().unwrap().len();
            assert_eq!(spans > 0, sampled, "{}: {spans} spans", test.name);
        }
    }
}

#[tokio::test]
async fn with_telemetry_every_span_belongs_to_the_first_request() {
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let _subscriber = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    for test in databases("trace_on").await {
        let span = resume_span("timer", &TraceContext::from_parent(Some(PARENT.into())));
        let (first, second) = first_and_second(&test.db, &context()).instrument(span).await;
        for trace in [first.trace, second.trace] {
            let parent = trace.traceparent.unwrap();
            assert!(
                parent.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
                "{}: {parent}",
                test.name
            );
            assert!(!parent.contains("b7ad6b7169203331"), "a span of its own: {parent}");
        }
    }
}
