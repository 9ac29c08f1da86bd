//! What belongs to the request being handled: language and trace. Task-local, because actix
//! renders an error without giving it the request; [`crate::edge`] opens the scope around every
//! handler and extractor.

use actix_web::{HttpRequest, http::header};
use kernel::{Locale, TraceContext};

/// The request being handled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Current {
    pub(crate) locale: Locale,
    pub(crate) trace: TraceContext,
    pub(crate) trace_id: Option<String>,
}

tokio::task_local! {
    pub(crate) static CURRENT: Current;
}

/// The request being handled; outside of one: English, no trace.
pub(crate) fn current() -> Current {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Language that the caller prefers.
pub(crate) fn locale(req: &HttpRequest) -> Locale {
    header_text(req, &header::ACCEPT_LANGUAGE).map(Locale::negotiate).unwrap_or_default()
}

/// A header's value, if it is there once and readable.
pub(crate) fn header_text<'a>(req: &'a HttpRequest, name: &header::HeaderName) -> Option<&'a str> {
    req.headers().get(name).and_then(|value| value.to_str().ok())
}
