//! The monthly service-quality report (服务质量汇报): figures from what the events told.
//!
//! A figure without observations has no value; every figure carries numerator, denominator and
//! definition, so that it can be counted again by hand.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    appeal::EvaluationState,
    report_terms::{Term, term},
    scorecard::Titles,
    stats,
};

/// Days within which the same customer coming back with the same kind of matter is a repeat.
pub const REPEAT_DAYS: i64 = 7;

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figure {
    /// Stable name.
    pub key: String,
    pub title: Titles,
    /// `count`, `minutes`, `percent`, `score` (0 to 100), `nps` (−100 to 100).
    pub unit: String,
    /// Absent when there is nothing to compute it from.
    pub value: Option<f64>,
    pub numerator: Option<f64>,
    /// Number of observations.
    pub denominator: Option<f64>,
    /// 95 % interval of the value, where one is defined.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub definition: Titles,
}

/// A ticket as the report needs it.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub kind: String,
    pub customer_id: Option<Uuid>,
    /// Opened as consequence of another ticket.
    pub follow_up: bool,
    pub opened_at: DateTime<Utc>,
    pub first_responded_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub reopen_count: i32,
    pub response_attained: Option<bool>,
    pub resolution_attained: Option<bool>,
}

/// An answer of the period.
#[derive(Debug, Clone)]
pub struct SurveyScore {
    pub csat: Option<i32>,
    pub nps: Option<i32>,
}

/// An evaluation published in the period.
#[derive(Debug, Clone)]
pub struct Evaluated {
    pub score: Option<f64>,
    pub fatal: bool,
    pub state: EvaluationState,
    pub appeal_until: Option<DateTime<Utc>>,
    /// Outcome of its appeal: `None` without an appeal, `Some(None)` while undecided.
    pub appeal: Option<Option<String>>,
}

/// A rectification whose first limit lies in the period.
#[derive(Debug, Clone)]
pub struct Mended {
    pub first_due_at: DateTime<Utc>,
    pub done_at: Option<DateTime<Utc>>,
}

/// Everything that the report of one period is made from.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Half-open period.
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub now: DateTime<Utc>,
    /// Tickets opened, answered, resolved or closed in the period or opened within
    /// [`REPEAT_DAYS`] after it.
    pub tickets: Vec<Ticket>,
    pub answers: Vec<SurveyScore>,
    pub evaluations: Vec<Evaluated>,
    pub rectifications: Vec<Mended>,
}

impl Inputs {
    fn within(&self, at: Option<DateTime<Utc>>) -> bool {
        at.is_some_and(|at| self.from <= at && at < self.to)
    }
}

/// Computes all figures, in the order of the report.
#[must_use]
pub fn figures(i: &Inputs) -> Vec<Figure> {
    [volumes(i), times(i), attainment(i), voices(i), inspection(i), rectification(i)].concat()
}

fn volumes(i: &Inputs) -> Vec<Figure> {
    let opened: Vec<&Ticket> = i.tickets.iter().filter(|t| i.within(Some(t.opened_at))).collect();
    let resolved: Vec<&Ticket> = i.tickets.iter().filter(|t| i.within(t.resolved_at)).collect();
    let closed = i.tickets.iter().filter(|t| i.within(t.closed_at)).count();
    let complaints = opened.iter().filter(|t| t.kind == "complaint").count();
    let reopened = resolved.iter().filter(|t| t.reopen_count > 0).count();
    let repeated = resolved.iter().filter(|t| came_back(t, &i.tickets)).count();
    vec![
        count("opened", opened.len()),
        count("resolved", resolved.len()),
        count("closed", closed),
        rate("complaint_rate", complaints, opened.len()),
        rate("reopen_rate", reopened, resolved.len()),
        rate("repeat_rate", repeated, resolved.len()),
    ]
}

fn came_back(ticket: &Ticket, all: &[Ticket]) -> bool {
    let (Some(customer), Some(resolved)) = (ticket.customer_id, ticket.resolved_at) else {
        return false;
    };
    let until = resolved + TimeDelta::days(REPEAT_DAYS);
    all.iter().any(|other| {
        other.customer_id == Some(customer)
            && other.kind == ticket.kind
            && !other.follow_up
            && resolved < other.opened_at
            && other.opened_at <= until
    })
}

