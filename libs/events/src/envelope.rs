//! [`Envelope`]: a CloudEvents 1.0 event, and its Kafka binary content mode (attributes as `ce_`
//! headers, JSON data as value).

use chrono::{DateTime, SecondsFormat, Utc};
use contracts::Event;
use kernel::{Actor, Context, OrgPath, TraceContext};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    baggage,
    log::Record,
    wire::{Headers, header},
};

/// An event with everything that travels along with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    pub id: Uuid,
    /// CloudEvents `type`, e.g. `kefu.ticket.resolved.v1`.
    pub ty: String,
    /// `/kefu/SERVICE`.
    pub source: String,
    pub topic: String,
    /// Id of the aggregate: message key and CloudEvents `subject`.
    pub key: String,
    pub time: DateTime<Utc>,
    /// Organisation whose data this is.
    pub org: String,
    /// Who caused it.
    pub actor: String,
    pub correlation_id: Option<Uuid>,
    pub causation_id: Option<Uuid>,
    pub trace: TraceContext,
    pub data: Value,
}

/// A message that is no event of ours; trying again cannot help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    #[error("header {0} is missing or no text")]
    Missing(&'static str),
    #[error("header {0} has an unreadable value: {1:?}")]
    Unreadable(&'static str, String),
    #[error("the data is no JSON: {0}")]
    Data(String),
    #[error("the data does not fit type {0}: {1}")]
    Shape(String, String),
}

impl Envelope {
    /// The data as event `E`.
    pub fn parse<E: Event>(&self) -> Result<E, serde_json::Error> {
        E::deserialize(&self.data)
    }

    #[must_use]
    pub fn is<E: Event>(&self) -> bool {
        self.ty == E::TYPE
    }

    /// What `ctx` tells `event` at instant `at`.
    pub(crate) fn of<E: Event>(
        ctx: &Context,
        at: DateTime<Utc>,
        event: &E,
    ) -> Result<Self, serde_json::Error> {
        let data = serde_json::to_value(event)?;
        let mut trace = crate::current_trace(ctx);
        trace.baggage = baggage::of(event, &data, trace.baggage.as_deref());
        Ok(Self {
            id: kernel::new_id(),
            ty: E::TYPE.to_owned(),
            source: source_of(E::TOPIC),
            topic: E::TOPIC.to_owned(),
            key: event.key().to_string(),
            time: at,
            org: event.org().to_owned(),
            actor: ctx.actor.id.clone(),
            correlation_id: ctx.correlation_id,
            causation_id: ctx.causation_id,
            trace,
            data,
        })
    }

    /// The context in which a reaction to this event works: the suite itself, in the event's org
    /// and trace, caused by the event.
    pub fn context(&self) -> Result<Context, Undecodable> {
        let org = OrgPath::parse(&self.org)
            .map_err(|_| Undecodable::Unreadable("ce_org", self.org.clone()))?;
        Ok(Context {
            actor: Actor::system(org),
            correlation_id: self.correlation_id.or(Some(self.id)),
            causation_id: Some(self.id),
            trace: self.trace.clone(),
            locale: kernel::Locale::default(),
        })
    }

    /// CloudEvents attributes and trace context as message headers.
    #[must_use]
    pub fn headers(&self) -> Headers {
        let mut headers: Vec<(&str, String)> = vec![
            ("content-type", "application/json".to_owned()),
            ("ce_specversion", "1.0".to_owned()),
            ("ce_id", self.id.to_string()),
            ("ce_source", self.source.clone()),
            ("ce_type", self.ty.clone()),
            ("ce_subject", self.key.clone()),
            ("ce_time", self.time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            ("ce_dataschema", format!("/kefu/schemas/{}.json", self.ty)),
            ("ce_org", self.org.clone()),
            ("ce_actor", self.actor.clone()),
        ];
        let optional = [
            ("ce_correlationid", self.correlation_id.map(|id| id.to_string())),
            ("ce_causationid", self.causation_id.map(|id| id.to_string())),
            ("traceparent", self.trace.traceparent.clone()),
            ("tracestate", self.trace.tracestate.clone()),
            ("baggage", self.trace.baggage.clone()),
        ];
        headers.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect()
    }

    /// The message for the log.
    #[must_use]
    pub fn to_record(&self) -> Record {
        Record {
            topic: self.topic.clone(),
            key: self.key.clone(),
            headers: self.headers(),
            payload: self.data.to_string().into_bytes(),
        }
    }

    /// Reads a message of the log.
    pub fn from_record(record: &Record) -> Result<Self, Undecodable> {
        let version = required(record, "ce_specversion")?;
        if version != "1.0" {
            return Err(Undecodable::Unreadable("ce_specversion", version.to_owned()));
        }
        let time = required(record, "ce_time")?;
        let time = DateTime::parse_from_rfc3339(time)
            .map_err(|_| Undecodable::Unreadable("ce_time", time.to_owned()))?
            .with_timezone(&Utc);
        let org = required(record, "ce_org")?;
        OrgPath::parse(org).map_err(|_| Undecodable::Unreadable("ce_org", org.to_owned()))?;
        let text = |name| header(&record.headers, name).map(str::to_owned);
        Ok(Self {
            id: uuid("ce_id", required(record, "ce_id")?)?,
            ty: required(record, "ce_type")?.to_owned(),
            source: required(record, "ce_source")?.to_owned(),
            topic: record.topic.clone(),
            key: record.key.clone(),
            time,
            org: org.to_owned(),
            actor: text("ce_actor").unwrap_or_default(),
            correlation_id: optional_uuid(record, "ce_correlationid")?,
            causation_id: optional_uuid(record, "ce_causationid")?,
            trace: TraceContext {
                traceparent: text("traceparent"),
                tracestate: text("tracestate"),
                baggage: text("baggage"),
            },
            data: serde_json::from_slice(&record.payload)
                .map_err(|e| Undecodable::Data(e.to_string()))?,
        })
    }
}

fn source_of(topic: &str) -> String {
    format!("/kefu/{}", topic.split('.').nth(1).unwrap_or(topic))
}

fn required<'a>(record: &'a Record, name: &'static str) -> Result<&'a str, Undecodable> {
    header(&record.headers, name).ok_or(Undecodable::Missing(name))
}

fn uuid(name: &'static str, text: &str) -> Result<Uuid, Undecodable> {
    text.parse().map_err(|_| Undecodable::Unreadable(name, text.to_owned()))
}

fn optional_uuid(record: &Record, name: &'static str) -> Result<Option<Uuid>, Undecodable> {
    header(&record.headers, name).map(|text| uuid(name, text)).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            id: kernel::new_id(),
            ty: "kefu.ticket.resolved.v1".into(),
            source: source_of("kefu.ticketing.events"),
            topic: "kefu.ticketing.events".into(),
            key: kernel::new_id().to_string(),
            time: DateTime::from_timestamp_micros(1_751_536_000_123_456).unwrap(),
            org: "/acme/north".into(),
            actor: "li.na".into(),
            correlation_id: Some(kernel::new_id()),
            causation_id: None,
            trace: TraceContext {
                traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
                tracestate: Some("vendor=1".into()),
                baggage: Some("kefu.org=/acme/north".into()),
            },
            data: json!({ "subject": "包裹破损" }),
        }
    }

    #[test]
    fn binary_mode_round_trip() {
        let envelope = envelope();
        let record = envelope.to_record();
        assert_eq!(header(&record.headers, "ce_source"), Some("/kefu/ticketing"));
        assert_eq!(header(&record.headers, "ce_time"), Some("2025-07-03T09:46:40.123456Z"));
        assert_eq!(Envelope::from_record(&record), Ok(envelope));
    }

    #[test]
    fn what_is_no_event_says_why() {
        let good = envelope().to_record();
        let without = |name: &str| {
            let mut record = good.clone();
            record.headers.retain(|(n, _)| n != name);
            Envelope::from_record(&record).unwrap_err()
        };
        assert_eq!(without("ce_id"), Undecodable::Missing("ce_id"));
        assert_eq!(without("ce_org"), Undecodable::Missing("ce_org"));
        let with = |name: &str, value: &[u8]| {
            let mut record = good.clone();
            record.headers.retain(|(n, _)| n != name);
            record.headers.push((name.to_owned(), value.to_vec()));
            Envelope::from_record(&record).unwrap_err()
        };
        assert_eq!(with("ce_id", b"7"), Undecodable::Unreadable("ce_id", "7".into()));
        assert_eq!(with("ce_type", &[0xff]), Undecodable::Missing("ce_type"));
        assert_eq!(
            with("ce_specversion", b"0.3"),
            Undecodable::Unreadable("ce_specversion", "0.3".into())
        );
        let broken = Record { payload: b"{".to_vec(), ..good.clone() };
        assert!(matches!(Envelope::from_record(&broken), Err(Undecodable::Data(_))));
    }

    #[test]
    fn a_reaction_works_for_the_events_org_and_is_caused_by_it() {
        let mut envelope = envelope();
        let ctx = envelope.context().unwrap();
        assert_eq!(ctx.actor.org.as_str(), "/acme/north");
        assert_eq!(
            (ctx.causation_id, ctx.correlation_id),
            (Some(envelope.id), envelope.correlation_id)
        );
        envelope.correlation_id = None;
        assert_eq!(envelope.context().unwrap().correlation_id, Some(envelope.id));
    }
}
