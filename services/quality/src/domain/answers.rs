//! Answers to a scorecard's items: whether they fit, and what they are worth.

use std::collections::{HashMap, HashSet};

use kernel::{Arg, Problem, Text, limits, messages as shared};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::scorecard::{Form, Item, Kind};
use crate::{codes, messages};

/// `true`/`false` for yes_no, a number for scale and range, a key for options, words for text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "must be text, a number, true or false")]
pub enum Value {
    Bool(bool),
    Number(f64),
    Text(String),
}

/// One item's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Key of the item.
    #[schema(min_length = 1, max_length = 40)]
    pub item: String,
    /// Absent only together with `na`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Not applicable: the item does not count.
    #[serde(default)]
    pub na: bool,
    /// Where it can be seen: a quotation, a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20000)]
    pub evidence: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20000)]
    pub comment: Option<String>,
}

impl Answer {
    /// A plain answer.
    #[must_use]
    pub fn of(item: &str, value: Value) -> Self {
        Self { item: item.to_owned(), value: Some(value), na: false, evidence: None, comment: None }
    }

    /// "Not applicable".
    #[must_use]
    pub fn na(item: &str) -> Self {
        Self { value: None, na: true, ..Self::of(item, Value::Bool(false)) }
    }
}

/// Number that an answer stands for; `None` when it does not fit the item or the item is words.
#[must_use]
pub fn number(item: &Item, value: &Value) -> Option<f64> {
    let number = match (&item.answer, value) {
        (Kind::YesNo, Value::Bool(yes)) => f64::from(u8::from(*yes)),
        (Kind::Scale { .. }, Value::Number(n)) if n.fract() == 0.0 => *n,
        (Kind::Range { .. }, Value::Number(n)) => *n,
        (Kind::Options { options }, Value::Text(key)) => {
            options.iter().find(|o| o.key == *key)?.points
        }
        _ => return None,
    };
    let (min, max) = item.answer.bounds()?;
    (min..=max).contains(&number).then_some(number)
}

/// Checks that every answer belongs to an item and fits it. Pointers start at `at`, e.g. `/answers`.
///
/// # Errors
/// `answer-out-of-range` with one entry per unfitting answer.
pub fn check(form: &Form, answers: &[Answer], at: &str) -> Result<(), Problem> {
    let items: HashMap<&str, &Item> = form.items().map(|(_, i)| (i.key.as_str(), i)).collect();
    let mut seen = HashSet::new();
    let mut problem = Problem::of(&codes::ANSWER_OUT_OF_RANGE);
    for (index, answer) in answers.iter().enumerate() {
        let pointer = format!("{at}/{index}");
        let Some(item) = items.get(answer.item.as_str()) else {
            problem = problem.field(
                format!("{pointer}/item"),
                "unknown-item",
                messages::unknown_item(&answer.item, Arg::list(form.items().map(|(_, i)| &i.key))),
            );
            continue;
        };
        if !seen.insert(&answer.item) {
            problem =
                problem.field(format!("{pointer}/item"), "duplicate", messages::answered_twice());
        }
        if let Some((field, code, detail)) = fault(item, answer) {
            problem = problem.field(format!("{pointer}/{field}"), code, detail);
        }
    }
    if problem.errors.is_empty() { Ok(()) } else { Err(problem) }
}

fn fault(item: &Item, answer: &Answer) -> Option<(&'static str, &'static str, Text)> {
    for (field, text) in [("evidence", &answer.evidence), ("comment", &answer.comment)] {
        if let Some(text) = text
            && (text.chars().count() > limits::TEXT || text.contains('\0'))
        {
            return Some((field, "too-long", messages::text_bound(limits::TEXT)));
        }
    }
    match (&answer.value, answer.na) {
        (None, true) if item.na_allowed => None,
        (_, true) if !item.na_allowed => {
            Some(("na", "na-not-allowed", messages::must_be_answered()))
        }
        (Some(_), true) => Some(("value", "na-with-value", messages::not_value_and_na())),
        (None, _) => Some(("value", "required", messages::value_or_na())),
        (Some(Value::Text(text)), _) if item.answer == Kind::Text => {
            let fits = text.chars().count() <= limits::TEXT && !text.contains('\0');
            (!fits).then(|| ("value", "too-long", messages::text_bound(limits::TEXT)))
        }
        (Some(value), _) => {
            number(item, value).is_none().then(|| ("value", "out-of-range", expected(item)))
        }
    }
}

fn expected(item: &Item) -> Text {
    match &item.answer {
        Kind::YesNo => messages::true_or_false(),
        Kind::Scale { min, max } => messages::whole_number(*min, *max),
        Kind::Range { min, max } => messages::number(*min, *max),
        Kind::Options { options } => shared::one_of(Arg::list(options.iter().map(|o| &o.key))),
        Kind::Text => messages::text(),
    }
}

/// Checks that a form is answered whole, with the evidence that it asks for: needed to publish.
/// Text items may stay unanswered.
///
/// # Errors
/// `answers-incomplete` naming the items.
pub fn check_complete(form: &Form, answers: &[Answer]) -> Result<(), Problem> {
    let given: HashMap<&str, &Answer> = answers.iter().map(|a| (a.item.as_str(), a)).collect();
    let mut problem = Problem::of(&codes::ANSWERS_INCOMPLETE);
    for (_, item) in form.items() {
        let pointer = format!("/answers/{}", item.key);
        match given.get(item.key.as_str()) {
            None if item.answer != Kind::Text => {
                problem = problem.field(pointer, "required", messages::not_answered());
            }
            Some(a)
                if item.evidence_required
                    && !a.na
                    && a.evidence.as_deref().is_none_or(|e| e.trim().is_empty()) =>
            {
                problem = problem.field(pointer, "evidence-required", messages::evidence_needed());
            }
            _ => {}
        }
    }
    if problem.errors.is_empty() { Ok(()) } else { Err(problem) }
}

/// The answers with some of them replaced: what an appeal's decision does.
#[must_use]
pub fn replaced(answers: &[Answer], changes: &[Answer]) -> Vec<Answer> {
    let change = |a: &Answer| changes.iter().find(|c| c.item == a.item).unwrap_or(a).clone();
    let added = changes.iter().filter(|c| !answers.iter().any(|a| a.item == c.item)).cloned();
    answers.iter().map(change).chain(added).collect()
}
