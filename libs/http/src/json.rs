//! JSON text → value, every fault with its place: text that is no JSON is 400, JSON of another
//! shape than asked for is 422 with JSON pointers (RFC 6901) to all that does not fit.

use kernel::{Problem, codes};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::{
    messages,
    shape::{self, Source, Tree},
};

/// Reads a whole body. What fits is read straight away; only what does not is looked at closely.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    refuse_nul(bytes)?;
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let tree = tree(bytes)?;
    shape::read(&tree, Source::Json, Problem::of(&codes::INVALID)).map_err(|problem| match problem
        .errors
        .is_empty()
    {
        false => problem,
        true => Problem::invalid("", "invalid-value", messages::unsuitable()).cause(error),
    })
}

fn tree(bytes: &[u8]) -> Result<Tree, Problem> {
    serde_json::from_slice(bytes).map_err(|e| malformed(&e))
}

fn malformed(e: &serde_json::Error) -> Problem {
    let (line, column) = (e.line(), e.column());
    // The one way serde_json has of saying so.
    let too_deep = e.to_string().starts_with("recursion limit");
    Problem::of(&codes::MALFORMED_BODY).detail(match e.classify() {
        _ if too_deep => messages::nested_too_deeply(),
        Category::Eof => messages::ended_early(line, column),
        _ => messages::malformed_at(line, column),
    })
}

/// PostgreSQL cannot store NUL in text. A raw one is no JSON, an escaped one is.
fn refuse_nul(bytes: &[u8]) -> Result<(), Problem> {
    const ESCAPED: &[u8] = br"\u0000";
    if !bytes.windows(ESCAPED.len()).any(|w| w == ESCAPED) {
        return Ok(());
    }
    // A backslash may itself be escaped: then the six characters stand for themselves.
    let mut found = Vec::new();
    tree(bytes)?.with_nul("", &mut found);
    if found.is_empty() {
        return Ok(());
    }
    found.truncate(shape::MOST);
    Err(found.into_iter().fold(Problem::of(&codes::INVALID), |problem, pointer| {
        problem.field(pointer, "nul-character", kernel::messages::nul_character())
    }))
}

