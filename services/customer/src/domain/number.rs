//! Customer numbers (客户服务编号): a pattern with the date and a running number.

use chrono::{DateTime, FixedOffset};

/// A checked pattern such as `C{yyyy}-{seq:6}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Year4,
    Year2,
    Month,
    Day,
    Sequence(usize),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    #[error(
        "the part {{{0}}} is none of {{yyyy}}, {{yy}}, {{mm}}, {{dd}}, {{seq:1}} to {{seq:12}}"
    )]
    Part(String),
    #[error("a pattern has exactly one {{seq:n}}")]
    Sequence,
    #[error("a brace is not closed")]
    Brace,
    #[error(
        "text between the parts is of letters, digits, '-', '_', '/' and at most 20 characters"
    )]
    Text,
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut parts = vec![];
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            let end = rest[start..].find('}').ok_or(InvalidPattern::Brace)? + start;
            parts.push(part(&rest[start + 1..end])?);
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if parts.iter().filter(|p| matches!(p, Part::Sequence(_))).count() != 1 {
            return Err(InvalidPattern::Sequence);
        }
        let sound =
            |t: &str| t.len() <= 20 && t.chars().all(|c| c.is_alphanumeric() || "-_/".contains(c));
        if !parts.iter().all(|p| if let Part::Text(t) = p { sound(t) } else { true }) {
            return Err(InvalidPattern::Text);
        }
        Ok(Self { parts })
    }

    /// Name of the counter that numbers of this moment are drawn from: everything but the running
    /// number, so that two numbers can be equal only if their counters are the same.
    #[must_use]
    pub fn counter(&self, at: DateTime<FixedOffset>) -> String {
        self.render(at, None)
    }

    #[must_use]
    pub fn number(&self, at: DateTime<FixedOffset>, sequence: i64) -> String {
        self.render(at, Some(sequence))
    }

    fn render(&self, at: DateTime<FixedOffset>, sequence: Option<i64>) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Year4 => at.format("%Y").to_string(),
                Part::Year2 => at.format("%y").to_string(),
                Part::Month => at.format("%m").to_string(),
                Part::Day => at.format("%d").to_string(),
                Part::Sequence(width) => match sequence {
                    Some(n) => format!("{n:0width$}"),
                    None => "#".to_owned(),
                },
            })
            .collect()
    }
}

fn part(text: &str) -> Result<Part, InvalidPattern> {
    let width = |digits: &str| digits.parse().ok().filter(|n| (1..=12).contains(n));
    match (text, text.strip_prefix("seq:").and_then(width)) {
        ("yyyy", _) => Ok(Part::Year4),
        ("yy", _) => Ok(Part::Year2),
        ("mm", _) => Ok(Part::Month),
        ("dd", _) => Ok(Part::Day),
        (_, Some(width)) => Ok(Part::Sequence(width)),
        _ => Err(InvalidPattern::Part(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_pattern() {
        let at = DateTime::parse_from_rfc3339("2026-03-01T00:30:00+08:00").unwrap();
        let pattern = Pattern::parse("C{yyyy}-{seq:6}").unwrap();
        assert_eq!(pattern.number(at, 42), "C2026-000042");
        assert_eq!(pattern.number(at, 12_345_678), "C2026-12345678");
        assert_eq!(pattern.counter(at), "C2026-#");
        assert_eq!(Pattern::parse("客{yy}{mm}{dd}{seq:4}").unwrap().number(at, 7), "客2603010007");
    }

    #[test]
    fn a_pattern_without_a_running_number_is_refused() {
        for bad in ["C{yyyy}", "{seq:0}", "{seq:x}", "{seq:6", "{seq:3}{seq:3}", "a b{seq:3}"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
