//! Form fields ↔ answers, and the view that the template shows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use kernel::Locale;
use serde_json::{Value, json};

use super::texts;
use crate::{
    app::open_invitation::Open,
    domain::{
        answers::{Answers, Fault, accept, visible},
        definition::{Choice, Element, Kind, Page},
        words,
    },
};

/// A form's state.
#[derive(Debug, Default)]
pub struct Filled {
    pub answers: Answers,
    pub faults: BTreeMap<String, Fault>,
}

impl Filled {
    /// Reads `q_NAME` fields; other fields mean nothing.
    #[must_use]
    pub fn from_fields(open: &Open, fields: &BTreeMap<String, Vec<String>>) -> Self {
        let mut answers = Answers::new();
        for question in open.published.definition.questions() {
            let Some(values) = fields.get(&format!("q_{}", question.name)) else { continue };
            let value = match &question.kind {
                Kind::Checkbox { .. } => {
                    json!(values.iter().filter(|v| !v.is_empty()).collect::<Vec<_>>())
                }
                Kind::Unknown(_) | Kind::Html(_) => continue,
                _ => json!(values.first()),
            };
            answers.insert(question.name.clone(), value);
        }
        Self { answers, faults: BTreeMap::new() }
    }

    fn chosen(&self, name: &str, key: &str) -> bool {
        match self.answers.get(name) {
            Some(Value::Array(items)) => items.iter().any(|v| v == key),
            Some(value) => value == key,
            None => false,
        }
    }

    fn text(&self, name: &str) -> &str {
        self.answers.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// What the template shows.
#[must_use]
pub fn view(open: &Open, zone: Tz, locale: Locale, filled: &Filled) -> Value {
    let definition = &open.published.definition;
    // Conditions look at typed answers; what cannot be typed counts as unanswered for them.
    let mut typed = filled.answers.clone();
    while let Err(faults) = accept(definition, &typed) {
        let before = typed.len();
        typed.retain(|name, _| !faults.contains_key(name));
        if typed.len() == before {
            break;
        }
    }
    let typed = accept(definition, &typed).map_or(typed, |accepted| accepted.answers);
    let shown = visible(definition, &typed);
    let maker = Maker { locale, filled, shown };
    let mut index = 0;
    let pages: Vec<Value> =
        definition.pages.iter().map(|page| maker.page(page, &mut index)).collect();
    let fields: Vec<&Value> =
        pages.iter().filter_map(|p| p["elements"].as_array()).flatten().collect();
    let errors: Vec<&&Value> = fields.iter().filter(|f| !f["error"].is_null()).collect();
    json!({
        "title": definition.title.get(locale),
        "description": definition.description.get(locale),
        "matter": matter(open, zone, locale),
        "errors": errors,
        "questions": fields.iter().filter(|f| f["kind"] != "html").count(),
        "pages": pages,
    })
}

/// The matter in a few lines: what it was, its number, when it was taken and settled.
fn matter(open: &Open, zone: Tz, locale: Locale) -> Value {
    let day = |at: DateTime<Utc>| texts::day(at.with_timezone(&zone).date_naive(), locale);
    match &open.matter {
        Some(of) => json!({
            "subject": of.subject,
            "number": of.number,
            "opened": day(of.opened_at),
            "settled": of.settled_at.map(day),
        }),
        None => json!({ "number": open.invitation.subject["ticket_number"] }),
    }
}

struct Maker<'a> {
    locale: Locale,
    filled: &'a Filled,
    shown: BTreeSet<&'a str>,
}

impl Maker<'_> {
    fn page(&self, page: &Page, index: &mut usize) -> Value {
        let known = page.elements.iter().filter(|e| !matches!(e.kind, Kind::Unknown(_)));
        let elements: Vec<Value> = known
            .map(|element| {
                *index += 1;
                self.element(element, *index)
            })
            .collect();
        json!({ "title": page.title.get(self.locale), "description": page.description.get(self.locale), "elements": elements })
    }

    fn element(&self, element: &Element, index: usize) -> Value {
        let id = format!("q{index}");
        let conditions: Vec<Value> = element.visible_if.iter().map(|e| e.tree()).collect();
        let fault = self.filled.faults.get(&element.name);
        let mut view = json!({
            "id": id,
            "name": element.name,
            "field": format!("q_{}", element.name),
            "title": element.title.get(self.locale),
            "description": element.description.get(self.locale),
            "required": element.required,
            "required_error": element.required_error.some(self.locale),
            "conditional": !conditions.is_empty(),
            "when": Value::Array(conditions).to_string(),
            "hidden": !self.shown.contains(element.name.as_str()),
            "error": fault.map(|f| self.fault_text(element, f)),
        });
        self.kind(element, &mut view);
        view
    }

    fn fault_text(&self, element: &Element, fault: &Fault) -> String {
        match element.required_error.some(self.locale) {
            Some(own) if *fault == Fault::Required => own.to_owned(),
            _ => texts::fault(fault, self.locale),
        }
    }

    fn kind(&self, element: &Element, view: &mut Value) {
        let text = || json!(self.filled.text(&element.name));
        match &element.kind {
            Kind::Rating { steps, low, high, stars } => {
                view["kind"] = json!(if *stars { "stars" } else { "scale" });
                view["choices"] =
                    self.steps(element, steps, low.get(self.locale), high.get(self.locale));
                let rows = steps.len().div_ceil(7).max(1);
                view["columns"] = json!(steps.len().div_ceil(rows).clamp(2, 7));
                view["rows"] = json!(rows);
                view["low"] = json!(low.get(self.locale));
                view["high"] = json!(high.get(self.locale));
            }
            Kind::Radio(choices) => {
                view["kind"] = json!("radio");
                view["choices"] = self.choices(element, choices);
            }
            Kind::Checkbox { choices, .. } => {
                view["kind"] = json!("checkbox");
                view["choices"] = self.choices(element, choices);
            }
            Kind::Boolean { yes, no } => {
                let choice = |key: &str, label: &str| json!({ "key": key, "label": label, "checked": self.filled.chosen(&element.name, key) });
                view["kind"] = json!("boolean");
                view["choices"] = json!([
                    choice("true", yes.get(self.locale)),
                    choice("false", no.get(self.locale))
                ]);
            }
            Kind::Comment { multiline, max, placeholder, .. } => {
                view["kind"] = json!(if *multiline { "comment" } else { "text" });
                view["max"] = json!(max);
                view["placeholder"] = json!(placeholder.get(self.locale));
                view["value"] = text();
            }
            Kind::Number { min, max } => {
                view["kind"] = json!("number");
                view["min"] = json!(min);
                view["max"] = json!(max);
                view["value"] = text();
            }
            Kind::Html(markup) => {
                view["kind"] = json!("html");
                view["text"] = json!(words(markup.get(self.locale)));
            }
            Kind::Unknown(_) => {}
        }
    }

    fn choices(&self, element: &Element, choices: &[Choice]) -> Value {
        let view = |c: &Choice| json!({ "key": c.key(), "label": c.label.get(self.locale), "checked": self.filled.chosen(&element.name, &c.key()) });
        choices.iter().map(view).collect()
    }

    /// The ends of a scale say for screen readers what they mean.
    fn steps(&self, element: &Element, steps: &[Choice], low: &str, high: &str) -> Value {
        let mut views = self.choices(element, steps);
        let last = steps.len().saturating_sub(1);
        for (i, meaning) in [(0, low), (last, high)] {
            if let Some(view) = views.get_mut(i).filter(|_| !meaning.is_empty()) {
                view["meaning"] = json!(meaning);
            }
        }
        views
    }
}
