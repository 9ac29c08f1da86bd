//! From a template and an event's data to the words that are sent.
//!
//! Templates are minijinja without loader: they see the given variables and nothing else, cannot
//! run forever (fuel) nor grow without bound. The HTML part is escaped, the others are plain.

use std::{collections::HashMap, io};

use chrono::{DateTime, Offset};
use chrono_tz::Tz;
use kernel::{Fields, Locale};
use minijinja::{AutoEscape, Environment, State, UndefinedBehavior, Value, value::ValueKind};

use super::{address::one_line, builtin, workflow::Channel};
use crate::messages;

/// Bounds of one template's source, in characters.
pub const MAX_SUBJECT: usize = 500;
pub const MAX_TEXT: usize = 20_000;
pub const MAX_HTML: usize = 100_000;
/// Bytes that one rendered part may have.
const MAX_OUTPUT: usize = 512 * 1024;
/// Instructions that one part may take.
const FUEL: u64 = 50_000;
/// Characters of a rendered subject.
const MAX_SUBJECT_OUT: usize = 200;

/// Sources of one template, or what came out of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// Subject of a mail, title of an inbox item.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML part of a mail.
    pub html: Option<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("{part}: {cause}")]
pub struct TemplateError {
    /// `subject`, `text` or `html`.
    pub part: &'static str,
    pub cause: minijinja::Error,
}

/// For whom is rendered.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    pub locale: Locale,
    /// Zone of the times in the text; they are written with it.
    pub zone: Tz,
}

/// Renders all parts. `strict`: a variable that is not there is an error; else it is empty.
pub fn render(
    texts: &Texts,
    vars: &serde_json::Value,
    reader: Reader,
    strict: bool,
) -> Result<Texts, TemplateError> {
    let env = environment(reader, names(vars), strict);
    let vars = value_of(vars);
    let part = |name: &'static str, source: &str| {
        let mut out = Bounded(Vec::new());
        env.template_from_named_str(name, source)
            .and_then(|t| t.render_captured_to(vars.clone(), &mut out))
            .map_err(|cause| TemplateError { part: name, cause })?;
        Ok(String::from_utf8_lossy(&out.0).into_owned())
    };
    Ok(Texts {
        subject: one_line(&part("subject", &texts.subject)?, MAX_SUBJECT_OUT),
        text: part("text", &texts.text)?,
        html: texts.html.as_deref().map(|html| part("html", html)).transpose()?,
    })
}

fn value_of(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::from(()),
        Json::Bool(b) => Value::from(*b),
        Json::Number(n) => match n.as_i64() {
            Some(n) => Value::from(n),
            None => Value::from(n.as_f64().unwrap_or_default()),
        },
        Json::String(s) => Value::from(s.as_str()),
        Json::Array(items) => items.iter().map(value_of).collect(),
        Json::Object(object) => {
            Value::from_pairs(object.iter().map(|(name, value)| (name.as_str(), value_of(value))))
        }
    }
}

/// What the event's enterprise calls things, by their keys.
fn names(vars: &serde_json::Value) -> HashMap<String, String> {
    let text = |place: &str| vars.pointer(place)?.as_str().map(ToOwned::to_owned);
    [
        ("/ticket/kind", "/ticket/kind_name"),
        ("/ticket/category", "/ticket/category_name"),
        ("/department", "/department_name"),
    ]
    .into_iter()
    .filter_map(|(key, name)| text(key).zip(text(name)))
    .collect()
}

fn environment(
    reader: Reader,
    names: HashMap<String, String>,
    strict: bool,
) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_fuel(Some(FUEL));
    env.set_auto_escape_callback(
        |name| {
            if name == "html" { AutoEscape::Html } else { AutoEscape::None }
        },
    );
    let behaviour = if strict { UndefinedBehavior::Strict } else { UndefinedBehavior::Chainable };
    env.set_undefined_behavior(behaviour);
    // An absent value reads as nothing, not as "none".
    env.set_formatter(|out, state, value| {
        if value.kind() == ValueKind::None {
            return Ok(());
        }
        minijinja::escape_formatter(out, state, value)
    });
    // A customer's words must not turn into markup, whoever writes the template.
    env.remove_filter("safe");
    env.add_filter("datetime", move |text: Value| datetime(&text, reader));
    env.add_filter("label", move |word: Value| label(&word, reader.locale, &names));
    env.add_filter("lines", lines);
    env
}

