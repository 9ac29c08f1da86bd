//! What texts may use: an event's data without anything sealed, in which what an enterprise has
//! named is called by its name in the reader's language, and what surrounds the event.
//!
//! | Variable | What it is |
//! |---|---|
//! | the event's fields | as the contract has them; what is sealed is `***` |
//! | `ticket.kind_name`, `ticket.category_name`, `department_name` | names in the reader's language |
//! | `promised.first_response`, `promised.resolution` | times still ahead, for the filter `datetime` |
//! | `reply`, `resolution`, `link` | words and link for the recipient; texts to staff have no `reply` |
//! | `sender.company`, `.telephone`, `.hours` | the block of the nearest unit that has one |
//! | `recipient.name`, `public_url` | |
//! | `instead_of` | role that nobody holds, where the recipient is told in its place |

use chrono::{DateTime, Utc};
use kernel::Locale;
use serde_json::{Map, Value, json};

use super::{address::one_line, builtin, sealed, sender::Sender, words};

/// What surrounds an event when a text is made of it.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    pub locale: Locale,
    pub recipient: &'a str,
    pub public_url: &'a str,
    pub sender: &'a Sender,
    pub now: DateTime<Utc>,
    pub instead_of: Option<&'a str>,
}

/// Sealed words, opened for the person whom they are for.
#[derive(Debug, Clone, Default)]
pub struct Opened {
    pub link: Option<String>,
    pub reply: Option<String>,
    pub resolution: Option<String>,
}

/// Variables for a text about an event of type `ty`.
#[must_use]
pub fn of(ty: &str, data: &Value, around: Surroundings<'_>, opened: Opened) -> Value {
    let mut vars = sealed::veiled(ty, data);
    if !vars.is_object() {
        vars = Value::Object(Map::new());
    }
    promise(&mut vars, around.now);
    for (whole, key, name) in [
        ("/ticket", "kind", "kind_name"),
        ("/ticket", "category", "category_name"),
        ("", "department", "department_name"),
    ] {
        if let Some(Value::Object(part)) = vars.pointer_mut(whole) {
            call_by_name(part, key, name, around.locale);
        }
    }
    if let Some(Value::String(subject)) = vars.pointer_mut("/ticket/subject") {
        *subject = one_line(subject, 200);
    }
    let tidy = |text: &str| words::tidy(text, words::MAX_WORDS, around.locale);
    vars["reply"] = json!(opened.reply.as_deref().map(tidy));
    if let Some(text) = opened.resolution.as_deref().or(vars["resolution"].as_str()) {
        vars["resolution"] = json!(tidy(text));
    }
    if let Some(link) = opened.link {
        vars["link"] = json!(link);
    }
    vars["recipient"] = json!({ "name": one_line(around.recipient, 100) });
    vars["public_url"] = json!(around.public_url);
    vars["sender"] = around.sender.vars(around.locale);
    vars["instead_of"] = json!(around.instead_of);
    vars
}

/// Puts the name in the reader's language where the event carries it in both; an event from before
/// that has the key alone, of which the built-in words make the best.
fn call_by_name(part: &mut Map<String, Value>, key: &str, name: &str, locale: Locale) {
    let tag = match locale {
        Locale::En => "en",
        Locale::ZhCn => "zh",
    };
    let told = part.get(name).and_then(|both| both.get(tag)).and_then(Value::as_str);
    let known = part.get(key).and_then(Value::as_str);
    let text = told.map(|text| one_line(text, 200));
    let text = text.or_else(|| known.map(|word| builtin::kind_or_label(word, locale)));
    if text.is_some() || part.contains_key(key) {
        part.insert(name.to_owned(), json!(text));
    }
}

/// A promise that has passed is none.
fn promise(vars: &mut Value, now: DateTime<Utc>) {
    let ahead = |name: &str| {
        let text = vars.pointer(&format!("/ticket/{name}"))?.as_str()?;
        let due = DateTime::parse_from_rfc3339(text).ok()?;
        (due > now).then(|| text.to_owned())
    };
    let promised = json!({
        "first_response": ahead("first_response_due_at"),
        "resolution": ahead("resolution_due_at"),
    });
    vars["promised"] = promised;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples;

    fn around(locale: Locale, sender: &Sender) -> Surroundings<'_> {
        let now = "2026-03-02T09:00:00Z".parse().unwrap();
        Surroundings {
            locale,
            recipient: "李\n雷",
            public_url: "https://kefu.example.com",
            sender,
            now,
            instead_of: None,
        }
    }

    #[test]
    fn names_are_in_the_readers_language() {
        let mut data = samples::of("task_opened");
        data["ticket"]["kind"] = json!("trade_in");
        data["ticket"]["kind_name"] = json!({ "zh": "以旧换新", "en": "Trade-in" });
        let sender = Sender::default();
        let of = |data: &Value, locale| {
            super::of(
                "kefu.ticket.task_opened.v1",
                data,
                around(locale, &sender),
                Opened::default(),
            )
        };
        assert_eq!(of(&data, Locale::ZhCn)["ticket"]["kind_name"], "以旧换新");
        assert_eq!(of(&data, Locale::En)["ticket"]["kind_name"], "Trade-in");
        assert_eq!(of(&data, Locale::ZhCn)["department_name"], "仓储部");
        assert_eq!(of(&data, Locale::En)["recipient"]["name"], "李 雷");
        // From a ticketing that does not tell names yet: every built-in kind is known.
        let old = json!({ "ticket": { "kind": "return_exchange", "category": null } });
        let vars = of(&old, Locale::ZhCn);
        assert_eq!(vars["ticket"]["kind_name"], "退换货");
        assert_eq!(vars["ticket"]["category_name"], Value::Null);
    }

    #[test]
    fn a_promise_that_has_passed_is_none() {
        let sender = Sender::default();
        let data = json!({ "ticket": {
            "first_response_due_at": "2026-03-02T08:59:59Z", "resolution_due_at": "2026-03-02T09:00:01Z",
        } });
        let vars = of("x", &data, around(Locale::En, &sender), Opened::default());
        let expected = json!({ "first_response": null, "resolution": "2026-03-02T09:00:01Z" });
        assert_eq!(vars["promised"], expected);
    }

    #[test]
    fn words_are_opened_for_their_reader_alone() {
        let sender = Sender::default();
        let data = json!({ "body": "k1.x", "link": "k1.y", "ticket": {} });
        let vars =
            of("kefu.ticket.replied.v1", &data, around(Locale::En, &sender), Opened::default());
        assert_eq!((&vars["body"], &vars["reply"]), (&json!(sealed::VEIL), &Value::Null));
        let opened = Opened { reply: Some("a\r\nb".into()), ..Opened::default() };
        let vars = of("kefu.ticket.replied.v1", &data, around(Locale::En, &sender), opened);
        assert_eq!(vars["reply"], "a\nb");
    }
}
