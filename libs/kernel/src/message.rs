//! Texts for people, in English and Chinese. A [`Message`] is an entry of a catalogue, a [`Text`]
//! is a message with its arguments; it is rendered where the language of its reader is known.

use std::{borrow::Cow, collections::HashSet, fmt};

use crate::{ErrorCode, Locale};

/// One entry of a catalogue: its name, the names of its arguments, and the text in both
/// languages, with `{argument}` where one belongs.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    pub name: &'static str,
    pub args: &'static [&'static str],
    pub en: &'static str,
    pub zh: &'static str,
}

/// Makes a catalogue: one function per message, which takes the message's arguments and answers a
/// [`Text`], and `CATALOGUE` with all of them.
///
/// ```
/// kernel::catalogue! {
///     unknown_kind(kind, known) "there is no kind \"{kind}\"; known: {known}" "没有类型“{kind}”；可用类型：{known}";
/// }
/// let text = unknown_kind("fuss", vec!["complaint", "request"]);
/// assert_eq!(text.to_string(), "there is no kind \"fuss\"; known: complaint, request");
/// ```
#[macro_export]
macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) $en:literal $zh:literal;)+) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name($($arg: impl Into<$crate::Arg>),*) -> $crate::Text {
                static MESSAGE: $crate::Message = $crate::Message {
                    name: stringify!($name),
                    args: &[$(stringify!($arg)),*],
                    en: $en,
                    zh: $zh,
                };
                $crate::Text::of(&MESSAGE, vec![$($arg.into()),*])
            }
        )+
        /// Every message of this catalogue.
        pub static CATALOGUE: &[$crate::Message] = &[$($crate::Message {
            name: stringify!($name),
            args: &[$(stringify!($arg)),*],
            en: $en,
            zh: $zh,
        }),+];
    };
}

/// A message with its arguments. Only a catalogue makes one, so none is in one language alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    message: &'static Message,
    args: Vec<Arg>,
}

impl Text {
    /// For [`catalogue!`]; `args` in the order of the message's own list.
    #[doc(hidden)]
    #[must_use]
    pub fn of(message: &'static Message, args: Vec<Arg>) -> Self {
        Self { message, args }
    }

    #[must_use]
    pub fn render(&self, locale: Locale) -> String {
        let mut out = String::new();
        self.write(locale, &mut out);
        out
    }

    fn write(&self, locale: Locale, out: &mut String) {
        for part in parts(self.message.text(locale)) {
            match part {
                Part::Words(words) => out.push_str(words),
                Part::Argument(name) => {
                    let at = self.message.args.iter().position(|a| *a == name);
                    if let Some(arg) = at.and_then(|at| self.args.get(at)) {
                        arg.write(locale, out);
                    }
                }
            }
        }
    }
}

/// English, for logs.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Locale::En))
    }
}

impl Message {
    #[must_use]
    pub const fn text(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::En => self.en,
            Locale::ZhCn => self.zh,
        }
    }
}

/// What a message is told about: values, lists of values, or another text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    Value(String),
    Number(i128),
    List(Vec<Arg>),
    Text(Box<Text>),
}

/// Entries of a list that are told, and characters of a value; the rest is only counted.
const MOST_ENTRIES: usize = 20;
const MOST_CHARACTERS: usize = 200;

impl Arg {
    /// The entries of a list.
    pub fn list<T: Into<Arg>>(entries: impl IntoIterator<Item = T>) -> Self {
        Arg::List(entries.into_iter().map(Into::into).collect())
    }

    fn write(&self, locale: Locale, out: &mut String) {
        match self {
            Arg::Value(value) if value.chars().count() > MOST_CHARACTERS => {
                out.extend(value.chars().take(MOST_CHARACTERS));
                out.push('…');
            }
            Arg::Value(value) => out.push_str(value),
            Arg::Number(number) => out.push_str(&number.to_string()),
            Arg::Text(text) => text.write(locale, out),
            Arg::List(entries) if entries.is_empty() => out.push_str(match locale {
                Locale::En => "none",
                Locale::ZhCn => "无",
            }),
            Arg::List(entries) => {
                for (i, entry) in entries.iter().take(MOST_ENTRIES).enumerate() {
                    if i > 0 {
                        out.push_str(match locale {
                            Locale::En => ", ",
                            Locale::ZhCn => "、",
                        });
                    }
                    entry.write(locale, out);
                }
                if let more @ 1.. = entries.len().saturating_sub(MOST_ENTRIES) {
                    out.push_str(&match locale {
                        Locale::En => format!(" and {more} more"),
                        Locale::ZhCn => format!("等，另有 {more} 项"),
                    });
                }
            }
        }
    }
}

