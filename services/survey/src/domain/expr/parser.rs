//! Recursive descent over the tokens; the levels of precedence are those of SurveyJS's grammar:
//! `or` < `and` < comparison < `contains…` < `!`, `empty`.

use serde_json::{Number, Value, json};

use super::{Expr, ExprError, MAX_DEPTH, Op, lexer};
use crate::messages;
use lexer::{Token, error};

pub(super) fn parse(text: &str) -> Result<Expr, ExprError> {
    let tokens = lexer::tokens(text)?;
    if tokens.is_empty() {
        return Err(error(1, messages::expression_empty()));
    }
    let end = text.chars().count() + 1;
    let mut parser = Parser { tokens, next: 0, depth: 0, end };
    let expr = parser.or()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.unexpected(messages::operator_expected())),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(at, _)| *at)
    }

    fn unexpected(&self, wanted: kernel::Text) -> ExprError {
        error(self.at(), wanted)
    }

    /// Takes the next token if it is one of the signs or words; words ignore case.
    fn take(&mut self, spellings: &[&str]) -> bool {
        let found = match self.peek() {
            Some(Token::Sign(sign)) => spellings.contains(sign),
            Some(Token::Word(word)) => spellings.iter().any(|s| s.eq_ignore_ascii_case(word)),
            _ => false,
        };
        self.next += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Expr, ExprError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(error(self.at(), messages::nested_too_deeply(MAX_DEPTH)));
        }
        let mut left = self.and()?;
        while self.take(&["||", "or"]) {
            left = binary(Op::Or, left, self.and()?);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, ExprError> {
        let mut left = self.comparison()?;
        while self.take(&["&&", "and"]) {
            left = binary(Op::And, left, self.comparison()?);
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expr, ExprError> {
        let mut left = self.membership()?;
        while let Some(op) = self.operator(&[
            (Op::LessOrEqual, &["<=", "lessorequal"]),
            (Op::GreaterOrEqual, &[">=", "greaterorequal"]),
            (Op::Equal, &["=", "==", "equal"]),
            (Op::NotEqual, &["!=", "<>", "notequal"]),
            (Op::Less, &["<", "less"]),
            (Op::Greater, &[">", "greater"]),
        ]) {
            left = binary(op, left, self.membership()?);
        }
        Ok(left)
    }

    fn membership(&mut self) -> Result<Expr, ExprError> {
        let mut left = self.factor()?;
        while let Some(op) = self.operator(&[
            (Op::Contains, &["*=", "contains", "contain"]),
            (Op::NotContains, &["notcontains", "notcontain"]),
            (Op::AnyOf, &["anyof"]),
            (Op::AllOf, &["allof"]),
        ]) {
            left = binary(op, left, self.factor()?);
        }
        Ok(left)
    }

    fn operator(&mut self, table: &[(Op, &[&str])]) -> Option<Op> {
        table.iter().find(|(_, spellings)| self.take(spellings)).map(|(op, _)| *op)
    }

    fn factor(&mut self) -> Result<Expr, ExprError> {
        let mut negations = 0;
        while self.take(&["!", "not", "negate"]) {
            negations += 1;
            if negations > MAX_DEPTH {
                return Err(error(self.at(), messages::nested_too_deeply(MAX_DEPTH)));
            }
        }
        let mut expr = self.primary()?;
        if self.take(&["empty"]) {
            expr = Expr::Empty(Box::new(expr));
        } else if self.take(&["notempty"]) {
            expr = Expr::NotEmpty(Box::new(expr));
        }
        Ok((0..negations).fold(expr, |e, _| Expr::Not(Box::new(e))))
    }

    fn primary(&mut self) -> Result<Expr, ExprError> {
        if self.take(&["("]) {
            let inner = self.or()?;
            return if self.take(&[")"]) {
                Ok(inner)
            } else {
                Err(self.unexpected(messages::closing_expected()))
            };
        }
        if self.take(&["["]) {
            return self.array();
        }
        let value = match self.peek() {
            Some(Token::Ref(name)) => Expr::Ref(name.clone()),
            Some(Token::Text(text)) => Expr::Const(json!(text)),
            Some(Token::Number(n)) => Expr::Const(number(*n)),
            Some(Token::Word(word)) => Expr::Const(
                constant(word).ok_or_else(|| self.unexpected(messages::value_expected()))?,
            ),
            _ => return Err(self.unexpected(messages::value_expected())),
        };
        self.next += 1;
        if matches!(value, Expr::Const(Value::String(_))) && self.peek() == Some(&Token::Sign("("))
        {
            return Err(error(self.at(), messages::no_functions()));
        }
        Ok(value)
    }

    fn array(&mut self) -> Result<Expr, ExprError> {
        let mut items = Vec::new();
        if self.take(&["]"]) {
            return Ok(Expr::Array(items));
        }
        loop {
            items.push(self.or()?);
            if self.take(&["]"]) {
                return Ok(Expr::Array(items));
            }
            if !self.take(&[","]) {
                return Err(self.unexpected(messages::comma_or_end_expected()));
            }
        }
    }
}

fn binary(op: Op, left: Expr, right: Expr) -> Expr {
    Expr::Binary(op, Box::new(left), Box::new(right))
}

/// Whole numbers stay whole, so that they compare and print as the survey's author wrote them.
#[allow(clippy::cast_possible_truncation, reason = "the value is whole and within ±2^53")]
fn number(n: f64) -> Value {
    if n.fract() == 0.0 && n.abs() < 9e15 {
        json!(n as i64)
    } else {
        Number::from_f64(n).map_or(Value::Null, Value::Number)
    }
}

/// An unquoted word is a text, as in SurveyJS; keywords in the place of a value are an error.
fn constant(word: &str) -> Option<Value> {
    const KEYWORDS: [&str; 21] = [
        "and",
        "or",
        "not",
        "negate",
        "empty",
        "notempty",
        "contains",
        "contain",
        "notcontains",
        "notcontain",
        "anyof",
        "allof",
        "equal",
        "notequal",
        "less",
        "greater",
        "lessorequal",
        "greaterorequal",
        "power",
        "plus",
        "minus",
    ];
    match word.to_ascii_lowercase().as_str() {
        "true" => Some(json!(true)),
        "false" => Some(json!(false)),
        "null" | "undefined" => Some(Value::Null),
        keyword if KEYWORDS.contains(&keyword) => None,
        _ => Some(json!(word)),
    }
}