/// `2 March 2026, 18:00 (UTC+8)` or `2026年3月2日 18:00（北京时间）`: a time without its zone is a
/// riddle to whoever reads it elsewhere.
fn datetime(value: &Value, reader: Reader) -> String {
    let Some(text) = value.as_str() else { return String::new() };
    let Ok(at) = DateTime::parse_from_rfc3339(text) else { return text.to_owned() };
    let at = at.with_timezone(&reader.zone);
    let offset = offset(at.offset().fix().local_minus_utc());
    match reader.locale {
        Locale::En => format!("{} ({offset})", at.format("%-d %B %Y, %H:%M")),
        Locale::ZhCn => {
            let zone =
                if reader.zone == Tz::Asia__Shanghai { "北京时间" } else { offset.as_str() };
            format!("{}（{zone}）", at.format("%Y年%-m月%-d日 %H:%M"))
        }
    }
}

/// `UTC`, `UTC+8`, `UTC-3:30`.
fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// The word in the reader's language: fixed words, then the enterprise's own names.
fn label(value: &Value, locale: Locale, names: &HashMap<String, String>) -> String {
    let Some(word) = value.as_str() else { return String::new() };
    let fixed = builtin::label(word, locale).map(ToOwned::to_owned);
    let own = || names.get(word).cloned();
    fixed.or_else(own).unwrap_or_else(|| builtin::kind_or_label(word, locale))
}

/// Keeps the line ends of foreign words in HTML; escapes there like everything else.
fn lines(state: &State<'_, '_>, value: Value) -> Value {
    if let (AutoEscape::Html, Some(text)) = (state.auto_escape(), value.as_str()) {
        let parts: Vec<String> = text.lines().map(escaped).collect();
        return Value::from_safe_string(parts.join("<br>\n"));
    }
    value
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            c => out.push(c),
        }
    }
    out
}

struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            return Err(io::Error::other("the text would become too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Checks a template for `channel`: bounds, syntax, and that it renders with sample data in which
/// every variable is there, so that a misspelt variable is told when it is saved.
pub fn check(
    texts: &Texts,
    channel: Channel,
    sample: &serde_json::Value,
    reader: Reader,
) -> Result<Texts, kernel::Problem> {
    let mut fields = Fields::new();
    fields.text("/subject", &texts.subject, 1, MAX_SUBJECT);
    fields.text("/text", &texts.text, 1, MAX_TEXT);
    match (&texts.html, channel) {
        (Some(html), Channel::Email) => fields.text("/html", html, 1, MAX_HTML),
        (Some(_), _) => fields.check(false, "/html", "not-used", messages::only_mail_has_html()),
        (None, _) => {}
    }
    fields.finish()?;
    render(texts, sample, reader, true).map_err(|e| {
        kernel::Problem::invalid(format!("/{}", e.part), "template", messages::template(&e.cause))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EN: Reader = Reader { locale: Locale::En, zone: Tz::Asia__Shanghai };
    const ZH: Reader = Reader { locale: Locale::ZhCn, zone: Tz::Asia__Shanghai };

    fn texts(subject: &str, text: &str, html: &str) -> Texts {
        Texts { subject: subject.into(), text: text.into(), html: Some(html.into()) }
    }

    #[test]
    fn html_is_escaped_text_is_not_and_the_subject_is_one_line() {
        let source = texts("{{ s }}", "{{ s }}", "<b>{{ s }}</b>");
        let out = render(&source, &json!({ "s": "<i>\r\nBcc: x@y" }), EN, true).unwrap();
        assert_eq!(out.subject, "<i> Bcc: x@y");
        assert_eq!(out.text, "<i>\r\nBcc: x@y");
        assert_eq!(out.html.unwrap(), "<b>&lt;i&gt;\r\nBcc: x@y</b>");
        assert!(render(&texts("a", "b", "{{ s|safe }}"), &json!({ "s": "" }), EN, true).is_err());
    }

    #[test]
    fn filters_speak_the_readers_language() {
        let source = texts("{{ m|label }}", "{{ at|datetime }}{{ none }}", "{{ x|label }}");
        let vars = json!({ "m": "first_response", "at": "2026-03-02T10:00:00Z", "none": null, "x": "a_b" });
        let en = render(&source, &vars, EN, true).unwrap();
        assert_eq!(
            (en.subject.as_str(), en.text.as_str(), en.html.as_deref()),
            ("first response", "2 March 2026, 18:00 (UTC+8)", Some("a b"))
        );
        let zh = render(&source, &vars, ZH, true).unwrap();
        assert_eq!(
            (zh.subject.as_str(), zh.text.as_str()),
            ("首次响应", "2026年3月2日 18:00（北京时间）")
        );
        let elsewhere = Reader { zone: Tz::Asia__Kolkata, ..ZH };
        let there = render(&source, &vars, elsewhere, true).unwrap();
        assert_eq!(there.text, "2026年3月2日 15:30（UTC+5:30）");
        let utc = Reader { zone: Tz::UTC, ..EN };
        assert_eq!(render(&source, &vars, utc, true).unwrap().text, "2 March 2026, 10:00 (UTC)");
    }

    #[test]
    fn a_label_may_be_the_enterprises_own_name() {
        let source = texts("{{ ticket.kind|label }}", "{{ department|label }}", "{{ p|label }}");
        let vars = json!({
            "ticket": { "kind": "trade_in", "kind_name": "以旧换新" },
            "department": "high", "department_name": "高新区", "p": "high",
        });
        let out = render(&source, &vars, ZH, true).unwrap();
        assert_eq!(out.subject, "以旧换新");
        assert_eq!(out.html.as_deref(), Some("高"), "a fixed word keeps its meaning");
    }

    #[test]
    fn foreign_words_keep_their_lines_and_stay_harmless() {
        let source = texts("s", "{{ w|lines }}", "<p>{{ w|lines }}</p>");
        let words = "Dear <b>Li</b>,\n<script>alert('x')</script> & \"more\"\n{{ recipient.name }}";
        let out = render(&source, &json!({ "w": words }), EN, true).unwrap();
        assert_eq!(out.text, words, "nothing in the words is a template");
        assert_eq!(
            out.html.unwrap(),
            "<p>Dear &lt;b&gt;Li&lt;/b&gt;,<br>\n&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;more&quot;<br>\n{{ recipient.name }}</p>"
        );
    }

    #[test]
    fn a_template_can_neither_run_forever_nor_flood_nor_read_files() {
        let long = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
        let flood = "{% for a in range(9999) %}{{ 'x' * 99999 }}{% endfor %}";
        for source in [long, flood, "{% include '/etc/passwd' %}", "{{ missing }}", "{{ x"] {
            assert!(render(&texts("s", source, "h"), &json!({}), EN, true).is_err(), "{source}");
        }
        assert_eq!(
            render(&texts("s", "{{ a.b.c }}!", "h"), &json!({}), EN, false).unwrap().text,
            "!"
        );
    }

    #[test]
    fn a_bad_template_is_told_with_its_field() {
        let sample = json!({ "ticket": { "number": "T1" } });
        let problem =
            check(&texts("{{ ticket.numbr }}", "x", "x"), Channel::Email, &sample, EN).unwrap_err();
        assert_eq!(problem.errors[0].pointer, "/subject");
        assert!(check(&texts("a", "b", "c"), Channel::Inbox, &sample, EN).is_err());
        let plain = Texts { subject: "a".into(), text: "b".into(), html: None };
        assert!(check(&plain, Channel::Inbox, &sample, EN).is_ok());
    }
}
