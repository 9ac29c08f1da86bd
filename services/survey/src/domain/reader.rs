//! Reads SurveyJS's JSON into a [`Definition`], collecting everything that is wrong or not carried
//! over, each with a JSON pointer into the definition.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    definition::{Choice, Definition, Element, Kind, Page, bounds},
    expr::Expr,
    reader_kinds,
    text::Text,
};
use crate::messages;

/// Something to know about a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// `error` keeps the survey from being published, `warning` does not.
    pub severity: &'static str,
    /// JSON pointer into the definition.
    pub pointer: String,
    pub code: &'static str,
    pub detail: kernel::Text,
}

impl Issue {
    pub fn error(pointer: impl Into<String>, code: &'static str, detail: kernel::Text) -> Self {
        Self { severity: "error", pointer: pointer.into(), code, detail }
    }

    pub fn warning(pointer: impl Into<String>, code: &'static str, detail: kernel::Text) -> Self {
        Self { severity: "warning", ..Self::error(pointer, code, detail) }
    }

    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == "error"
    }
}

/// State of one reading.
#[derive(Debug, Default)]
pub struct Reader {
    issues: Vec<Issue>,
    names: BTreeSet<String>,
    elements: usize,
}

/// Properties that would change how the survey behaves and are not carried over.
const IGNORED: [&str; 22] = [
    "enableIf",
    "requiredIf",
    "resetValueIf",
    "setValueIf",
    "setValueExpression",
    "defaultValue",
    "defaultValueExpression",
    "valueName",
    "choicesByUrl",
    "choicesFromQuestion",
    "choicesVisibleIf",
    "hasOther",
    "showOtherItem",
    "hasNone",
    "showNoneItem",
    "hasSelectAll",
    "showSelectAllItem",
    "triggers",
    "calculatedValues",
    "navigateToUrl",
    "completedHtmlOnCondition",
    "quizMode",
];

impl Reader {
    #[must_use]
    pub fn into_issues(self) -> Vec<Issue> {
        self.issues
    }

    pub fn error(&mut self, pointer: &str, code: &'static str, detail: kernel::Text) {
        self.issues.push(Issue::error(pointer, code, detail));
    }

    pub fn warn(&mut self, pointer: &str, code: &'static str, detail: kernel::Text) {
        self.issues.push(Issue::warning(pointer, code, detail));
    }

    pub fn definition(&mut self, json: &Value) -> Definition {
        let empty = Map::new();
        let root = json.as_object().unwrap_or(&empty);
        if !json.is_object() {
            self.error("", "not-an-object", messages::definition_is_object());
        }
        self.ignored(root, "");
        Definition {
            title: self.text(root, "title", ""),
            description: self.text(root, "description", ""),
            completed: self.text(root, "completedHtml", ""),
            pages: self.pages(root),
        }
    }

    fn pages(&mut self, root: &Map<String, Value>) -> Vec<Page> {
        let Some(pages) = root.get("pages") else {
            return vec![self.page(root, "", true)];
        };
        let Some(pages) = pages.as_array() else {
            self.error("/pages", "not-an-array", messages::is_list("pages"));
            return vec![];
        };
        let mut out = Vec::new();
        for (i, page) in pages.iter().enumerate() {
            let pointer = format!("/pages/{i}");
            match page.as_object() {
                Some(page) => out.push(self.page(page, &pointer, false)),
                None => self.error(&pointer, "not-an-object", messages::page_is_object()),
            }
        }
        out
    }

    fn page(&mut self, page: &Map<String, Value>, pointer: &str, root: bool) -> Page {
        let mut page_out =
            Page { title: Text::default(), description: Text::default(), elements: vec![] };
        let mut conditions = vec![];
        if !root {
            self.ignored(page, pointer);
            page_out.title = self.text(page, "title", pointer);
            page_out.description = self.text(page, "description", pointer);
            conditions.extend(self.condition(page, pointer));
        }
        self.elements(page, pointer, &conditions, 0, &mut page_out.elements);
        page_out
    }

    fn elements(
        &mut self,
        holder: &Map<String, Value>,
        pointer: &str,
        conditions: &[Expr],
        depth: usize,
        out: &mut Vec<Element>,
    ) {
        // `questions` is the old name that SurveyJS still reads.
        let Some((key, list)) =
            ["elements", "questions"].iter().find_map(|k| Some((k, holder.get(*k)?)))
        else {
            return;
        };
        let Some(list) = list.as_array() else {
            self.error(&format!("{pointer}/{key}"), "not-an-array", messages::is_list(key));
            return;
        };
        for (i, value) in list.iter().enumerate() {
            let at = format!("{pointer}/{key}/{i}");
            self.elements += 1;
            if self.elements > bounds::ELEMENTS {
                self.error(&at, "too-many-elements", messages::too_many_elements(bounds::ELEMENTS));
                return;
            }
            match value.as_object() {
                Some(element) => self.element(element, &at, conditions, depth, out),
                None => self.error(&at, "not-an-object", messages::element_is_object()),
            }
        }
    }