/// The same text for the same value: fields in the order of their names, no space.
pub(crate) fn write_canonical(value: &serde_json::Value, text: &mut String) {
    use serde_json::Value;
    match value {
        Value::Array(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                text.push_str(if i > 0 { "," } else { "" });
                write_canonical(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (i, (name, item)) in fields.into_iter().enumerate() {
                text.push_str(if i > 0 { "," } else { "" });
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(item, text);
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
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
        #[serde(default)]
        parts: Vec<Part>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
    #[allow(dead_code)]
    enum Part {
        Ball { size: u8 },
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Wrapped {
        at: chrono::DateTime<chrono::Utc>,
        day: chrono::NaiveDate,
        id: uuid::Uuid,
        org: kernel::OrgPath,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Line {
        sku: String,
        count: u8,
        wrapped: Option<Wrapped>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Small,
        Large,
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
            (r#"7"#, "", "wrong-type"),
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

    fn faults(text: &str) -> Vec<(String, &'static str)> {
        let problem = read::<Order>(text.as_bytes()).unwrap_err();
        let mut faults: Vec<_> =
            problem.errors.iter().map(|e| (e.pointer.clone(), e.code)).collect();
        faults.sort();
        faults
    }

    #[test]
    fn everything_that_does_not_fit_is_told_at_once() {
        let text = r#"{"nmae":"x","kind":"big","lines":[
            {"sku":1,"count":"1"},{"count":300,"sku":"a"},{"sku":"b","sku":"c","count":1},{},
            {"sku":"d","count":2,"wrapped":{"at":"noon","id":"7","org":"Acme"}},7]}"#;
        let expected = [
            ("/kind", "unknown-value"),
            ("/lines/0/count", "wrong-type"),
            ("/lines/0/sku", "wrong-type"),
            ("/lines/1/count", "invalid-value"),
            ("/lines/2/sku", "duplicate-field"),
            ("/lines/3/count", "missing-field"),
            ("/lines/3/sku", "missing-field"),
            ("/lines/4/wrapped/at", "invalid-value"),
            ("/lines/4/wrapped/day", "missing-field"),
            ("/lines/4/wrapped/id", "invalid-value"),
            ("/lines/4/wrapped/org", "invalid-value"),
            ("/lines/5", "wrong-type"),
            ("/name", "missing-field"),
            ("/nmae", "unknown-field"),
        ];
        assert_eq!(faults(text), expected.map(|(at, code)| (at.to_owned(), code)));
        let nul = r#"{"name":"\u0000","lines":[{"sku":"\u0000","count":1}]}"#;
        assert_eq!(faults(nul).len(), 2);
    }

    #[test]
    fn a_shape_chosen_by_a_tag_is_looked_into() {
        assert_eq!(
            faults(r#"{"name":"a","parts":[{"type":"box"},{"type":"ball","size":"x","hue":1}]}"#),
            [("/parts/0/type".to_owned(), "unknown-value"),]
        );
        assert_eq!(
            faults(r#"{"name":7,"parts":[{"type":"ball","size":"x"},{"type":"ball"}]}"#),
            [
                ("/name".to_owned(), "wrong-type"),
                ("/parts/0/size".to_owned(), "wrong-type"),
                ("/parts/1/size".to_owned(), "missing-field"),
            ]
        );
    }

    #[test]
    fn it_is_told_what_would_fit_in_both_languages() {
        let text = r#"{"name":1,"nmae":2,"kind":"big","lines":[{"count":300,"wrapped":{"at":"","day":1,"id":"","org":"x"}}]}"#;
        let problem = read::<Order>(text.as_bytes()).unwrap_err();
        let told = |locale| {
            let line =
                |e: &kernel::FieldError| format!("{} {}", e.pointer, e.detail.render(locale));
            let mut lines: Vec<_> = problem.errors.iter().map(line).collect();
            lines.sort();
            lines.join("\n")
        };
        assert_eq!(
            told(kernel::Locale::En),
            "/kind \"big\" is not known; known: small, large\n\
             /lines/0/count must be a whole number from 0 to 255\n\
             /lines/0/sku is required\n\
             /lines/0/wrapped/at must be a time with zone, like 2026-03-31T09:00:00+08:00\n\
             /lines/0/wrapped/day must be a date, like 2026-03-31\n\
             /lines/0/wrapped/id must be an id (UUID)\n\
             /lines/0/wrapped/org an organisation path looks like /group/branch with segments of \
             a-z, 0-9, - and _\n\
             /name must be text\n\
             /nmae is not known here; known fields: name, lines, kind, parts"
        );
        assert_eq!(
            told(kernel::Locale::ZhCn),
            "/kind “big”无法识别，可用值：small、large\n\
             /lines/0/count 须为 0 至 255 的整数\n\
             /lines/0/sku 必填\n\
             /lines/0/wrapped/at 须为带时区的时间，如 2026-03-31T09:00:00+08:00\n\
             /lines/0/wrapped/day 须为日期，如 2026-03-31\n\
             /lines/0/wrapped/id 须为标识（UUID）\n\
             /lines/0/wrapped/org 机构路径形如 /group/branch，每段只能用 a-z、0-9、- 和 _\n\
             /name 须为文本\n\
             /nmae 不支持此字段，可用字段：name、lines、kind、parts"
        );
    }

    #[test]
    fn a_long_body_of_faults_is_told_in_bounded_time() {
        let lines = vec![r#"{"sku":1}"#; 100_000].join(",");
        let begun = std::time::Instant::now();
        let found = faults(&format!(r#"{{"name":"a","lines":[{lines}]}}"#));
        assert!((1..=super::shape::MOST).contains(&found.len()), "{}", found.len());
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[test]
    fn the_canonical_text_does_not_depend_on_order_and_space() {
        let of = |text: &str| {
            let mut canonical = String::new();
            write_canonical(&serde_json::from_str(text).unwrap(), &mut canonical);
            canonical
        };
        let expected = r#"{"a":[{"x":"\"","y":1}],"b":null}"#;
        assert_eq!(of(r#"{ "b" : null, "a" : [ { "y" : 1, "x" : "\"" } ] }"#), expected);
        assert_eq!(of(expected), expected);
        assert_ne!(of("[1,2]"), of("[2,1]"), "the order of a list says something");
    }

    #[test]
    fn an_escaped_backslash_before_u0000_is_text() {
        let order: Order = read(br#"{"name":"a\\u0000"}"#).unwrap();
        assert_eq!(order.name, "a\\u0000");
    }
}
