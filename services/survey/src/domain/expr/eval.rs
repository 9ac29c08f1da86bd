//! Evaluates an expression as SurveyJS does: comparison is loose (`'5' = 5`, texts ignore case and
//! outer blanks), a comparison of size with an empty value is false, arrays compare as sets.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Expr, Op};

/// Looks up the answer to a question.
pub type Lookup<'a> = dyn Fn(&str) -> Option<Value> + 'a;

impl Expr {
    /// Whether the expression holds for the given answers.
    #[must_use]
    pub fn holds(&self, answer: &Lookup) -> bool {
        truthy(&self.value(answer))
    }

    fn value(&self, answer: &Lookup) -> Value {
        match self {
            Expr::Const(v) => v.clone(),
            Expr::Array(items) => Value::Array(items.iter().map(|e| e.value(answer)).collect()),
            Expr::Ref(name) => answer(name).unwrap_or(Value::Null),
            Expr::Not(e) => Value::Bool(!e.holds(answer)),
            Expr::Empty(e) => Value::Bool(is_empty(&e.value(answer))),
            Expr::NotEmpty(e) => Value::Bool(!is_empty(&e.value(answer))),
            Expr::Binary(Op::And, l, r) => Value::Bool(l.holds(answer) && r.holds(answer)),
            Expr::Binary(Op::Or, l, r) => Value::Bool(l.holds(answer) || r.holds(answer)),
            Expr::Binary(op, l, r) => Value::Bool(compare(*op, &l.value(answer), &r.value(answer))),
        }
    }
}

/// No answer: null, blank text, array or object without members.
#[must_use]
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(s) => s.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        other => !is_empty(other),
    }
}

fn compare(op: Op, left: &Value, right: &Value) -> bool {
    match op {
        Op::Equal => equal(left, right),
        Op::NotEqual => !equal(left, right),
        Op::Less => order(left, right) == Some(Ordering::Less),
        Op::LessOrEqual => matches!(order(left, right), Some(Ordering::Less | Ordering::Equal)),
        Op::Greater => order(left, right) == Some(Ordering::Greater),
        Op::GreaterOrEqual => {
            matches!(order(left, right), Some(Ordering::Greater | Ordering::Equal))
        }
        Op::Contains => contains(left, right),
        Op::NotContains => !contains(left, right),
        Op::AnyOf => any_of(left, right),
        Op::AllOf => elements(right).iter().all(|wanted| contains(left, wanted)),
        Op::And | Op::Or => truthy(left) && truthy(right),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        _ => None,
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    if is_empty(left) || is_empty(right) {
        return is_empty(left) && is_empty(right);
    }
    if let (Some(l), Some(r)) = (number(left), number(right)) {
        return (l - r).abs() < f64::EPSILON;
    }
    match (left, right) {
        (Value::Array(l), Value::Array(r)) => {
            l.len() == r.len() && l.iter().all(|x| r.iter().any(|y| equal(x, y)))
        }
        (Value::String(l), Value::String(r)) => l.trim().to_lowercase() == r.trim().to_lowercase(),
        (Value::Bool(b), Value::String(s)) | (Value::String(s), Value::Bool(b)) => {
            s.trim().eq_ignore_ascii_case(if *b { "true" } else { "false" })
        }
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    if is_empty(left) || is_empty(right) {
        return None;
    }
    match (number(left), number(right)) {
        (Some(l), Some(r)) => l.partial_cmp(&r),
        _ => match (left, right) {
            (Value::String(l), Value::String(r)) => Some(l.cmp(r)),
            _ => None,
        },
    }
}

fn elements(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

/// An array contains an element (or every element of another array), a text contains a text.
fn contains(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(_), Value::Array(wanted)) => wanted.iter().all(|w| contains(left, w)),
        (Value::Array(items), wanted) => items.iter().any(|item| equal(item, wanted)),
        (Value::String(text), Value::String(part)) => {
            !part.is_empty() && text.contains(part.as_str())
        }
        _ => !is_empty(left) && equal(left, right),
    }
}

/// A single choice is among the values, or a multiple choice shares one with them.
fn any_of(left: &Value, right: &Value) -> bool {
    if is_empty(left) {
        return is_empty(right);
    }
    elements(right).iter().any(|wanted| elements(left).iter().any(|item| equal(item, wanted)))
}