    fn element(
        &mut self,
        element: &Map<String, Value>,
        at: &str,
        outer: &[Expr],
        depth: usize,
        out: &mut Vec<Element>,
    ) {
        let Some(ty) = element.get("type").and_then(Value::as_str) else {
            self.error(&format!("{at}/type"), "missing-type", messages::element_has_type());
            return;
        };
        self.ignored(element, at);
        let mut visible_if = outer.to_vec();
        visible_if.extend(self.condition(element, at));
        if ty == "panel" && depth < 8 {
            let title = self.text(element, "title", at);
            if !title.is_empty() {
                let name = self.name(element, at);
                out.push(Element {
                    name,
                    kind: Kind::Html(title),
                    visible_if: visible_if.clone(),
                    title: Text::default(),
                    description: Text::default(),
                    required: false,
                    required_error: Text::default(),
                });
            }
            return self.elements(element, at, &visible_if, depth + 1, out);
        }
        let name = self.name(element, at);
        let mut title = self.text(element, "title", at);
        if title.is_empty() {
            title = Text::plain(&name);
        }
        let description = self.text(element, "description", at);
        let required_error = self.text(element, "requiredErrorText", at);
        let required = self.flag(element, "isRequired", at);
        let kind = reader_kinds::kind(self, ty, element, at);
        out.push(Element { name, title, description, required, required_error, visible_if, kind });
    }

    fn name(&mut self, element: &Map<String, Value>, at: &str) -> String {
        let pointer = format!("{at}/name");
        let name = element.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let odd = |c: char| c.is_control() || matches!(c, '{' | '}');
        if name.trim().is_empty() || name.trim() != name {
            self.error(&pointer, "missing-name", messages::element_has_name());
        } else if name.chars().count() > bounds::NAME || name.chars().any(odd) {
            self.error(&pointer, "bad-name", messages::name_bound(bounds::NAME));
        } else if !self.names.insert(name.clone()) {
            self.error(&pointer, "duplicate-name", messages::name_twice(&name));
        }
        name
    }

    fn condition(&mut self, holder: &Map<String, Value>, at: &str) -> Option<Expr> {
        let pointer = format!("{at}/visibleIf");
        let text = match holder.get("visibleIf")? {
            Value::String(text) => text,
            _ => {
                self.error(&pointer, "bad-expression", messages::is_text("visibleIf"));
                return None;
            }
        };
        if text.trim().is_empty() {
            return None;
        }
        Expr::parse(text).map_err(|e| self.error(&pointer, "bad-expression", e.text())).ok()
    }

    /// A localised text; absent is empty.
    pub fn text(&mut self, holder: &Map<String, Value>, key: &str, at: &str) -> Text {
        let Some(value) = holder.get(key) else { return Text::default() };
        Text::read(value).unwrap_or_else(|| {
            self.error(&format!("{at}/{key}"), "bad-text", messages::text_or_languages());
            Text::default()
        })
    }

    pub fn flag(&mut self, holder: &Map<String, Value>, key: &str, at: &str) -> bool {
        match holder.get(key) {
            None => false,
            Some(Value::Bool(b)) => *b,
            Some(_) => {
                self.error(&format!("{at}/{key}"), "bad-flag", messages::is_flag(key));
                false
            }
        }
    }

    pub fn number(&mut self, holder: &Map<String, Value>, key: &str, at: &str) -> Option<f64> {
        let value = holder.get(key)?;
        let number = value.as_f64();
        if number.is_none() {
            self.error(&format!("{at}/{key}"), "bad-number", messages::is_number(key));
        }
        number
    }

    /// A count of things; SurveyJS writes 0 or -1 for "no bound".
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded before the cast"
    )]
    pub fn count(&mut self, holder: &Map<String, Value>, key: &str, at: &str) -> Option<usize> {
        self.number(holder, key, at).filter(|n| *n >= 1.0).map(|n| n.min(1e6) as usize)
    }

    /// `choices` or `rateValues`: scalars or `{value, text}`.
    pub fn choices(
        &mut self,
        holder: &Map<String, Value>,
        key: &str,
        at: &str,
        max: usize,
    ) -> Vec<Choice> {
        let pointer = format!("{at}/{key}");
        let Some(list) = holder.get(key).and_then(Value::as_array) else {
            self.error(&pointer, "missing-choices", messages::is_list(key));
            return vec![];
        };
        if list.is_empty() || list.len() > max {
            self.error(&pointer, "bad-choices", messages::members_between(key, 1, max));
            return vec![];
        }
        let mut keys = BTreeSet::new();
        let mut out = Vec::new();
        for (i, item) in list.iter().enumerate() {
            let at = format!("{pointer}/{i}");
            let value = item.get("value").unwrap_or(item).clone();
            if value.is_object() || value.is_array() || value.is_null() {
                self.error(&at, "bad-choice", messages::a_choice());
                continue;
            }
            let choice = Choice { label: self.choice_label(item, &value, &at), value };
            if !keys.insert(choice.key()) {
                self.error(&at, "duplicate-choice", messages::offered_twice(choice.key()));
            }
            out.push(choice);
        }
        out
    }

    fn choice_label(&mut self, item: &Value, value: &Value, at: &str) -> Text {
        let Some(item) = item.as_object() else {
            return Text::plain(&super::definition::plain(value));
        };
        for key in ["visibleIf", "enableIf"] {
            if item.contains_key(key) {
                self.warn(
                    &format!("{at}/{key}"),
                    "ignored-property",
                    messages::choice_not_carried_out(key),
                );
            }
        }
        let label = self.text(item, "text", at);
        if label.is_empty() { Text::plain(&super::definition::plain(value)) } else { label }
    }

    fn ignored(&mut self, holder: &Map<String, Value>, at: &str) {
        for key in holder.keys().filter(|k| IGNORED.contains(&k.as_str())) {
            self.warn(&format!("{at}/{key}"), "ignored-property", messages::not_carried_out(key));
        }
    }
}
