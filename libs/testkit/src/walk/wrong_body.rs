//! A body in which every field is wrong, made from the schema in the document.

use serde_json::{Map, Value, json};

/// Such a body for a schema of an object, and the pointers that must be told; `None` where the
/// schema takes anything.
pub(super) fn wrong_everywhere(document: &Value, schema: &Value) -> Option<(Value, Vec<String>)> {
    let properties = resolve(document, schema)["properties"].as_object()?;
    let mut body = Map::new();
    let mut pointers = vec![];
    for (name, schema) in properties {
        let Some(wrong) = wrong(&types(document, schema)) else { continue };
        body.insert(name.clone(), wrong);
        pointers.push(format!("/{name}"));
    }
    body.insert("no_such_field_".into(), json!(1));
    pointers.push("/no_such_field_".into());
    (pointers.len() > 1).then_some((Value::Object(body), pointers))
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|r| document.pointer(r.trim_start_matches('#'))) {
        Some(named) => resolve(document, named),
        None => schema,
    }
}

/// JSON types that a schema takes; none where it is not said plainly.
fn types(document: &Value, schema: &Value) -> Vec<String> {
    let schema = resolve(document, schema);
    for choice in ["oneOf", "anyOf"] {
        if let Some(all) = schema[choice].as_array() {
            let all: Vec<Vec<String>> = all.iter().map(|s| types(document, s)).collect();
            return if all.iter().any(Vec::is_empty) { vec![] } else { all.concat() };
        }
    }
    // Whatever stands in a free-form object is for the service to judge.
    if schema["type"] == "object" && schema.get("properties").is_none() {
        return vec![];
    }
    match &schema["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => vec![],
    }
}

/// A value of none of the types.
fn wrong(types: &[String]) -> Option<Value> {
    let is = |name: &str| types.iter().any(|t| t == name);
    if types.is_empty() {
        return None;
    }
    [("boolean", json!(true)), ("array", json!(["x"])), ("object", json!({ "x": 1 }))]
        .into_iter()
        .find_map(|(name, value)| (!is(name)).then_some(value))
}
