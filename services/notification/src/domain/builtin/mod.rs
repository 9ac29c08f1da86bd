//! The texts that come with the suite, in Chinese and English.

mod en;
mod labels;
mod zh;

use kernel::Locale;

pub use labels::LABELS;

use super::{template::Texts, workflow::Channel};

/// One built-in text: workflow key, channel, subject, paragraphs separated by blank lines.
pub(super) type Builtin = (&'static str, Channel, &'static str, &'static str);

/// The built-in template, if the workflow has one for the channel. A mail's HTML part is made from
/// its text, so that the two never say different things.
#[must_use]
pub fn find(key: &str, channel: Channel, locale: Locale) -> Option<Texts> {
    let table = match locale {
        Locale::En => en::TEXTS,
        Locale::ZhCn => zh::TEXTS,
    };
    let (_, _, subject, text) = table.iter().find(|(k, c, ..)| *k == key && *c == channel)?;
    let html = (channel == Channel::Email).then(|| html_of(text, locale));
    Some(Texts { subject: (*subject).into(), text: (*text).into(), html })
}

/// A plain HTML page of the text's paragraphs; the link becomes a button.
fn html_of(text: &str, locale: Locale) -> String {
    let paragraphs: String = text
        .split("\n\n")
        .map(|paragraph| {
            let body = paragraph.replace(
                "{{ link }}",
                "<a href=\"{{ link }}\" style=\"display:inline-block;padding:10px 20px;background:#1f6feb;color:#fff;border-radius:6px;text-decoration:none\">{{ link }}</a>",
            );
            format!("<p>{}</p>\n", body.replace('\n', "<br>\n"))
        })
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"></head>\n<body style=\"font-family:sans-serif;line-height:1.6;max-width:40em\">\n{paragraphs}</body></html>\n",
        locale.tag()
    )
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use serde_json::json;

    use super::*;
    use crate::domain::{
        samples,
        template::{self, Reader},
        workflow::WORKFLOWS,
    };

    #[test]
    fn every_workflow_has_texts_in_both_languages_that_pass_the_check() {
        for workflow in WORKFLOWS {
            for channel in workflow.channels.iter().filter(|c| **c != Channel::Webhook) {
                for locale in [Locale::En, Locale::ZhCn] {
                    let texts = find(workflow.key, *channel, locale)
                        .unwrap_or_else(|| panic!("{} {channel:?} {locale:?}", workflow.key));
                    let mut vars = samples::of(workflow.key);
                    vars["recipient"] = json!({ "name": "A" });
                    let reader = Reader { locale, zone: Tz::UTC };
                    let out = template::check(&texts, *channel, &vars, reader)
                        .unwrap_or_else(|e| panic!("{} {locale:?}: {e}", workflow.key));
                    assert_eq!(out.html.is_some(), *channel == Channel::Email);
                    assert!(!out.text.contains("{{") && !out.text.contains("none"), "{}", out.text);
                }
            }
        }
        assert_eq!(en::TEXTS.len(), zh::TEXTS.len());
    }

    #[test]
    fn the_link_is_a_button_in_html() {
        let texts = find("survey_invited", Channel::Email, Locale::En).unwrap();
        assert!(texts.html.unwrap().contains("<a href=\"{{ link }}\""));
    }
}
