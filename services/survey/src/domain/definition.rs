//! A questionnaire in SurveyJS's JSON, as far as it is understood here.
//!
//! The JSON itself is kept as it was published; this is the reading of it. What is not understood
//! is reported as a warning and stays in the JSON; what cannot work is an error and keeps the
//! survey from being published.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    expr::Expr,
    reader::{Issue, Reader},
    text::Text,
};
use crate::messages;

/// Bounds of a questionnaire.
pub mod bounds {
    /// Bytes of the JSON text.
    pub const BYTES: usize = 262_144;
    pub const ELEMENTS: usize = 200;
    pub const CHOICES: usize = 200;
    pub const STEPS: usize = 21;
    /// Characters of a question's name.
    pub const NAME: usize = 100;
    /// Characters of a free-text answer, unless the question says less.
    pub const COMMENT: usize = 5_000;
}

/// A questionnaire that can be shown and answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub title: Text,
    pub description: Text,
    /// Shown after the answer was taken.
    pub completed: Text,
    pub pages: Vec<Page>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub title: Text,
    pub description: Text,
    pub elements: Vec<Element>,
}

/// A question, or a text between questions.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    pub name: String,
    pub title: Text,
    pub description: Text,
    pub required: bool,
    pub required_error: Text,
    /// All must hold: the element's own condition and those of its page and panels.
    pub visible_if: Vec<Expr>,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Rating {
        steps: Vec<Choice>,
        low: Text,
        high: Text,
        stars: bool,
    },
    Radio(Vec<Choice>),
    Checkbox {
        choices: Vec<Choice>,
        min: Option<usize>,
        max: Option<usize>,
    },
    Comment {
        multiline: bool,
        min: Option<usize>,
        max: usize,
        placeholder: Text,
    },
    Number {
        min: Option<f64>,
        max: Option<f64>,
    },
    Boolean {
        yes: Text,
        no: Text,
    },
    /// Words without a question.
    Html(Text),
    /// An element type of SurveyJS that is kept but not shown on the page.
    Unknown(String),
}

/// One selectable value.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Text, number or boolean: what the answer holds.
    pub value: Value,
    pub label: Text,
}

impl Choice {
    /// The value as a form field carries it.
    #[must_use]
    pub fn key(&self) -> String {
        plain(&self.value)
    }
}

/// A scalar as text, without quotes.
#[must_use]
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

impl Kind {
    /// Whether the element takes an answer.
    #[must_use]
    pub fn is_question(&self) -> bool {
        !matches!(self, Kind::Html(_))
    }
}

impl Definition {
    /// Reads the JSON; the issues are complete either way.
    pub fn read(json: &Value) -> (Self, Vec<Issue>) {
        let mut reader = Reader::default();
        let definition = reader.definition(json);
        let mut issues = reader.into_issues();
        definition.check(&mut issues);
        (definition, issues)
    }

    /// Reads what was published before, when it had no errors; issues are no news any more.
    #[must_use]
    pub fn published(json: &Value) -> Self {
        Self::read(json).0
    }

    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.pages.iter().flat_map(|page| &page.elements)
    }

    pub fn questions(&self) -> impl Iterator<Item = &Element> {
        self.elements().filter(|e| e.kind.is_question())
    }

    #[must_use]
    pub fn question(&self, name: &str) -> Option<&Element> {
        self.questions().find(|e| e.name == name)
    }

    fn check(&self, issues: &mut Vec<Issue>) {
        if !self.questions().any(|e| !matches!(e.kind, Kind::Unknown(_))) && issues.is_empty() {
            issues.push(Issue::error("", "no-question", messages::asks_nothing()));
        }
        let names: BTreeSet<&str> = self.questions().map(|e| e.name.as_str()).collect();
        for element in self.elements() {
            for unknown in element.references().difference(&names) {
                issues.push(Issue::error(
                    "",
                    "unknown-reference",
                    messages::unknown_reference(&element.name, *unknown),
                ));
            }
        }
        if let Some(name) = self.circular() {
            issues.push(Issue::error("", "circular-logic", messages::circular_logic(name)));
        }
    }

    /// A question whose visibility depends on itself, directly or through others.
    fn circular(&self) -> Option<&str> {
        let depends: BTreeMap<&str, BTreeSet<&str>> =
            self.questions().map(|e| (e.name.as_str(), e.references())).collect();
        let mut settled: BTreeSet<&str> = BTreeSet::new();
        loop {
            let open: Vec<&str> =
                depends.keys().copied().filter(|n| !settled.contains(n)).collect();
            let ready: Vec<&str> = open
                .iter()
                .copied()
                .filter(|n| {
                    depends[n].iter().all(|d| settled.contains(d) || !depends.contains_key(d))
                })
                .collect();
            if ready.is_empty() {
                return open.first().copied();
            }
            settled.extend(ready);
        }
    }
}

impl Element {
    /// Names of the questions on which the element's visibility depends.
    #[must_use]
    pub fn references(&self) -> BTreeSet<&str> {
        self.visible_if.iter().flat_map(Expr::references).collect()
    }
}
