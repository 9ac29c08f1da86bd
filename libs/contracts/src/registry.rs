//! Every event of the suite, with its JSON Schema, and the AsyncAPI document made from them.

use schemars::schema_for;
use serde_json::{Map, Value, json};

use crate::{Event, TOPICS, customer, notification, quality, survey, ticketing};

/// What can be known about an event without having one.
#[derive(Debug, Clone)]
pub struct EventInfo {
    pub ty: &'static str,
    pub topic: &'static str,
    pub schema: Value,
    /// Parses a payload as this event and writes it again.
    pub round_trip: fn(&str) -> Result<Value, serde_json::Error>,
}

impl EventInfo {
    pub(crate) fn of<E: Event>() -> Self {
        Self {
            ty: E::TYPE,
            topic: E::TOPIC,
            schema: schema_for!(E).to_value(),
            round_trip: |text| serde_json::from_str::<E>(text).and_then(serde_json::to_value),
        }
    }
}

/// All events, in the order of the services.
#[must_use]
pub fn all() -> Vec<EventInfo> {
    [
        customer::registry(),
        ticketing::registry(),
        quality::registry(),
        survey::registry(),
        notification::registry(),
    ]
    .concat()
}

/// AsyncAPI 3.0 document of the five topics.
#[must_use]
pub fn asyncapi() -> Value {
    let events = all();
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    for topic in TOPICS {
        let service = topic.split('.').nth(1).unwrap_or(topic);
        let of_topic: Vec<&EventInfo> = events.iter().filter(|e| e.topic == topic).collect();
        let refs: Map<String, Value> = of_topic
            .iter()
            .map(|e| {
                (e.ty.to_owned(), json!({ "$ref": format!("#/components/messages/{}", e.ty) }))
            })
            .collect();
        channels.insert(
            service.to_owned(),
            json!({ "address": topic, "description": format!("Everything that {service} tells the other services, in order per aggregate."), "messages": refs }),
        );
        operations.insert(
            format!("publish_{service}"),
            json!({ "action": "send", "channel": { "$ref": format!("#/channels/{service}") } }),
        );
        for event in of_topic {
            messages.insert(event.ty.to_owned(), message(event));
        }
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kefu events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "CloudEvents 1.0 in Kafka binary content mode: JSON data as value, attributes as `ce_` headers, key = aggregate id.",
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" }
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages }
    })
}

fn message(event: &EventInfo) -> Value {
    let mut schema = event.schema.clone();
    let summary = schema.get("description").cloned();
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
    }
    // Local definitions must be addressed from the document's root.
    let root = format!("#/components/messages/{}/payload/$defs/", event.ty);
    rewrite_refs(&mut schema, &root);
    let mut message = json!({
        "name": event.ty,
        "contentType": "application/json",
        "headers": headers(event.ty),
        "payload": schema,
    });
    if let (Some(summary), Some(object)) = (summary, message.as_object_mut()) {
        object.insert("summary".into(), summary);
    }
    message
}

fn rewrite_refs(value: &mut Value, root: &str) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref") {
                *reference = reference.replace("#/$defs/", root);
            }
            object.values_mut().for_each(|v| rewrite_refs(v, root));
        }
        Value::Array(items) => items.iter_mut().for_each(|v| rewrite_refs(v, root)),
        _ => {}
    }
}

fn headers(ty: &str) -> Value {
    json!({
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_org"],
        "properties": {
            "ce_specversion": { "const": "1.0" },
            "ce_id": { "type": "string", "format": "uuid" },
            "ce_source": { "type": "string", "format": "uri-reference" },
            "ce_type": { "const": ty },
            "ce_subject": { "type": "string" },
            "ce_time": { "type": "string", "format": "date-time" },
            "ce_dataschema": { "type": "string", "format": "uri-reference" },
            "ce_org": { "type": "string" },
            "ce_actor": { "type": "string" },
            "ce_correlationid": { "type": "string", "format": "uuid" },
            "ce_causationid": { "type": "string", "format": "uuid" },
            "traceparent": { "type": "string" },
            "tracestate": { "type": "string" }
        }
    })
}
