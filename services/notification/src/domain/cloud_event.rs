//! The body of a webhook: a CloudEvent 1.0 in structured mode (`application/cloudevents+json`).

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::sealed;

/// What a webhook tells of an event.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    pub id: Uuid,
    pub source: &'a str,
    pub ty: &'a str,
    pub subject: &'a str,
    pub time: DateTime<Utc>,
    pub org: &'a str,
    pub correlation_id: Option<Uuid>,
    pub data: &'a Value,
}

/// The same text for the same event at every attempt: the signature covers it. Sealed values stay
/// behind.
#[must_use]
pub fn structured(event: &Attributes<'_>) -> String {
    let mut body = json!({
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.ty,
        "subject": event.subject,
        "time": event.time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "datacontenttype": "application/json",
        "org": event.org,
        "data": sealed::veiled(event.ty, event.data),
    });
    if let Some(id) = event.correlation_id {
        body["correlationid"] = json!(id);
    }
    body.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_a_cloud_event() {
        let event = Attributes {
            id: Uuid::nil(),
            source: "/kefu/survey",
            ty: "kefu.survey.invited.v1",
            subject: "s",
            time: DateTime::from_timestamp(0, 0).unwrap(),
            org: "/acme",
            correlation_id: None,
            data: &json!({ "link": "k1.secret" }),
        };
        let body: Value = serde_json::from_str(&structured(&event)).unwrap();
        assert_eq!(body["specversion"], "1.0");
        assert_eq!(body["time"], "1970-01-01T00:00:00Z");
        assert_eq!(body["data"]["link"], "***");
        assert_eq!(structured(&event), structured(&event));
    }
}
