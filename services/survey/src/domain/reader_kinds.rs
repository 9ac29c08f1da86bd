//! What is particular to each element type.

use serde_json::{Map, Value, json};

use super::{
    definition::{Choice, Kind, bounds},
    reader::Reader,
    text::Text,
};
use crate::messages;

type Object = Map<String, Value>;

/// Bounds found among an element's validators.
#[derive(Debug, Default)]
struct Limits {
    min: Option<f64>,
    max: Option<f64>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    min_count: Option<usize>,
    max_count: Option<usize>,
}

pub(super) fn kind(reader: &mut Reader, ty: &str, element: &Object, at: &str) -> Kind {
    let limits = validators(reader, element, at);
    match ty {
        "rating" => rating(reader, element, at),
        "radiogroup" => Kind::Radio(reader.choices(element, "choices", at, bounds::CHOICES)),
        "checkbox" => checkbox(reader, element, at, &limits),
        "comment" => comment(reader, element, at, &limits, true),
        "text" => match element.get("inputType").and_then(Value::as_str).unwrap_or("text") {
            "text" => comment(reader, element, at, &limits, false),
            "number" => Kind::Number {
                min: reader.number(element, "min", at).or(limits.min),
                max: reader.number(element, "max", at).or(limits.max),
            },
            other => {
                reader.warn(
                    &format!("{at}/inputType"),
                    "ignored-property",
                    messages::input_as_text(other),
                );
                comment(reader, element, at, &limits, false)
            }
        },
        "boolean" => boolean(reader, element, at),
        "html" => html(reader, element, at),
        other => {
            reader.warn(
                &format!("{at}/type"),
                "unknown-element",
                messages::element_not_shown(other),
            );
            Kind::Unknown(other.to_owned())
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "steps are whole numbers of a bounded count")]
fn rating(reader: &mut Reader, element: &Object, at: &str) -> Kind {
    let steps = if element.contains_key("rateValues") {
        reader.choices(element, "rateValues", at, bounds::STEPS)
    } else {
        let min = reader.number(element, "rateMin", at).unwrap_or(1.0);
        let step = reader.number(element, "rateStep", at).unwrap_or(1.0);
        let count = reader.number(element, "rateCount", at);
        let max = reader
            .number(element, "rateMax", at)
            .unwrap_or(count.map_or(min.max(1.0) + 4.0, |n| min + (n - 1.0) * step));
        let whole = [min, max, step].iter().all(|n| n.fract() == 0.0 && n.abs() < 1e6);
        if !whole || step < 1.0 || max <= min || (max - min) / step >= bounds::STEPS as f64 {
            reader.error(at, "bad-rating", messages::rating_steps(bounds::STEPS));
            vec![]
        } else {
            (min as i64..=max as i64)
                .step_by(step as usize)
                .map(|n| Choice { value: json!(n), label: Text::plain(&n.to_string()) })
                .collect()
        }
    };
    let display = ["rateType", "rateDisplayMode"].iter().find_map(|k| element.get(*k)?.as_str());
    Kind::Rating {
        steps,
        low: reader.text(element, "minRateDescription", at),
        high: reader.text(element, "maxRateDescription", at),
        stars: display == Some("stars"),
    }
}

fn checkbox(reader: &mut Reader, element: &Object, at: &str, limits: &Limits) -> Kind {
    let choices = reader.choices(element, "choices", at, bounds::CHOICES);
    let min = reader.count(element, "minSelectedChoices", at).or(limits.min_count);
    let max = reader.count(element, "maxSelectedChoices", at).or(limits.max_count);
    if min.is_some_and(|min| min > choices.len() || max.is_some_and(|max| max < min)) {
        reader.error(at, "bad-bounds", messages::nobody_can_choose());
    }
    Kind::Checkbox { choices, min, max }
}

fn comment(
    reader: &mut Reader,
    element: &Object,
    at: &str,
    limits: &Limits,
    multiline: bool,
) -> Kind {
    let own = reader.count(element, "maxLength", at).or(limits.max_length);
    let max = own.unwrap_or(bounds::COMMENT).min(bounds::COMMENT);
    if limits.min_length.is_some_and(|min| min > max) {
        reader.error(at, "bad-bounds", messages::nobody_can_write());
    }
    Kind::Comment {
        multiline,
        min: limits.min_length,
        max,
        placeholder: reader.text(element, "placeholder", at),
    }
}

fn boolean(reader: &mut Reader, element: &Object, at: &str) -> Kind {
    let label = |reader: &mut Reader, key: &str, en: &str, zh: &str| {
        let own = reader.text(element, key, at);
        if !own.is_empty() {
            return own;
        }
        Text::read(&json!({ "default": en, "zh-cn": zh })).unwrap_or_default()
    };
    for key in ["valueTrue", "valueFalse"] {
        if element.contains_key(key) {
            reader.warn(&format!("{at}/{key}"), "ignored-property", messages::answer_is_flag(key));
        }
    }
    Kind::Boolean {
        yes: label(reader, "labelTrue", "Yes", "是"),
        no: label(reader, "labelFalse", "No", "否"),
    }
}

fn html(reader: &mut Reader, element: &Object, at: &str) -> Kind {
    let text = reader.text(element, "html", at);
    reader.warn(&format!("{at}/html"), "html-as-text", messages::html_as_text());
    Kind::Html(text)
}

fn validators(reader: &mut Reader, element: &Object, at: &str) -> Limits {
    let mut limits = Limits::default();
    let list = element.get("validators").and_then(Value::as_array);
    for (i, validator) in list.into_iter().flatten().enumerate() {
        let at = format!("{at}/validators/{i}");
        let Some(validator) = validator.as_object() else {
            reader.error(&at, "not-an-object", messages::validator_is_object());
            continue;
        };
        match validator.get("type").and_then(Value::as_str).unwrap_or_default() {
            "numeric" | "numericvalidator" => {
                limits.min = reader.number(validator, "minValue", &at);
                limits.max = reader.number(validator, "maxValue", &at);
            }
            "text" | "textvalidator" => {
                limits.min_length = reader.count(validator, "minLength", &at);
                limits.max_length = reader.count(validator, "maxLength", &at);
            }
            "answercount" | "answercountvalidator" => {
                limits.min_count = reader.count(validator, "minCount", &at);
                limits.max_count = reader.count(validator, "maxCount", &at);
            }
            other => {
                reader.warn(&at, "ignored-validator", messages::validator_not_carried_out(other))
            }
        }
    }
    limits
}

/// The words of a piece of markup: tags are dropped, the usual entities are resolved.
#[must_use]
pub fn words(markup: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in markup.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let plain = [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(out, |text, (entity, plain)| text.replace(entity, plain));
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
