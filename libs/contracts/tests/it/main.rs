//! The contract holds: every event has a golden fixture, and every fixture ever released parses
//! without losing a field.
#![allow(clippy::unwrap_used, reason = "test")]

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

/// By type; what stands behind an `@` in a file's name tells the generations of a type apart.
fn fixtures() -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|p| {
            let stem = p.file_stem().unwrap().to_string_lossy().into_owned();
            let ty = stem.split('@').next().unwrap().to_owned();
            (ty, fs::read_to_string(&p).unwrap())
        })
        .collect()
}

#[test]
fn every_fixture_parses_and_keeps_its_fields() {
    let events = contracts::all();
    for (name, text) in fixtures() {
        let event = events
            .iter()
            .find(|e| e.ty == name)
            .unwrap_or_else(|| panic!("{name}: a released event was removed"));
        let written = (event.round_trip)(&text)
            .unwrap_or_else(|e| panic!("{name}: a released fixture no longer parses: {e}"));
        assert_subset(&name, &serde_json::from_str(&text).unwrap(), &written);
    }
}

fn assert_subset(at: &str, old: &Value, new: &Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                let new = new
                    .get(key)
                    .unwrap_or_else(|| panic!("{at}/{key}: a released field was removed"));
                assert_subset(&format!("{at}/{key}"), value, new);
            }
        }
        _ => assert_eq!(old, new, "{at}"),
    }
}

#[test]
fn every_event_has_a_fixture_and_stands_on_a_known_topic() {
    let named: BTreeSet<String> = fixtures().into_iter().map(|(name, _)| name).collect();
    let mut seen = BTreeSet::new();
    for event in contracts::all() {
        assert!(named.contains(event.ty), "{} has no fixture", event.ty);
        assert!(contracts::TOPICS.contains(&event.topic), "{}", event.topic);
        assert!(seen.insert(event.ty), "{} is listed twice", event.ty);
    }
}

#[test]
fn unknown_fields_and_words_are_tolerated() {
    let (_, text) =
        fixtures().into_iter().find(|(name, _)| name == "kefu.ticket.opened.v1").unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["ticket"]["mood"] = json!("furious");
    value["ticket"]["priority"] = json!("apocalyptic");
    let event = contracts::all().into_iter().find(|e| e.ty == "kefu.ticket.opened.v1").unwrap();
    let written = (event.round_trip)(&value.to_string()).unwrap();
    assert_eq!(written["ticket"]["priority"], "apocalyptic");
}

#[test]
fn the_asyncapi_document_resolves_its_own_references() {
    let document = contracts::asyncapi();
    let mut unresolved = vec![];
    walk(&document, &document, &mut unresolved);
    assert!(unresolved.is_empty(), "{unresolved:?}");
    assert_eq!(document["channels"].as_object().unwrap().len(), 5);
}

fn walk(root: &Value, value: &Value, unresolved: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str)
                && root.pointer(reference.trim_start_matches('#')).is_none()
            {
                unresolved.push(reference.to_owned());
            }
            object.values().for_each(|v| walk(root, v, unresolved));
        }
        Value::Array(items) => items.iter().for_each(|v| walk(root, v, unresolved)),
        _ => {}
    }
}
