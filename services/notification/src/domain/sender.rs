//! Who a mail comes from: company, telephone and hours of a unit, and the zone of its clocks.

use chrono_tz::Tz;
use kernel::{Fields, Locale, limits, messages};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::address::one_line;

/// Longest telephone number with its remarks, in characters.
pub const MAX_TELEPHONE: usize = 60;

/// A line in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    #[schema(min_length = 1, max_length = 200)]
    pub zh: String,
    #[schema(min_length = 1, max_length = 200)]
    pub en: String,
}

impl Line {
    #[must_use]
    pub fn read(&self, locale: Locale) -> &str {
        match locale {
            Locale::En => &self.en,
            Locale::ZhCn => &self.zh,
        }
    }
}

/// The block under a unit's mails, and the zone of the times in them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// Name under which customers know the unit.
    pub company: Option<Line>,
    #[schema(min_length = 1, max_length = 60, example = "400-810-0000")]
    pub telephone: Option<String>,
    /// When somebody answers the telephone.
    pub hours: Option<Line>,
    /// IANA zone in which times are written; the installation's unless told.
    #[schema(max_length = 60, example = "Asia/Shanghai")]
    pub timezone: Option<String>,
}

impl Sender {
    /// Checks what a unit wants to have written.
    pub fn check(&self, fields: &mut Fields) {
        for (name, line) in [("company", &self.company), ("hours", &self.hours)] {
            let Some(line) = line else { continue };
            for (tag, text) in [("zh", &line.zh), ("en", &line.en)] {
                let pointer = format!("/{name}/{tag}");
                fields.text(&pointer, text, 1, limits::NAME);
                let plain = !text.chars().any(char::is_control);
                fields.check(plain, pointer, "malformed", messages::control_characters());
            }
        }
        if let Some(telephone) = &self.telephone {
            fields.text("/telephone", telephone, 1, MAX_TELEPHONE);
            let plain = !telephone.chars().any(char::is_control);
            fields.check(plain, "/telephone", "malformed", messages::control_characters());
        }
        if let Some(zone) = &self.timezone {
            let known = zone.parse::<Tz>().is_ok();
            fields.check(
                known,
                "/timezone",
                "unknown-timezone",
                messages::a_time_zone(zone.as_str()),
            );
        }
    }

    /// Zone of the unit's clocks.
    #[must_use]
    pub fn zone(&self, otherwise: Tz) -> Tz {
        self.timezone.as_deref().and_then(|zone| zone.parse().ok()).unwrap_or(otherwise)
    }

    /// What templates see of it.
    #[must_use]
    pub fn vars(&self, locale: Locale) -> Value {
        let line = |text: &str| one_line(text, limits::NAME);
        json!({
            "company": self.company.as_ref().map(|l| line(l.read(locale))),
            "telephone": self.telephone.as_deref().map(line),
            "hours": self.hours.as_ref().map(|l| line(l.read(locale))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(zh: &str, en: &str) -> Option<Line> {
        Some(Line { zh: zh.into(), en: en.into() })
    }

    #[test]
    fn a_block_is_read_in_the_readers_language() {
        let sender = Sender {
            company: line("顺达快递", "Shunda Express"),
            telephone: Some("400-810-0000".into()),
            hours: None,
            timezone: Some("Asia/Urumqi".into()),
        };
        let zh = sender.vars(Locale::ZhCn);
        assert_eq!(
            zh,
            json!({ "company": "顺达快递", "telephone": "400-810-0000", "hours": null })
        );
        assert_eq!(sender.vars(Locale::En)["company"], "Shunda Express");
        assert_eq!(sender.zone(Tz::UTC), Tz::Asia__Urumqi);
        assert_eq!(Sender::default().zone(Tz::UTC), Tz::UTC);
    }

    #[test]
    fn what_does_not_fit_into_a_block_is_told_with_its_place() {
        let bad = Sender {
            company: line("顺达", ""),
            telephone: Some("1\r\n2".into()),
            hours: line("周一", "Mon\u{7}"),
            timezone: Some("Mars".into()),
        };
        let mut fields = Fields::new();
        bad.check(&mut fields);
        let problem = fields.finish().unwrap_err();
        let places: Vec<&str> = problem.errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(places, ["/company/en", "/hours/en", "/telephone", "/timezone"]);
    }
}
