//! Localised texts of a questionnaire: a plain string, or an object `{"default": …, "zh-cn": …}`.

use std::collections::BTreeMap;

use kernel::Locale;
use serde_json::Value;

/// A text in several languages; keys are lower-case language tags or `default`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(BTreeMap<String, String>);

impl Text {
    /// Reads SurveyJS's form of a text; `None` when it is neither string nor object of strings.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(s) => Some(Self::plain(s)),
            Value::Number(n) => Some(Self::plain(&n.to_string())),
            Value::Object(members) => members
                .iter()
                .map(|(k, v)| Some((k.to_ascii_lowercase(), v.as_str()?.to_owned())))
                .collect::<Option<_>>()
                .map(Self),
            _ => None,
        }
    }

    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self(BTreeMap::from([("default".to_owned(), text.to_owned())]))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|s| s.trim().is_empty())
    }

    /// The text in the wanted language, else the default one, else whichever there is.
    #[must_use]
    pub fn get(&self, locale: Locale) -> &str {
        let tags: &[&str] = match locale {
            Locale::ZhCn => &["zh-cn", "zh-hans", "zh", "default", "en"],
            Locale::En => &["en", "default"],
        };
        tags.iter()
            .find_map(|tag| self.0.get(*tag))
            .or_else(|| self.0.values().next())
            .map_or("", String::as_str)
    }

    /// The text in the wanted language, or `None` when there is no text at all.
    #[must_use]
    pub fn some(&self, locale: Locale) -> Option<&str> {
        Some(self.get(locale)).filter(|s| !s.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_language_asked_for_comes_first_then_the_default() {
        let text = Text::read(&json!({"default": "Thanks", "zh-cn": "谢谢"})).unwrap();
        assert_eq!(text.get(Locale::ZhCn), "谢谢");
        assert_eq!(text.get(Locale::En), "Thanks");
        assert_eq!(Text::read(&json!("Hi")).unwrap().get(Locale::ZhCn), "Hi");
        assert_eq!(Text::read(&json!({"zh-cn": "好"})).unwrap().get(Locale::En), "好");
        assert_eq!(Text::read(&json!({"en": 3})), None);
        assert_eq!(Text::default().some(Locale::En), None);
    }
}
