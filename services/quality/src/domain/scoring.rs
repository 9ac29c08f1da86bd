//! From answers to a score.
//!
//! *Weighted*: item q = (v − min)/(max − min); section S = Σw·q/Σw over answered, applicable items
//! (none → not applicable); form = 100·ΣW·S/ΣW over applicable sections. *Points*: 100·ΣW·w·v /
//! ΣW·w·max over answered, applicable items. In both, a failed section-fatal item makes its section
//! 0 before aggregation and a failed form-fatal item makes the form 0 at the very end; nothing
//! applicable gives no score, never 0. An item fails when it has its lowest value. Nothing is
//! rounded here.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answers::{Answer, number},
    scorecard::{Fatal, Form, Item, Mode, Section},
};

/// A score and how it came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Score {
    /// 0 to 100; absent when nothing was applicable.
    pub score: Option<f64>,
    /// 0 to 100 before any fatal item took effect.
    pub raw: Option<f64>,
    /// Whether a fatal item of any level failed.
    pub fatal: bool,
    /// What took the score away.
    pub fail_reason: Option<FailReason>,
    pub sections: Vec<SectionScore>,
    /// Every item, in the order of the form.
    pub trail: Vec<Step>,
}

/// The failed fatal items; `level` is the gravest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FailReason {
    pub level: Fatal,
    pub items: Vec<String>,
}

/// One section's share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SectionScore {
    pub section: String,
    /// 0 to 100 before a section-fatal item; absent when not applicable.
    pub raw: Option<f64>,
    /// 0 to 100.
    pub score: Option<f64>,
    /// Weight in the form.
    pub weight: f64,
    /// Share of the form's score, 0 to 1; 0 when not applicable.
    pub applied_weight: f64,
}

/// One item's share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    pub section: String,
    pub item: String,
    /// `answered`, `not_applicable`, `unanswered`, `not_scored`.
    pub state: String,
    /// Value answered, as number.
    pub value: Option<f64>,
    /// 0 to 1.
    pub quality: Option<f64>,
    /// Share of the form's score, 0 to 1.
    pub applied_weight: f64,
    /// Set when the item failed and is fatal.
    pub fatal: Option<Fatal>,
}

/// An item that counts: `got` of `of`, both times its weight.
struct Counted<'a> {
    item: &'a Item,
    value: f64,
    quality: f64,
    got: f64,
    of: f64,
}

struct SectionSum<'a> {
    section: &'a Section,
    counted: Vec<Counted<'a>>,
    got: f64,
    of: f64,
    fails: bool,
}

impl SectionSum<'_> {
    fn raw(&self) -> Option<f64> {
        (self.of > 0.0).then(|| self.got / self.of)
    }

    /// What the section weighs in the form: all its points, or just its weight.
    fn mass(&self, mode: Mode) -> f64 {
        match (mode, self.of > 0.0) {
            (_, false) => 0.0,
            (Mode::Weighted, true) => self.section.weight,
            (Mode::Points, true) => self.section.weight * self.of,
        }
    }
}

/// Scores `answers`, which fit the form (see [`super::answers::check`]); those that do not are
/// treated as unanswered.
#[must_use]
pub fn score(form: &Form, answers: &[Answer]) -> Score {
    let given: HashMap<&str, &Answer> = answers.iter().map(|a| (a.item.as_str(), a)).collect();
    let sums: Vec<SectionSum> = form.sections.iter().map(|s| sum(form.mode, s, &given)).collect();
    let mass: f64 = sums.iter().map(|s| s.mass(form.mode)).sum();
    let mean = |of_section: &dyn Fn(&SectionSum) -> Option<f64>| {
        let total: f64 = sums.iter().filter_map(|s| Some(s.mass(form.mode) * of_section(s)?)).sum();
        (mass > 0.0).then(|| 100.0 * total / mass)
    };
    let raw = mean(&|s| s.raw());
    let after_sections = mean(&|s| s.raw().map(|raw| if s.fails { 0.0 } else { raw }));
    let fail_reason = fail_reason(&sums);
    let form_fails = fail_reason.as_ref().is_some_and(|f| f.level == Fatal::Form);
    Score {
        score: if form_fails { Some(0.0) } else { after_sections },
        raw,
        fatal: fail_reason.is_some(),
        fail_reason,
        sections: sums.iter().map(|s| section_score(form.mode, s, mass)).collect(),
        trail: sums.iter().flat_map(|s| steps(form.mode, s, mass, &given)).collect(),
    }
}

