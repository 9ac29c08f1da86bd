//! What does not fit, where, and what would.

use std::fmt;

use kernel::{Text, messages as shared};
use serde::de::{Error, Expected, Unexpected};

use super::{Source, escape};
use crate::messages;

/// serde's error type here: a fault with its place, which readers add on the way out.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) what: What,
    place: Option<String>,
    /// Field that chose among several shapes.
    tag: Option<String>,
    expected: Option<Text>,
}

#[derive(Debug)]
pub(super) enum What {
    Missing(&'static str),
    UnknownField(String, &'static [&'static str]),
    GivenTwice(&'static str),
    UnknownValue(String, &'static [&'static str]),
    Type,
    Length,
    Value,
    /// What a type of our own says, word by word out of the shared catalogue.
    Said(Text),
}

impl Fault {
    pub(super) fn of(what: What) -> Self {
        Self { what, place: None, tag: None, expected: None }
    }

    /// Notes where the fault is and what was wanted there; what is closer knows better.
    pub(super) fn at(
        mut self,
        place: impl FnOnce() -> String,
        expected: impl FnOnce() -> Option<Text>,
    ) -> Self {
        if self.place.is_none() {
            self.place = Some(place());
            self.expected = self.expected.or_else(expected);
        }
        self
    }

    /// Names the field that chose a shape which does not exist.
    pub(super) fn told_at(mut self, tag: Option<&str>) -> Self {
        if self.place.is_none() {
            self.tag = tag.map(str::to_owned);
        }
        self
    }

    /// Whether it is told of an object, but lies in one of its fields.
    pub(super) fn is_vague(&self) -> bool {
        matches!(self.what, What::Type | What::Length | What::Value) && self.expected.is_none()
    }

    /// The same, known to lie here.
    pub(super) fn within(self, place: String) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Pointer of the value that was read when the fault was noticed.
    pub(super) fn place(&self) -> &str {
        self.place.as_deref().unwrap_or_default()
    }

    /// Pointer of what is at fault.
    pub(super) fn pointer(&self) -> String {
        let below = match (&self.what, &self.tag) {
            (What::Missing(field) | What::GivenTwice(field), _) => field,
            (What::UnknownField(field, _), _) | (_, Some(field)) => field.as_str(),
            _ => return self.place().to_owned(),
        };
        format!("{}/{}", self.place(), escape(below))
    }

    pub(super) fn code(&self) -> &'static str {
        match self.what {
            What::Missing(_) => "missing-field",
            What::UnknownField(..) => "unknown-field",
            What::GivenTwice(_) => "duplicate-field",
            What::UnknownValue(..) => "unknown-value",
            What::Type => "wrong-type",
            What::Length => "wrong-length",
            What::Value | What::Said(_) => "invalid-value",
        }
    }

    pub(super) fn text(&self, source: Source) -> Text {
        match &self.what {
            What::Missing(_) => messages::missing_field(),
            What::UnknownField(_, known) => match source {
                Source::Json => messages::unknown_field(*known),
                Source::Pairs => messages::unknown_parameter(*known),
            },
            What::GivenTwice(_) => messages::given_twice(),
            What::UnknownValue(given, known) => shared::unknown_value(given, *known),
            What::Said(text) => text.clone(),
            What::Type | What::Length | What::Value => {
                self.expected.clone().unwrap_or_else(messages::unsuitable)
            }
        }
    }
}

impl Error for Fault {
    /// The words are a library's, or stand in the shared catalogue.
    fn custom<T: fmt::Display>(words: T) -> Self {
        let words = words.to_string();
        let said = shared::CATALOGUE.iter().find(|m| m.args.is_empty() && m.en == words);
        Self::of(said.map_or(What::Value, |message| What::Said(Text::of(message, vec![]))))
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::of(What::Type)
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::of(What::Value)
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self::of(What::Length)
    }

    fn unknown_variant(given: &str, known: &'static [&'static str]) -> Self {
        Self::of(What::UnknownValue(given.to_owned(), known))
    }

    fn unknown_field(given: &str, known: &'static [&'static str]) -> Self {
        Self::of(What::UnknownField(given.to_owned(), known))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of(What::Missing(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::of(What::GivenTwice(field))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pointer(), self.text(Source::Json))
    }
}

impl std::error::Error for Fault {}

/// What a type takes that asks for text, told by what it says of itself.
pub(super) fn text_for(wanted: &str) -> Text {
    let wanted = wanted.to_ascii_lowercase();
    match () {
        () if wanted.contains("uuid") => shared::a_uuid(),
        () if wanted.contains("date and time") => shared::an_instant(),
        () if wanted.contains("date") => shared::a_date(),
        () => messages::a_text(),
    }
}

/// A text that such a type takes.
pub(super) fn fitting_text(wanted: &str) -> &'static str {
    let wanted = wanted.to_ascii_lowercase();
    match () {
        () if wanted.contains("uuid") => "00000000-0000-0000-0000-000000000000",
        () if wanted.contains("date and time") => "2000-01-01T00:00:00Z",
        () if wanted.contains("date") => "2000-01-01",
        // An organisation's path is made of text.
        () => "/a",
    }
}
