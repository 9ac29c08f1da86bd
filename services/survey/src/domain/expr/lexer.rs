//! Cuts an expression into tokens.

use kernel::Text;

use super::{ExprError, MAX_LENGTH};
use crate::messages;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Ref(String),
    Text(String),
    Number(f64),
    /// Keyword or unquoted text, as written.
    Word(String),
    /// One of `( ) [ ] ,` and the operator signs.
    Sign(&'static str),
}

/// Longer signs first, so that `<=` is not read as `<`.
const SIGNS: [&str; 17] =
    ["<=", ">=", "==", "!=", "<>", "||", "&&", "*=", "=", "<", ">", "!", "(", ")", "[", "]", ","];

pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ExprError> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > MAX_LENGTH {
        return Err(error(MAX_LENGTH, messages::expression_too_long(MAX_LENGTH)));
    }
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let start = at;
        let token = match c {
            ' ' | '\t' | '\n' | '\r' => {
                at += 1;
                continue;
            }
            '{' => reference(&chars, &mut at)?,
            '\'' | '"' => quoted(&chars, &mut at)?,
            '0'..='9' | '-' => number(&chars, &mut at)?,
            c if c.is_alphabetic() || c == '_' => word(&chars, &mut at),
            _ => sign(&chars, &mut at)?,
        };
        out.push((start + 1, token));
    }
    Ok(out)
}

pub(super) fn error(at: usize, message: Text) -> ExprError {
    ExprError { at, message }
}

fn reference(chars: &[char], at: &mut usize) -> Result<Token, ExprError> {
    let start = *at;
    let end = chars[start + 1..]
        .iter()
        .position(|c| matches!(c, '{' | '}'))
        .map(|n| start + 1 + n)
        .filter(|end| chars[*end] == '}')
        .ok_or_else(|| error(start + 1, messages::reference_not_closed()))?;
    let name: String = chars[start + 1..end].iter().collect();
    if name.trim().is_empty() {
        return Err(error(start + 1, messages::reference_names_nothing()));
    }
    *at = end + 1;
    Ok(Token::Ref(name.trim().to_owned()))
}

fn quoted(chars: &[char], at: &mut usize) -> Result<Token, ExprError> {
    let (start, quote) = (*at, chars[*at]);
    let mut text = String::new();
    *at += 1;
    while let Some(&c) = chars.get(*at) {
        *at += 1;
        match c {
            '\\' => match chars.get(*at) {
                Some(&escaped @ ('\'' | '"' | '\\')) => {
                    text.push(escaped);
                    *at += 1;
                }
                _ => text.push('\\'),
            },
            c if c == quote => return Ok(Token::Text(text)),
            c => text.push(c),
        }
    }
    Err(error(start + 1, messages::text_not_closed()))
}

fn number(chars: &[char], at: &mut usize) -> Result<Token, ExprError> {
    let start = *at;
    let rest = &chars[start..];
    let minus = usize::from(rest[0] == '-');
    let len = minus
        + rest[minus..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '.').count();
    let text: String = rest[..len].iter().collect();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    let value = text.parse::<f64>().ok().filter(|n| plain && n.is_finite() && !text.ends_with('.'));
    *at += len;
    value.map(Token::Number).ok_or_else(|| error(start + 1, messages::no_number(text)))
}

fn word(chars: &[char], at: &mut usize) -> Token {
    let rest = &chars[*at..];
    let len = rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
    *at += len;
    Token::Word(rest[..len].iter().collect())
}

fn sign(chars: &[char], at: &mut usize) -> Result<Token, ExprError> {
    let found =
        SIGNS.iter().find(|s| s.chars().enumerate().all(|(i, c)| chars.get(*at + i) == Some(&c)));
    match found {
        Some(sign) => {
            *at += sign.len();
            Ok(Token::Sign(sign))
        }
        None => Err(error(*at + 1, messages::not_understood(chars[*at]))),
    }
}
