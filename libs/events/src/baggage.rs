//! Baggage: whose matter an event belongs to and what kind of ticket, so that spans of every service
//! can be found by it. It begins at the first event of a matter and travels in the W3C header
//! `baggage` of our own messages; what comes from outside is not taken over, and none goes out.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};

use contracts::Event;
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt,
    propagation::{Extractor, TextMapPropagator},
};
use opentelemetry_sdk::propagation::BaggagePropagator;
use serde_json::Value;
use tracing::Span;

const ORG: &str = "kefu.org";
const TICKET_KIND: &str = "kefu.ticket.kind";
/// Longest value in bytes; a longer one is left out.
const LONGEST: usize = 128;

static ON: AtomicBool = AtomicBool::new(true);

/// Whether events carry baggage; set once, at the start of the process.
pub fn set_baggage(on: bool) {
    ON.store(on, Ordering::Relaxed);
}

/// The header for `event`, which was caused by something with the header `inherited`.
pub(crate) fn of<E: Event>(event: &E, data: &Value, inherited: Option<&str>) -> Option<String> {
    if !ON.load(Ordering::Relaxed) {
        return None;
    }
    let own = data.pointer("/ticket/kind").and_then(Value::as_str).map(str::to_owned);
    let kind = own.or_else(|| read(inherited?, TICKET_KIND));
    let values = [(ORG, Some(event.org().to_owned())), (TICKET_KIND, kind)];
    let kept = values.into_iter().filter_map(|(key, value)| {
        value.filter(|v| !v.is_empty() && v.len() <= LONGEST).map(|v| KeyValue::new(key, v))
    });
    let mut carrier = HashMap::new();
    BaggagePropagator::new().inject_context(&Context::new().with_baggage(kept), &mut carrier);
    carrier.remove("baggage").filter(|header| !header.is_empty())
}

/// Writes what `header` brings along into the fields of `span` that have these names.
pub(crate) fn record(span: &Span, header: Option<&str>) {
    let Some(header) = header.filter(|_| !span.is_disabled()) else { return };
    for key in [ORG, TICKET_KIND] {
        if let Some(value) = read(header, key) {
            span.record(key, value);
        }
    }
}

struct Header<'a>(&'a str);

impl Extractor for Header<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "baggage").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["baggage"]
    }
}

fn read(header: &str, key: &str) -> Option<String> {
    let context = BaggagePropagator::new().extract_with_context(&Context::new(), &Header(header));
    let value = context.baggage().get(key)?.to_string();
    (value.len() <= LONGEST).then_some(value)
}

#[cfg(test)]
mod tests {
    use contracts::ticketing::TicketOpened;
    use serde_json::json;

    use super::*;

    fn opened(org: &str) -> (TicketOpened, Value) {
        let text = include_str!("../../contracts/fixtures/kefu.ticket.opened.v1.json");
        let mut data: Value = serde_json::from_str(text).unwrap();
        data["ticket"]["org"] = json!(org);
        data["ticket"]["kind"] = json!("complaint");
        (serde_json::from_value(data.clone()).unwrap(), data)
    }

    #[test]
    fn org_and_kind_go_along_and_are_read_again() {
        let (event, data) = opened("/acme/北区");
        let header = of(&event, &data, None).unwrap();
        assert!(header.is_ascii(), "{header}");
        assert_eq!(read(&header, ORG).as_deref(), Some("/acme/北区"));
        assert_eq!(read(&header, TICKET_KIND).as_deref(), Some("complaint"));
    }

    #[test]
    fn what_an_event_does_not_know_it_inherits() {
        let (event, _) = opened("/acme");
        let header = of(&event, &json!({}), Some("kefu.ticket.kind=repair,password=secret"));
        let header = header.unwrap();
        assert_eq!(read(&header, TICKET_KIND).as_deref(), Some("repair"));
        assert_eq!(read(&header, ORG).as_deref(), Some("/acme"));
        assert!(!header.contains("secret"), "foreign baggage stays behind: {header}");
    }

    #[test]
    fn it_is_bounded_and_can_be_left_away() {
        let (event, _) = opened("/acme");
        let long = "x".repeat(5_000);
        let header = of(&event, &json!({ "ticket": { "kind": long } }), None).unwrap();
        assert!(header.len() < 300 && read(&header, TICKET_KIND).is_none(), "{header}");
        let header = of(&event, &json!({}), Some(&format!("kefu.ticket.kind={long}"))).unwrap();
        assert!(read(&header, TICKET_KIND).is_none());
        assert!(read("=;,%%%", ORG).is_none());
    }
}
