//! The part of SurveyJS's expression language that `visibleIf` needs.
//!
//! Grammar after `packages/survey-core/src/expressions/grammar.pegjs` of surveyjs/survey-library:
//! `{name}` references, numbers, texts, booleans, arrays, comparison, `contains`, `notcontains`,
//! `anyof`, `allof`, `empty`, `notempty`, `and`, `or`, `!`/`negate`/`not` and parentheses.
//! Arithmetic and functions are refused when a survey is published, never silently ignored.

mod eval;
mod lexer;
mod parser;

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// Longest expression that is read, in characters.
pub const MAX_LENGTH: usize = 2_000;
/// Deepest nesting that is read.
pub const MAX_DEPTH: usize = 32;

/// Why an expression cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct ExprError {
    /// Position in characters, from 1.
    pub at: usize,
    pub message: kernel::Text,
}

impl ExprError {
    /// For the author of the survey.
    #[must_use]
    pub fn text(&self) -> kernel::Text {
        crate::messages::at_character(self.message.clone(), self.at)
    }
}

/// Operators between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    NotContains,
    AnyOf,
    AllOf,
}

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Const(Value),
    Array(Vec<Expr>),
    /// `{name}`: the answer to a question; empty while there is none.
    Ref(String),
    Not(Box<Expr>),
    Empty(Box<Expr>),
    NotEmpty(Box<Expr>),
    Binary(Op, Box<Expr>, Box<Expr>),
}

impl Op {
    /// Symbol by which the answer page's script and [`Expr::text`] name the operator.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Op::Or => "or",
            Op::And => "and",
            Op::Equal => "=",
            Op::NotEqual => "!=",
            Op::Less => "<",
            Op::LessOrEqual => "<=",
            Op::Greater => ">",
            Op::GreaterOrEqual => ">=",
            Op::Contains => "contains",
            Op::NotContains => "notcontains",
            Op::AnyOf => "anyof",
            Op::AllOf => "allof",
        }
    }
}

impl Expr {
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        parser::parse(text)
    }

    /// Names of all questions referred to.
    #[must_use]
    pub fn references(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.collect(&mut names);
        names
    }

    fn collect<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        match self {
            Expr::Const(_) => {}
            Expr::Ref(name) => {
                names.insert(name);
            }
            Expr::Array(items) => items.iter().for_each(|e| e.collect(names)),
            Expr::Not(e) | Expr::Empty(e) | Expr::NotEmpty(e) => e.collect(names),
            Expr::Binary(_, l, r) => {
                l.collect(names);
                r.collect(names);
            }
        }
    }

    /// The tree as nested arrays, operator first: what the answer page's script evaluates.
    #[must_use]
    pub fn tree(&self) -> Value {
        match self {
            Expr::Const(v) => json!(["const", v]),
            Expr::Ref(name) => json!(["ref", name]),
            Expr::Array(items) => Value::Array(
                std::iter::once(json!("array")).chain(items.iter().map(Expr::tree)).collect(),
            ),
            Expr::Not(e) => json!(["not", e.tree()]),
            Expr::Empty(e) => json!(["empty", e.tree()]),
            Expr::NotEmpty(e) => json!(["notempty", e.tree()]),
            Expr::Binary(op, l, r) => json!([op.symbol(), l.tree(), r.tree()]),
        }
    }

    /// Writes the expression so that [`Expr::parse`] gives the same tree again.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Expr::Const(Value::String(s)) => {
                format!("'{}'", s.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\""))
            }
            Expr::Const(v) => v.to_string(),
            Expr::Ref(name) => format!("{{{name}}}"),
            Expr::Array(items) => {
                format!("[{}]", items.iter().map(Expr::text).collect::<Vec<_>>().join(", "))
            }
            Expr::Not(e) => format!("!({})", e.text()),
            Expr::Empty(e) => format!("({}) empty", e.text()),
            Expr::NotEmpty(e) => format!("({}) notempty", e.text()),
            Expr::Binary(op, l, r) => format!("({}) {} ({})", l.text(), op.symbol(), r.text()),
        }
    }
}

pub use eval::is_empty;
