//! The texts that come with the suite, in Chinese and English.

mod en;
mod labels;
mod zh;

use kernel::Locale;

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

/// What a word of the events is called; one that is not known, as it stands.
#[must_use]
pub fn label(word: &str, locale: Locale) -> Option<&'static str> {
    read(labels::LABELS, word, locale)
}

/// What a kind is called that an event tells without its name; else the word's label, and where it
/// has none the word itself, readable.
#[must_use]
pub fn kind_or_label(word: &str, locale: Locale) -> String {
    let known = read(labels::KINDS, word, locale).or_else(|| label(word, locale));
    known.map_or_else(|| readable(word), ToOwned::to_owned)
}

/// A key is made readable; what people wrote stays as it is.
fn readable(word: &str) -> String {
    let key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if word.chars().all(key) { word.replace('_', " ") } else { word.to_owned() }
}

fn read(
    table: &[(&str, &'static str, &'static str)],
    word: &str,
    locale: Locale,
) -> Option<&'static str> {
    let (_, en, zh) = table.iter().find(|(key, ..)| *key == word)?;
    Some(match locale {
        Locale::En => en,
        Locale::ZhCn => zh,
    })
}

/// A plain HTML page of the text's paragraphs; the link becomes a button, quoted words stand apart.
fn html_of(text: &str, locale: Locale) -> String {
    let text = text.replace("{{ reply|lines }}", &apart("reply"));
    let text = text.replace("{{ resolution|lines }}", &apart("resolution"));
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

fn apart(name: &str) -> String {
    format!(
        "<span style=\"display:block;padding:8px 16px;border-left:3px solid #1f6feb;background:#f6f8fa\">{{{{ {name}|lines }}}}</span>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        samples,
        sender::{Line, Sender},
        template::{self, Reader},
        workflow::{Audience, WORKFLOWS},
    };
    use chrono_tz::Tz;

    #[test]
    fn every_workflow_has_texts_in_both_languages_that_pass_the_check() {
        for workflow in WORKFLOWS {
            for channel in workflow.channels.iter().filter(|c| **c != Channel::Webhook) {
                for locale in [Locale::En, Locale::ZhCn] {
                    let texts = find(workflow.key, *channel, locale)
                        .unwrap_or_else(|| panic!("{} {channel:?} {locale:?}", workflow.key));
                    let vars = samples::vars(workflow.key, locale, &Sender::default(), "https://x");
                    let reader = Reader { locale, zone: Tz::UTC };
                    let out = template::check(&texts, *channel, &vars, reader)
                        .unwrap_or_else(|e| panic!("{} {locale:?}: {e}", workflow.key));
                    assert_eq!(out.html.is_some(), *channel == Channel::Email);
                    assert!(!out.text.contains("{{") && !out.text.contains("none"), "{}", out.text);
                    reads_well(&out, locale);
                }
            }
        }
        assert_eq!(en::TEXTS.len(), zh::TEXTS.len());
    }

    /// What a native reader stumbles over, as far as a machine can see it.
    fn reads_well(out: &Texts, locale: Locale) {
        for text in [&out.subject, &out.text] {
            assert!(
                !text.contains("  ") && !text.contains("()") && !text.contains("（）"),
                "{text}"
            );
            assert!(!text.contains("mended") && !text.contains("已办理"), "{text}");
            match locale {
                // No English word stands in a Chinese text but numbers, names and addresses.
                Locale::ZhCn => {
                    for word in ["return", "complaint", "first response"] {
                        assert!(!text.to_lowercase().contains(word), "{word} in {text}");
                    }
                }
                Locale::En => {
                    assert!(
                        text.chars().all(|c| !('\u{3000}'..='\u{303f}').contains(&c)),
                        "{text}"
                    );
                    // A salutation ends with a comma, the letter begins with a capital.
                    for paragraph in text.split("\n\n").skip(1) {
                        let first = paragraph.chars().next().unwrap_or('A');
                        assert!(!first.is_lowercase() || paragraph.starts_with("http"), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_mail_to_a_customer_ends_with_the_sender() {
        let line = |zh: &str, en: &str| Some(Line { zh: zh.into(), en: en.into() });
        let sender = Sender {
            company: line("顺达快递", "Shunda Express"),
            telephone: Some("400-810-0000".into()),
            hours: line("每天 8:00–20:00", "daily 8:00–20:00"),
            timezone: None,
        };
        let mut mails = 0;
        for workflow in WORKFLOWS.iter().filter(|w| w.to == [Audience::Customer]) {
            for locale in [Locale::En, Locale::ZhCn] {
                let texts = find(workflow.key, Channel::Email, locale).unwrap();
                let vars = samples::vars(workflow.key, locale, &sender, "https://x");
                let reader = Reader { locale, zone: Tz::Asia__Shanghai };
                let out = template::render(&texts, &vars, reader, true).unwrap();
                let end = match locale {
                    Locale::En => {
                        "Kind regards\nShunda Express\nTelephone: 400-810-0000\nService hours: daily 8:00–20:00"
                    }
                    Locale::ZhCn => {
                        "\n\n顺达快递\n服务热线：400-810-0000\n服务时间：每天 8:00–20:00"
                    }
                };
                assert!(out.text.ends_with(end), "{}", out.text);
                assert!(out.html.unwrap().contains("400-810-0000"));
                mails += 1;
            }
        }
        assert_eq!(mails, 8);
    }

    #[test]
    fn words_of_the_events_have_labels() {
        for (word, en, zh) in [
            ("deadline", "deadline missed", "已超时限"),
            ("repeat", "repeated complaint", "重复投诉"),
            ("on_hold", "on hold", "已挂起"),
        ] {
            assert_eq!((label(word, Locale::En), label(word, Locale::ZhCn)), (Some(en), Some(zh)));
        }
        assert_eq!(kind_or_label("return_exchange", Locale::ZhCn), "退换货");
        assert_eq!(kind_or_label("white_goods", Locale::En), "white goods");
        assert_eq!(kind_or_label("see file_1 of Li", Locale::En), "see file_1 of Li");
    }

    #[test]
    fn the_link_is_a_button_in_html() {
        let texts = find("survey_invited", Channel::Email, Locale::En).unwrap();
        assert!(texts.html.unwrap().contains("<a href=\"{{ link }}\""));
    }
}