fn times(i: &Inputs) -> Vec<Figure> {
    let minutes = |end: fn(&Ticket) -> Option<DateTime<Utc>>| -> Vec<f64> {
        let of_period = i.tickets.iter().filter(|t| i.within(end(t)));
        of_period
            .filter_map(|t| Some((end(t)? - t.opened_at).num_milliseconds() as f64 / 60_000.0))
            .collect()
    };
    let response = minutes(|t| t.first_responded_at);
    let resolution = minutes(|t| t.resolved_at);
    vec![
        quantile("first_response_median", &response, 0.5),
        quantile("first_response_p90", &response, 0.9),
        quantile("resolution_median", &resolution, 0.5),
        quantile("resolution_p90", &resolution, 0.9),
    ]
}

fn attainment(i: &Inputs) -> Vec<Figure> {
    let judged = |at: fn(&Ticket) -> Option<DateTime<Utc>>,
                  attained: fn(&Ticket) -> Option<bool>|
     -> Vec<bool> {
        i.tickets.iter().filter(|t| i.within(at(t))).filter_map(attained).collect()
    };
    let share =
        |key, judged: &[bool]| rate(key, judged.iter().filter(|a| **a).count(), judged.len());
    vec![
        share("sla_response", &judged(|t| t.first_responded_at, |t| t.response_attained)),
        share("sla_resolution", &judged(|t| t.resolved_at, |t| t.resolution_attained)),
    ]
}

fn voices(i: &Inputs) -> Vec<Figure> {
    let csat: Vec<i32> = i.answers.iter().filter_map(|a| a.csat).collect();
    let nps: Vec<i32> = i.answers.iter().filter_map(|a| a.nps).collect();
    let top2 = csat.iter().filter(|c| **c >= 4).count();
    let mut satisfaction = rate("satisfaction", top2, csat.len());
    if let Some((low, high)) = stats::wilson(top2 as u64, csat.len() as u64) {
        (satisfaction.low, satisfaction.high) = (Some(100.0 * low), Some(100.0 * high));
    }
    let balance = nps
        .iter()
        .map(|n| {
            if *n >= 9 {
                1.0
            } else if *n <= 6 {
                -1.0
            } else {
                0.0
            }
        })
        .sum::<f64>();
    let score = (!nps.is_empty()).then(|| 100.0 * balance / nps.len() as f64);
    vec![satisfaction, figure("nps", score, Some(balance), Some(nps.len() as f64))]
}

fn inspection(i: &Inputs) -> Vec<Figure> {
    let counted: Vec<&Evaluated> =
        i.evaluations.iter().filter(|e| e.state.counts(e.appeal_until, i.now)).collect();
    let scores: Vec<f64> = counted.iter().filter_map(|e| e.score).collect();
    let fatal = counted.iter().filter(|e| e.fatal).count();
    let appealed = i.evaluations.iter().filter(|e| e.appeal.is_some()).count();
    let outcomes: Vec<&str> =
        i.evaluations.iter().filter_map(|e| e.appeal.as_ref()?.as_deref()).collect();
    let successful = outcomes.iter().filter(|o| matches!(**o, "accepted" | "partly")).count();
    let sum = (!scores.is_empty()).then(|| scores.iter().sum());
    vec![
        figure("inspection_score", stats::mean(&scores), sum, Some(scores.len() as f64)),
        rate("fatal_rate", fatal, counted.len()),
        rate("appeal_rate", appealed, i.evaluations.len()),
        rate("appeal_success", successful, outcomes.len()),
    ]
}

fn rectification(i: &Inputs) -> Vec<Figure> {
    let judged: Vec<&Mended> =
        i.rectifications.iter().filter(|r| r.done_at.is_some() || r.first_due_at < i.now).collect();
    let on_time =
        judged.iter().filter(|r| r.done_at.is_some_and(|done| done <= r.first_due_at)).count();
    vec![rate("rectification_on_time", on_time, judged.len())]
}

fn count(key: &'static str, n: usize) -> Figure {
    figure(key, Some(n as f64), Some(n as f64), None)
}

fn rate(key: &'static str, hits: usize, of: usize) -> Figure {
    let value = (of > 0).then(|| 100.0 * hits as f64 / of as f64);
    figure(key, value, Some(hits as f64), Some(of as f64))
}

fn quantile(key: &'static str, values: &[f64], q: f64) -> Figure {
    figure(key, stats::quantile(values, q), None, Some(values.len() as f64))
}

fn figure(
    key: &'static str,
    value: Option<f64>,
    numerator: Option<f64>,
    denominator: Option<f64>,
) -> Figure {
    let Term { title, unit, definition } = term(key);
    Figure {
        key: key.to_owned(),
        title: Titles::new(title.0, title.1),
        unit: unit.to_owned(),
        value,
        numerator,
        denominator,
        low: None,
        high: None,
        definition: Titles::new(definition.0, definition.1),
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
