//! Which lines the log takes: those that the settings ask for, without what a library calls an error
//! of the server's and is the caller's.

use std::fmt;

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    EnvFilter,
    layer::{Context, Filter},
};

/// actix says "stream error" at level error when somebody sends what is no HTTP, or is gone in the
/// middle of it. Anybody who reaches the port could fill the log with these; they were answered 400.
const ACTIX: &str = "actix_http::h1::dispatcher";

pub(super) struct Quiet(pub EnvFilter);

impl<S: Subscriber> Filter<S> for Quiet {
    fn enabled(&self, meta: &Metadata<'_>, cx: &Context<'_, S>) -> bool {
        Filter::<S>::enabled(&self.0, meta, cx)
    }
    fn callsite_enabled(&self, meta: &'static Metadata<'static>) -> Interest {
        Filter::<S>::callsite_enabled(&self.0, meta)
    }
    fn event_enabled(&self, event: &Event<'_>, cx: &Context<'_, S>) -> bool {
        !is_the_callers(event) && Filter::<S>::event_enabled(&self.0, event, cx)
    }
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.0)
    }
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        Filter::<S>::on_new_span(&self.0, attributes, id, cx);
    }
    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        Filter::<S>::on_record(&self.0, id, values, cx);
    }
    fn on_enter(&self, id: &Id, cx: Context<'_, S>) {
        Filter::<S>::on_enter(&self.0, id, cx);
    }
    fn on_exit(&self, id: &Id, cx: Context<'_, S>) {
        Filter::<S>::on_exit(&self.0, id, cx);
    }
    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        Filter::<S>::on_close(&self.0, id, cx);
    }
}

fn is_the_callers(event: &Event<'_>) -> bool {
    if event.metadata().target() != ACTIX {
        return false;
    }
    let mut message = Message(String::new());
    event.record(&mut message);
    let cause = message.0.strip_prefix("stream error: ").unwrap_or_default();
    ["request parse error", "I/O error"].iter().any(|kind| cause.starts_with(kind))
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