fn sum<'a>(mode: Mode, section: &'a Section, given: &HashMap<&str, &Answer>) -> SectionSum<'a> {
    let counted: Vec<Counted> =
        section.items.iter().filter_map(|i| count(mode, i, given)).collect();
    let got = counted.iter().map(|c| c.got).sum();
    let of = counted.iter().map(|c| c.of).sum();
    let fails = counted.iter().any(|c| c.quality <= 0.0 && c.item.fatal == Fatal::Section);
    SectionSum { section, counted, got, of, fails }
}

fn count<'a>(mode: Mode, item: &'a Item, given: &HashMap<&str, &Answer>) -> Option<Counted<'a>> {
    let answer = given.get(item.key.as_str()).filter(|a| !a.na)?;
    let value = number(item, answer.value.as_ref()?)?;
    let (min, max) = item.answer.bounds()?;
    let quality = (value - min) / (max - min);
    let (got, of) = match mode {
        Mode::Weighted => (item.weight * quality, item.weight),
        Mode::Points => (item.weight * value, item.weight * max),
    };
    Some(Counted { item, value, quality, got, of })
}

fn fail_reason(sums: &[SectionSum]) -> Option<FailReason> {
    let failed: Vec<&Counted> = sums
        .iter()
        .flat_map(|s| &s.counted)
        .filter(|c| c.quality <= 0.0 && c.item.fatal != Fatal::None)
        .collect();
    let form = failed.iter().any(|c| c.item.fatal == Fatal::Form);
    let items: Vec<String> = failed.iter().map(|c| c.item.key.clone()).collect();
    let level = if form { Fatal::Form } else { Fatal::Section };
    (!items.is_empty()).then_some(FailReason { level, items })
}

fn section_score(mode: Mode, sum: &SectionSum, mass: f64) -> SectionScore {
    let raw = sum.raw().map(|raw| 100.0 * raw);
    SectionScore {
        section: sum.section.key.clone(),
        raw,
        score: if sum.fails { raw.map(|_| 0.0) } else { raw },
        weight: sum.section.weight,
        applied_weight: share(sum.mass(mode), mass),
    }
}

fn steps(mode: Mode, sum: &SectionSum, mass: f64, given: &HashMap<&str, &Answer>) -> Vec<Step> {
    let section_share = share(sum.mass(mode), mass);
    let step = |item: &Item| {
        let counted = sum.counted.iter().find(|c| c.item.key == item.key);
        let na = given.get(item.key.as_str()).is_some_and(|a| a.na);
        let state = match (counted.is_some(), item.answer.bounds().is_some(), na) {
            (true, ..) => "answered",
            (false, false, _) => "not_scored",
            (false, true, true) => "not_applicable",
            (false, true, false) => "unanswered",
        };
        Step {
            section: sum.section.key.clone(),
            item: item.key.clone(),
            state: state.to_owned(),
            value: counted.map(|c| c.value),
            quality: counted.map(|c| c.quality),
            applied_weight: counted.map_or(0.0, |c| section_share * share(c.of, sum.of)),
            fatal: counted
                .filter(|c| c.quality <= 0.0 && c.item.fatal != Fatal::None)
                .map(|c| c.item.fatal),
        }
    };
    sum.section.items.iter().map(step).collect()
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
#[path = "scoring_tests.rs"]
mod tests;
