//! Takes a respondent's answers: brings them into the questions' types, finds out which questions
//! the logic shows, and drops what it hides.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    definition::{Choice, Definition, Element, Kind, bounds, plain},
    expr,
};

/// Answers by question name.
pub type Answers = BTreeMap<String, Value>;

/// What is wrong with one answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    Required,
    NotAChoice,
    WrongType,
    TooShort(usize),
    TooLong(usize),
    TooFew(usize),
    TooMany(usize),
    TooSmall(f64),
    TooLarge(f64),
}

impl Fault {
    /// Stable code for field errors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Fault::Required => "required",
            Fault::NotAChoice => "not-a-choice",
            Fault::WrongType => "wrong-type",
            Fault::TooShort(_) => "too-short",
            Fault::TooLong(_) => "too-long",
            Fault::TooFew(_) => "too-few",
            Fault::TooMany(_) => "too-many",
            Fault::TooSmall(_) => "too-small",
            Fault::TooLarge(_) => "too-large",
        }
    }
}

/// A complete answer as it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    pub answers: Answers,
    /// Answers to questions that the logic hides: they do not count.
    pub dropped: Vec<String>,
}

/// Bytes of an answer to an element of unknown type.
const OPAQUE_BYTES: usize = 4_096;

/// Checks `given` against the questionnaire. Answers to names that are no question are ignored.
pub fn accept(
    definition: &Definition,
    given: &Answers,
) -> Result<Accepted, BTreeMap<String, Fault>> {
    let mut typed = Answers::new();
    let mut faults = BTreeMap::new();
    for question in definition.questions() {
        let Some(value) = given.get(&question.name).filter(|v| !expr::is_empty(v)) else {
            continue;
        };
        match typed_value(question, value) {
            // Nothing but control characters, for example.
            Ok(value) if expr::is_empty(&value) => {}
            Ok(value) => drop(typed.insert(question.name.clone(), value)),
            Err(fault) => drop(faults.insert(question.name.clone(), fault)),
        }
    }
    let visible = visible(definition, &typed);
    faults.retain(|name, _| visible.contains(name.as_str()));
    for question in definition.questions() {
        let unanswered =
            !typed.contains_key(&question.name) && !faults.contains_key(&question.name);
        let answerable = !matches!(question.kind, Kind::Unknown(_));
        if question.required && answerable && unanswered && visible.contains(question.name.as_str())
        {
            faults.insert(question.name.clone(), Fault::Required);
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let dropped = typed.keys().filter(|n| !visible.contains(n.as_str())).cloned().collect();
    let answers = typed.into_iter().filter(|(n, _)| visible.contains(n.as_str())).collect();
    Ok(Accepted { answers, dropped })
}

/// Names of the elements that the logic shows. A hidden question's answer is no answer, which may
/// hide others in turn: repeated until nothing changes. Logic without circles, as published
/// surveys have it, settles after at most as many rounds as there are elements.
#[must_use]
pub fn visible<'a>(definition: &'a Definition, answers: &Answers) -> BTreeSet<&'a str> {
    let mut shown: BTreeSet<&str> = definition.elements().map(|e| e.name.as_str()).collect();
    for _ in 0..=definition.elements().count() {
        let lookup = |name: &str| answers.get(name).filter(|_| shown.contains(name)).cloned();
        let next: BTreeSet<&str> = definition
            .elements()
            .filter(|e| e.visible_if.iter().all(|condition| condition.holds(&lookup)))
            .map(|e| e.name.as_str())
            .collect();
        if next == shown {
            break;
        }
        shown = next;
    }
    shown
}

fn typed_value(question: &Element, value: &Value) -> Result<Value, Fault> {
    match &question.kind {
        Kind::Rating { steps, .. } => choice(steps, value),
        Kind::Radio(choices) => choice(choices, value),
        Kind::Checkbox { choices, min, max } => several(choices, *min, *max, value),
        Kind::Comment { min, max, .. } => words(value, *min, *max),
        Kind::Number { min, max } => number(value, *min, *max),
        Kind::Boolean { .. } => match value {
            Value::Bool(b) => Ok(json!(b)),
            Value::String(s) if s == "true" || s == "false" => Ok(json!(s == "true")),
            _ => Err(Fault::WrongType),
        },
        Kind::Unknown(_) if value.to_string().len() <= OPAQUE_BYTES => Ok(value.clone()),
        Kind::Unknown(_) => Err(Fault::TooLong(OPAQUE_BYTES)),
        Kind::Html(_) => Err(Fault::WrongType),
    }
}

/// The offered value that the answer names; a form sends numbers as text.
fn choice(choices: &[Choice], value: &Value) -> Result<Value, Fault> {
    if value.is_array() || value.is_object() {
        return Err(Fault::WrongType);
    }
    let key = plain(value);
    choices.iter().find(|c| c.key() == key).map(|c| c.value.clone()).ok_or(Fault::NotAChoice)
}

fn several(
    choices: &[Choice],
    min: Option<usize>,
    max: Option<usize>,
    value: &Value,
) -> Result<Value, Fault> {
    let Value::Array(items) = value else { return Err(Fault::WrongType) };
    if items.len() > bounds::CHOICES {
        return Err(Fault::TooMany(bounds::CHOICES));
    }
    let mut chosen: Vec<Value> = Vec::new();
    for item in items {
        let value = choice(choices, item)?;
        if !chosen.contains(&value) {
            chosen.push(value);
        }
    }
    match (min, max) {
        (Some(min), _) if chosen.len() < min => Err(Fault::TooFew(min)),
        (_, Some(max)) if chosen.len() > max => Err(Fault::TooMany(max)),
        _ => Ok(Value::Array(chosen)),
    }
}

fn words(value: &Value, min: Option<usize>, max: usize) -> Result<Value, Fault> {
    let Value::String(text) = value else { return Err(Fault::WrongType) };
    // Forms send line ends as CR LF; other control characters have no meaning in an answer.
    let text: String = text
        .replace("\r\n", "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    let text = text.trim();
    let length = text.chars().count();
    match min {
        Some(min) if length < min => Err(Fault::TooShort(min)),
        _ if length > max => Err(Fault::TooLong(max)),
        _ => Ok(json!(text)),
    }
}

fn number(value: &Value, min: Option<f64>, max: Option<f64>) -> Result<Value, Fault> {
    let number = match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    };
    let number = number.filter(|n: &f64| n.is_finite()).ok_or(Fault::WrongType)?;
    match (min, max) {
        (Some(min), _) if number < min => Err(Fault::TooSmall(min)),
        (_, Some(max)) if number > max => Err(Fault::TooLarge(max)),
        _ => Ok(json!(number)),
    }
}
