//! From a template and an event's data to the words that are sent.
//!
//! Templates are minijinja without loader: they see the given variables and nothing else, cannot
//! run forever (fuel) nor grow without bound. The HTML part is escaped, the others are plain.

use std::io;

use chrono::DateTime;
use chrono_tz::Tz;
use kernel::{Fields, Locale};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, value::ValueKind};

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
    /// Zone of the times that he reads.
    pub zone: Tz,
}

/// Renders all parts. `strict`: a variable that is not there is an error; else it is empty.
pub fn render(
    texts: &Texts,
    vars: &serde_json::Value,
    reader: Reader,
    strict: bool,
) -> Result<Texts, TemplateError> {
    let env = environment(reader, strict);
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

fn environment(reader: Reader, strict: bool) -> Environment<'static> {
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
    env.add_filter("datetime", move |text: Value| datetime(&text, reader.zone));
    env.add_filter("label", move |word: Value| label(&word, reader.locale));
    env
}

fn datetime(value: &Value, zone: Tz) -> String {
    let Some(text) = value.as_str() else { return String::new() };
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string(),
        Err(_) => text.to_owned(),
    }
}

fn label(value: &Value, locale: Locale) -> String {
    let Some(word) = value.as_str() else { return String::new() };
    let known = builtin::LABELS.iter().find(|(key, ..)| *key == word);
    match (known, locale) {
        (Some((_, en, _)), Locale::En) => (*en).to_owned(),
        (Some((_, _, zh)), Locale::ZhCn) => (*zh).to_owned(),
        (None, _) => word.replace('_', " "),
    }
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
        assert_eq!((en.subject.as_str(), en.text.as_str()), ("first response", "2026-03-02 18:00"));
        assert_eq!(render(&source, &vars, ZH, true).unwrap().subject, "首次响应");
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
