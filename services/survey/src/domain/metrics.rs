//! Which question of a survey measures what.

use kernel::{Arg, Fields, Problem, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    answers::Answers,
    definition::{Choice, Definition, Element, Kind},
};
use crate::messages;

/// Names of the questions that carry the survey's figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Satisfaction: a rating of exactly 1 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub csat: Option<String>,
    /// Likelihood to recommend: a rating of exactly 0 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub nps: Option<String>,
    /// The respondent's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub comment: Option<String>,
    /// Whether the matter is settled: a yes/no question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub settled: Option<String>,
}

/// The figures of one response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    pub csat: Option<i32>,
    pub nps: Option<i32>,
    pub comment: Option<String>,
    pub settled: Option<bool>,
}

impl Metrics {
    /// Whether every named question exists and has the scale that its figure needs.
    pub fn check(&self, definition: &Definition) -> Result<(), Problem> {
        let mut fields = Fields::new();
        let mut check = |name: &Option<String>,
                         pointer: &str,
                         fits: &dyn Fn(&Element) -> bool,
                         wanted: Text| {
            let Some(name) = name else { return };
            match definition.question(name) {
                None => fields.check(
                    false,
                    pointer,
                    "unknown-question",
                    messages::no_question(name, Arg::list(definition.questions().map(|q| &q.name))),
                ),
                Some(q) => fields.check(
                    fits(q),
                    pointer,
                    "wrong-scale",
                    messages::question_must_be(name, wanted),
                ),
            }
        };
        check(&self.csat, "/metrics/csat", &|q| scale(q, 1, 5), messages::rating_exactly(1, 5));
        check(&self.nps, "/metrics/nps", &|q| scale(q, 0, 10), messages::rating_exactly(0, 10));
        check(
            &self.comment,
            "/metrics/comment",
            &|q| matches!(q.kind, Kind::Comment { .. }),
            messages::comment_or_text(),
        );
        check(
            &self.settled,
            "/metrics/settled",
            &|q| matches!(q.kind, Kind::Boolean { .. }),
            messages::yes_or_no(),
        );
        fields.finish()
    }

    /// Reads the figures out of an accepted answer.
    #[must_use]
    pub fn measure(&self, answers: &Answers) -> Measured {
        Measured {
            csat: score(answers, self.csat.as_deref()),
            nps: score(answers, self.nps.as_deref()),
            comment: get(answers, self.comment.as_deref())
                .and_then(Value::as_str)
                .map(str::to_owned),
            settled: get(answers, self.settled.as_deref()).and_then(Value::as_bool),
        }
    }

    /// Question behind a metric's name, or the question of that name itself.
    #[must_use]
    pub fn question<'a>(&'a self, name: &'a str) -> &'a str {
        let metric = match name {
            "csat" => self.csat.as_deref(),
            "nps" => self.nps.as_deref(),
            _ => None,
        };
        metric.unwrap_or(name)
    }

    /// Score that the rule about bad answers looks at.
    #[must_use]
    pub fn score(&self, answers: &Answers, name: &str) -> Option<i32> {
        score(answers, Some(self.question(name)))
    }
}

fn get<'a>(answers: &'a Answers, name: Option<&str>) -> Option<&'a Value> {
    answers.get(name?)
}

fn score(answers: &Answers, name: Option<&str>) -> Option<i32> {
    get(answers, name).and_then(Value::as_i64).and_then(|n| i32::try_from(n).ok())
}

fn scale(question: &Element, from: i64, to: i64) -> bool {
    let Kind::Rating { steps, .. } = &question.kind else { return false };
    let wanted: Vec<Value> = (from..=to).map(|n| json!(n)).collect();
    let offered = |c: &Choice| wanted.contains(&c.value);
    steps.len() == wanted.len() && steps.iter().all(offered)
}
