//! Personal data never leaves by webhook: what is sealed in an event is replaced by `***`.
//!
//! Which fields are sealed is read from the event's own JSON Schema, so a field that a later
//! contract seals is covered without anyone remembering to list it here. Whatever merely looks
//! like a sealed value is replaced too, for events that this release does not know yet.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

/// JSON Schema by event type; making them is not cheap.
static SCHEMAS: LazyLock<HashMap<&'static str, Value>> =
    LazyLock::new(|| contracts::all().into_iter().map(|event| (event.ty, event.schema)).collect());

/// Shown in place of a sealed value.
pub const VEIL: &str = "***";

/// `data` of an event of type `ty`, fit for a partner.
#[must_use]
pub fn veiled(ty: &str, data: &Value) -> Value {
    let mut data = data.clone();
    if let Some(schema) = SCHEMAS.get(ty) {
        by_schema(schema, schema, &mut data, 0);
    }
    by_shape(&mut data);
    data
}

fn by_schema(root: &Value, schema: &Value, data: &mut Value, depth: u8) {
    // Schemas of events are trees a few levels deep; the bound only ends a hand-made cycle.
    if depth > 16 || data.is_null() {
        return;
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or_default();
        if name == "Sealed" {
            *data = VEIL.into();
            return;
        }
        if let Some(target) = root.get("$defs").and_then(|defs| defs.get(name)) {
            by_schema(root, target, data, depth + 1);
        }
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        for part in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            by_schema(root, part, data, depth + 1);
        }
    }
    match data {
        Value::Object(object) => {
            for (name, value) in object {
                if let Some(part) = schema.get("properties").and_then(|p| p.get(name)) {
                    by_schema(root, part, value, depth + 1);
                }
            }
        }
        Value::Array(items) => {
            if let Some(part) = schema.get("items") {
                items.iter_mut().for_each(|item| by_schema(root, part, item, depth + 1));
            }
        }
        _ => {}
    }
}

fn by_shape(data: &mut Value) {
    match data {
        Value::String(text) if looks_sealed(text) => *data = VEIL.into(),
        Value::Object(object) => object.values_mut().for_each(by_shape),
        Value::Array(items) => items.iter_mut().for_each(by_shape),
        _ => {}
    }
}

/// `KEYID.base64url(nonce ‖ ciphertext ‖ tag)`, see [`store::Pii`]: 12 + 16 bytes at least make 38
/// characters.
fn looks_sealed(text: &str) -> bool {
    let Some((id, body)) = text.split_once('.') else { return false };
    !id.is_empty()
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && body.len() >= 38
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sealed_fields_are_veiled_by_the_contract() {
        let customer = json!({ "customer": {
            "customer_id": "01890000-0000-7000-8000-000000000001", "number": "C1", "org": "/acme",
            "kind": "person", "name": "k1.short", "email": "k1.short", "phone": null, "version": 1,
        }});
        let out = veiled("kefu.customer.registered.v1", &customer);
        assert_eq!(out["customer"]["name"], VEIL);
        assert_eq!(out["customer"]["email"], VEIL);
        assert_eq!(out["customer"]["phone"], Value::Null);
        assert_eq!(out["customer"]["number"], "C1");
        let invited = json!({ "link": "k1.x", "locale": "en", "subject": { "org": "/acme" } });
        let out = veiled("kefu.survey.invited.v1", &invited);
        assert_eq!((&out["link"], &out["locale"]), (&json!(VEIL), &json!("en")));
        let replied = json!({ "body": "k1.x", "author": "li" });
        assert_eq!(veiled("kefu.ticket.replied.v1", &replied)["body"], VEIL);
        let resolved = json!({ "sealed_resolution": "k1.x" });
        assert_eq!(veiled("kefu.ticket.resolved.v1", &resolved)["sealed_resolution"], VEIL);
        for ty in ["kefu.survey.answered.v1", "kefu.survey.low_score_raised.v1"] {
            assert_eq!(veiled(ty, &json!({ "comment": "k1.x" }))["comment"], VEIL, "{ty}");
        }
    }

    #[test]
    fn every_sealed_field_of_every_contract_is_found() {
        // The schema names the type once per field; count what the walk would veil.
        let with_sealed: Vec<_> = contracts::all()
            .into_iter()
            .filter(|e| e.schema.to_string().contains("#/$defs/Sealed"))
            .map(|e| e.ty)
            .collect();
        assert_eq!(with_sealed.len(), 7, "{with_sealed:?}");
    }

    #[test]
    fn what_looks_sealed_is_veiled_in_unknown_events() {
        let sealed = store::Pii::from_secret(b"test").unwrap().seal("x");
        let out = veiled("kefu.future.event.v9", &json!({ "a": [{ "b": sealed }], "c": "v1.2" }));
        assert_eq!(out, json!({ "a": [{ "b": VEIL }], "c": "v1.2" }));
    }
}
