//! JSON text → value, every fault with its place: text that is no JSON is 400, JSON of another
//! shape than asked for is 422 with a JSON pointer (RFC 6901).

use kernel::{Problem, codes};
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

/// Reads a whole body.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    refuse_nul(bytes)?;
    let mut de = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut de).map_err(|e| {
        let path = e.path().clone();
        explain(&path, &e.into_inner())
    })?;
    de.end().map_err(|e| malformed(&e))?;
    Ok(value)
}

fn malformed(e: &serde_json::Error) -> Problem {
    Problem::of(&codes::MALFORMED_BODY).detail(e.to_string())
}

fn explain(path: &Path, e: &serde_json::Error) -> Problem {
    if !e.is_data() {
        return malformed(e);
    }
    let text = e.to_string();
    // serde_json appends the position, which says less than the pointer.
    let text = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    let fault = Fault::of(text);
    let mut pointer = pointer(path);
    if let Some(field) = fault.field.filter(|_| fault.below) {
        let last = format!("/{}", escape(field));
        if !pointer.ends_with(&last) {
            pointer.push_str(&last);
        }
    }
    Problem::invalid(pointer, fault.code, text)
}

/// What serde complains about, told from its message: the one channel it has.
pub(crate) struct Fault<'a> {
    pub(crate) code: &'static str,
    pub(crate) field: Option<&'a str>,
    /// Whether the field lies below the place where the fault was noticed.
    below: bool,
}

impl<'a> Fault<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let quoted = || text.split('`').nth(1);
        let kinds: [(&str, &str, bool); 6] = [
            ("missing field", "missing-field", true),
            ("unknown field", "unknown-field", true),
            ("duplicate field", "duplicate-field", true),
            ("unknown variant", "unknown-value", false),
            ("invalid type", "wrong-type", false),
            ("invalid length", "wrong-length", false),
        ];
        kinds
            .into_iter()
            .find(|(start, ..)| text.starts_with(start))
            .map(|(_, code, below)| Self { code, field: quoted(), below })
            .unwrap_or(Self { code: "invalid-value", field: None, below: false })
    }
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escape(key))),
            // The variant of an enum stands where its tag says, not in the path of the document.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// One reference token of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// PostgreSQL cannot store NUL in text. A raw one is no JSON, an escaped one is.
fn refuse_nul(bytes: &[u8]) -> Result<(), Problem> {
    const ESCAPED: &[u8] = br"\u0000";
    if !bytes.windows(ESCAPED.len()).any(|w| w == ESCAPED) {
        return Ok(());
    }
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|e| malformed(&e))?;
    match find_nul(&value, String::new()) {
        Some(pointer) => {
            Err(Problem::invalid(pointer, "nul-character", "may not contain the NUL character"))
        }
        // A backslash that is itself escaped: the six characters stand for themselves.
        None => Ok(()),
    }
}

fn find_nul(value: &serde_json::Value, at: String) -> Option<String> {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0').then_some(at),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(i, item)| find_nul(item, format!("{at}/{i}")))
        }
        Value::Object(fields) => fields.iter().find_map(|(key, item)| {
            if key.contains('\0') {
                return Some(at.clone());
            }
            find_nul(item, format!("{at}/{}", escape(key)))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Order {
        name: String,
        #[serde(default)]
        lines: Vec<Line>,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Line {
        sku: String,
        count: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Small,
    }

    fn fault(text: &str) -> (u16, String, &'static str) {
        let problem = read::<Order>(text.as_bytes()).unwrap_err();
        let first = problem.errors.first();
        (
            problem.status(),
            first.map(|e| e.pointer.clone()).unwrap_or_default(),
            first.map_or("", |e| e.code),
        )
    }

    #[test]
    fn text_that_is_no_json_is_malformed() {
        for bad in [
            "",
            "{",
            "{\"name\":\"a\"} x",
            "{\"name\":\"a\",}",
            "nul",
            "{\"name\":\"\\ud800\"}",
            "\u{0}",
        ] {
            assert_eq!(fault(bad).0, 400, "{bad}");
        }
    }

    #[test]
    fn another_shape_is_pointed_at() {
        let cases = [
            (r#"{}"#, "/name", "missing-field"),
            (r#"{"name":"a","nmae":"b"}"#, "/nmae", "unknown-field"),
            (r#"{"name":"a","name":"b"}"#, "/name", "duplicate-field"),
            (r#"{"name":7}"#, "/name", "wrong-type"),
            (r#"[]"#, "", "wrong-length"),
            (r#""x""#, "", "wrong-type"),
            (
                r#"{"name":"a","lines":[{"sku":"x","count":1},{"sku":"y","count":300}]}"#,
                "/lines/1/count",
                "invalid-value",
            ),
            (r#"{"name":"a","lines":[{"sku":"x","count":"1"}]}"#, "/lines/0/count", "wrong-type"),
            (r#"{"name":"a","lines":[{"sku":"x"}]}"#, "/lines/0/count", "missing-field"),
            (
                r#"{"name":"a","lines":[{"sku":"x","count":1,"a/b":1}]}"#,
                "/lines/0/a~1b",
                "unknown-field",
            ),
            (r#"{"name":"a","kind":"big"}"#, "/kind", "unknown-value"),
            (r#"{"name":"a\u0000b"}"#, "/name", "nul-character"),
            (
                r#"{"name":"a","lines":[{"sku":"\u0000","count":1}]}"#,
                "/lines/0/sku",
                "nul-character",
            ),
        ];
        for (text, pointer, code) in cases {
            assert_eq!(fault(text), (422, pointer.to_owned(), code), "{text}");
        }
    }

    #[test]
    fn an_escaped_backslash_before_u0000_is_text() {
        let order: Order = read(br#"{"name":"a\\u0000"}"#).unwrap();
        assert_eq!(order.name, "a\\u0000");
    }
}