macro_rules! from_values {
    ($($type:ty)+) => { $(impl From<$type> for Arg {
        fn from(value: $type) -> Self { Arg::Value(value.to_string()) }
    })+ };
}
macro_rules! from_numbers {
    ($($type:ty)+) => { $(impl From<$type> for Arg {
        fn from(number: $type) -> Self { Arg::Number(number.into()) }
    })+ };
}
from_values! { &str &&str &String Cow<'_, str> f32 f64 char uuid::Uuid &crate::OrgPath crate::OrgPath crate::Permission chrono::NaiveDate }
from_numbers! { i8 i16 i32 i64 u8 u16 u32 u64 }

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Arg::Value(value)
    }
}

impl From<usize> for Arg {
    fn from(number: usize) -> Self {
        Arg::Number(i128::try_from(number).unwrap_or(i128::MAX))
    }
}

impl From<chrono::DateTime<chrono::Utc>> for Arg {
    fn from(at: chrono::DateTime<chrono::Utc>) -> Self {
        Arg::Value(at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
}

impl From<Text> for Arg {
    fn from(text: Text) -> Self {
        Arg::Text(Box::new(text))
    }
}

impl<T: Into<Arg>> From<Vec<T>> for Arg {
    fn from(entries: Vec<T>) -> Self {
        Arg::list(entries)
    }
}

impl<T: Into<Arg>, const N: usize> From<[T; N]> for Arg {
    fn from(entries: [T; N]) -> Self {
        Arg::list(entries)
    }
}

impl From<&[&str]> for Arg {
    fn from(entries: &[&str]) -> Self {
        Arg::list(entries)
    }
}

impl From<&[String]> for Arg {
    fn from(entries: &[String]) -> Self {
        Arg::list(entries)
    }
}

enum Part<'a> {
    Words(&'a str),
    Argument(&'a str),
}

fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    text.split_inclusive('}').flat_map(|piece| {
        let (words, name) = match piece.strip_suffix('}').and_then(|p| p.split_once('{')) {
            Some((words, name)) => (words, Some(name)),
            None => (piece, None),
        };
        [Some(Part::Words(words)), name.map(Part::Argument)].into_iter().flatten()
    })
}

/// What is wrong with the wording of a catalogue; for tests.
#[must_use]
pub fn faults_of_catalogue(catalogue: &[Message]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut faults = Vec::new();
    for message in catalogue {
        let mut fault = |what: String| faults.push(format!("{}: {what}", message.name));
        if !seen.insert(message.name) {
            fault("stands there twice".into());
        }
        let args: HashSet<&str> = message.args.iter().copied().collect();
        for text in [message.en, message.zh] {
            let named: HashSet<&str> = parts(text)
                .filter_map(|part| match part {
                    Part::Argument(name) => Some(name),
                    Part::Words(_) => None,
                })
                .collect();
            if named != args {
                fault(format!("takes {args:?}, but names {named:?}: {text}"));
            }
        }
        wording(message.en, message.zh).into_iter().for_each(&mut fault);
        let text = Text {
            // A copy that lives as long as the program: only tests come here.
            message: Box::leak(Box::new(Message { ..*message })),
            args: message.args.iter().map(|name| Arg::from(*name)).collect(),
        };
        for locale in [Locale::En, Locale::ZhCn] {
            let rendered = text.render(locale);
            if rendered.contains(['{', '}']) || message.args.iter().any(|a| !rendered.contains(a)) {
                fault(format!("is rendered as {rendered}"));
            }
        }
    }
    faults
}

/// The same for a table of problem codes.
#[must_use]
pub fn faults_of_codes(codes: &[&ErrorCode]) -> Vec<String> {
    let of = |code: &&ErrorCode| {
        let name = code.code;
        wording(code.en, code.zh).into_iter().map(move |what| format!("{name}: {what}"))
    };
    codes.iter().flat_map(of).collect()
}

/// Chinese is written in Chinese, with full-width punctuation, and English is not.
fn wording(en: &str, zh: &str) -> Vec<String> {
    let words = |text: &str| -> String {
        let words = parts(text).filter_map(|part| match part {
            Part::Words(words) => Some(words.to_owned()),
            Part::Argument(_) => None,
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let (en_words, zh_words) = (words(en), words(zh));
    let mut faults = Vec::new();
    if !zh_words.chars().any(is_chinese) {
        faults.push(format!("no Chinese in: {zh}"));
    }
    let chars: Vec<char> = zh_words.chars().collect();
    // Within a time or an address a colon is no punctuation.
    let colon = chars.windows(2).any(|w| {
        (w[0] == ':' && (w[1] == ' ' || is_chinese(w[1]))) || (w[1] == ':' && is_chinese(w[0]))
    });
    if colon || zh_words.contains([',', ';', '?', '!', '(', ')', '\'']) {
        faults.push(format!("half-width punctuation in: {zh}"));
    }
    let letters = en_words.chars().any(|c| c.is_ascii_alphabetic());
    if !letters || en_words.chars().any(|c| is_chinese(c) || "，。；：？！（）“”、".contains(c))
    {
        faults.push(format!("no English: {en}"));
    }
    for text in [en, zh] {
        if text.trim() != text || text.ends_with(['.', '。']) {
            faults.push(format!("ends in a full stop or a space: {text}"));
        }
    }
    faults
}

/// Whether a character is a Chinese one.
#[must_use]
pub fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    mod samples {
        crate::catalogue! {
            plain() "stands alone" "单独成句";
            counted(given, known) "{given} is none of {known}" "“{given}”不在{known}之中";
            nested(inner) "in part {inner}" "其中{inner}";
        }
    }

    #[test]
    fn arguments_stand_where_each_language_wants_them() {
        let text = samples::counted("x", ["a", "b"]);
        assert_eq!(text.to_string(), "x is none of a, b");
        assert_eq!(text.render(Locale::ZhCn), "“x”不在a、b之中");
        let nested = samples::nested(samples::plain());
        assert_eq!(nested.render(Locale::En), "in part stands alone");
        assert_eq!(nested.render(Locale::ZhCn), "其中单独成句");
        assert_eq!(faults_of_catalogue(samples::CATALOGUE), [""; 0]);
    }

    #[test]
    fn long_lists_and_values_are_cut() {
        let text = samples::counted("é".repeat(500), (0..32).collect::<Vec<i32>>());
        let en = text.to_string();
        assert!(en.starts_with(&format!("{}… is none", "é".repeat(200))), "{en}");
        assert!(en.ends_with("18, 19 and 12 more"), "{en}");
        assert!(text.render(Locale::ZhCn).contains("18、19等，另有 12 项"));
        assert!(samples::counted("x", Vec::<String>::new()).to_string().ends_with("none"));
    }

    #[test]
    fn faulty_wording_is_found() {
        let message = |en, zh| Message { name: "m", args: &["n"], en, zh };
        assert_eq!(faults_of_catalogue(&[message("at least {n}", "至少 {n} 个")]), [""; 0]);
        for (en, zh) in [
            ("at least {n}", "at least {n}"),
            ("at least {n}", "至少 {m} 个"),
            ("at least {n}", "至少 {n} 个,不能再少"),
            ("at least {n}", "至少: {n} 个"),
            ("at least {n}", "至少 {n} 个。"),
            ("at least", "至少 {n} 个"),
            ("至少 {n}", "至少 {n} 个"),
            ("at least {n", "至少 {n} 个"),
        ] {
            assert_ne!(faults_of_catalogue(&[message(en, zh)]), [""; 0], "{en} {zh}");
        }
    }

    #[test]
    fn shared_texts_are_whole_in_both_languages() {
        assert_eq!(faults_of_catalogue(crate::messages::CATALOGUE), [""; 0]);
        assert_eq!(faults_of_codes(crate::codes::ALL), [""; 0]);
    }
}
