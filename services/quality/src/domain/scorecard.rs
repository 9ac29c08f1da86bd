//! Scorecards (评分表): sections of items, weights, fatal levels; and what makes one publishable.

use std::collections::HashSet;

use kernel::{Fields, Problem, messages as shared};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{codes, messages};

/// Sections of one scorecard.
pub const MAX_SECTIONS: usize = 50;
/// Items of one section, options of one item.
pub const MAX_ITEMS: usize = 100;
/// Largest weight, number of points or bound of a range.
pub const MAX_NUMBER: f64 = 1_000_000.0;

/// A text for people in Chinese and English; at least one of them is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Titles {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub zh: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub en: Option<String>,
}

impl Titles {
    #[must_use]
    pub fn new(zh: &str, en: &str) -> Self {
        Self { zh: Some(zh.to_owned()), en: Some(en.to_owned()) }
    }

    /// Checks length and presence; errors point below `pointer`.
    pub fn check(&self, fields: &mut Fields, pointer: &str) {
        let given = self.zh.is_some() || self.en.is_some();
        fields.check(given, pointer, "required", messages::text_in_a_language());
        for (language, text) in [("zh", &self.zh), ("en", &self.en)] {
            if let Some(text) = text {
                fields.text(&format!("{pointer}/{language}"), text, 1, kernel::limits::NAME);
            }
        }
    }

    /// Chinese where there is one, else English.
    #[must_use]
    pub fn any(&self) -> &str {
        self.zh.as_deref().or(self.en.as_deref()).unwrap_or_default()
    }
}

/// How answers become a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Weighted mean of items per section, weighted mean of sections.
    Weighted,
    /// Points obtained of the points that were to be had.
    Points,
}

/// What a failed item takes with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fatal {
    #[default]
    None,
    /// The section counts 0.
    Section,
    /// The whole form counts 0.
    Form,
}

/// One choice of an `options` item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9_-]{1,40}$")]
    pub key: String,
    pub title: Titles,
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    pub points: f64,
}

/// What can be answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// `true` is 1, `false` is 0.
    YesNo,
    /// A whole number, both ends included.
    Scale {
        #[schema(minimum = -1_000_000, maximum = 1_000_000)]
        min: i32,
        #[schema(minimum = -1_000_000, maximum = 1_000_000)]
        max: i32,
    },
    /// The key of one choice.
    Options {
        #[schema(min_items = 2, max_items = 100)]
        options: Vec<Choice>,
    },
    /// Any number, both ends included.
    Range {
        #[schema(minimum = -1_000_000, maximum = 1_000_000)]
        min: f64,
        #[schema(minimum = -1_000_000, maximum = 1_000_000)]
        max: f64,
    },
    /// Words; never scored.
    Text,
}

impl Kind {
    /// Lowest and highest value of a scored item.
    #[must_use]
    pub fn bounds(&self) -> Option<(f64, f64)> {
        match self {
            Kind::YesNo => Some((0.0, 1.0)),
            Kind::Scale { min, max } => Some((f64::from(*min), f64::from(*max))),
            Kind::Range { min, max } => Some((*min, *max)),
            Kind::Options { options } => {
                let points = || options.iter().map(|o| o.points);
                Some((points().fold(f64::MAX, f64::min), points().fold(f64::MIN, f64::max)))
            }
            Kind::Text => None,
        }
    }
}

/// One thing to judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Unique in the scorecard.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9_-]{1,40}$")]
    pub key: String,
    pub title: Titles,
    pub answer: Kind,
    /// Weight within the section; text items have none.
    #[serde(default = "one")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub weight: f64,
    /// Whether "not applicable" may be answered.
    #[serde(default)]
    pub na_allowed: bool,
    /// What the lowest possible answer takes with it.
    #[serde(default)]
    pub fatal: Fatal,
    /// Help for the inspector.
    #[serde(default)]
    pub guidance: Option<Titles>,
    /// Whether an answer needs evidence.
    #[serde(default)]
    pub evidence_required: bool,
}

fn one() -> f64 {
    1.0
}

/// Items that are judged together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Unique in the scorecard.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9_-]{1,40}$")]
    pub key: String,
    pub title: Titles,
    #[serde(default = "one")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub weight: f64,
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<Item>,
}

/// The content of one version of a scorecard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Form {
    pub mode: Mode,
    #[schema(min_items = 1, max_items = 50)]
    pub sections: Vec<Section>,
}

impl Form {
    /// All items with their section.
    pub fn items(&self) -> impl Iterator<Item = (&Section, &Item)> {
        self.sections.iter().flat_map(|s| s.items.iter().map(move |i| (s, i)))
    }

    #[must_use]
    pub fn item(&self, key: &str) -> Option<&Item> {
        self.items().map(|(_, item)| item).find(|item| item.key == key)
    }

    /// What has to be true of a draft already: unique keys, numbers within bounds, ranges that are
    /// ranges. Errors point below `/form`.
    pub fn check(&self, fields: &mut Fields) {
        let count = |n: usize, max: usize| (1..=max).contains(&n);
        let n = self.sections.len();
        fields.check(
            count(n, MAX_SECTIONS),
            "/form/sections",
            "out-of-range",
            messages::sections_between(1, MAX_SECTIONS),
        );
        let (mut sections, mut items) = (HashSet::new(), HashSet::new());
        for (s, section) in self.sections.iter().enumerate() {
            let at = format!("/form/sections/{s}");
            check_key(fields, &at, &section.key, sections.insert(&section.key));
            section.title.check(fields, &format!("{at}/title"));
            check_weight(fields, &format!("{at}/weight"), section.weight);
            let n = section.items.len();
            fields.check(
                count(n, MAX_ITEMS),
                format!("{at}/items"),
                "out-of-range",
                messages::items_between(1, MAX_ITEMS),
            );
            for (i, item) in section.items.iter().enumerate() {
                let at = format!("{at}/items/{i}");
                check_key(fields, &at, &item.key, items.insert(&item.key));
                self.check_item(fields, &at, item);
            }
        }
    }

    fn check_item(&self, fields: &mut Fields, at: &str, item: &Item) {
        item.title.check(fields, &format!("{at}/title"));
        if let Some(guidance) = &item.guidance {
            guidance.check(fields, &format!("{at}/guidance"));
        }
        check_weight(fields, &format!("{at}/weight"), item.weight);
        if let Kind::Options { options } = &item.answer {
            let n = options.len();
            let pointer = format!("{at}/answer/options");
            fields.check(
                (2..=MAX_ITEMS).contains(&n),
                &pointer,
                "out-of-range",
                messages::options_between(2, MAX_ITEMS),
            );
            let mut keys = HashSet::new();
            for (o, option) in options.iter().enumerate() {
                let at = format!("{pointer}/{o}");
                check_key(fields, &at, &option.key, keys.insert(&option.key));
                option.title.check(fields, &format!("{at}/title"));
            }
        }
        let Some((min, max)) = item.answer.bounds() else {
            let scored = item.fatal != Fatal::None;
            fields.check(
                !scored,
                format!("{at}/fatal"),
                "text-is-not-scored",
                messages::text_is_not_fatal(),
            );
            return;
        };
        let answer = format!("{at}/answer");
        let finite = min.abs() <= MAX_NUMBER && max.abs() <= MAX_NUMBER;
        fields.check(finite, &answer, "out-of-range", messages::bounds_too_large());
        fields.check(min < max, &answer, "empty-range", messages::empty_range());
        let points = self.mode != Mode::Points || (min >= 0.0 && max > 0.0);
        fields.check(points, &answer, "negative-points", messages::negative_points());
    }

    /// Whether the form can give a score at all: weights that sum to 0 are refused.
    pub fn check_publishable(&self) -> Result<(), Problem> {
        let mut problem = Problem::of(&codes::WEIGHTS_SUM_TO_ZERO);
        let mut total = 0.0;
        for (s, section) in self.sections.iter().enumerate() {
            let scored = || section.items.iter().filter(|i| i.answer.bounds().is_some());
            let weight: f64 = scored().map(|i| i.weight).sum();
            if weight > 0.0 {
                total += section.weight;
            } else if scored().next().is_some() {
                let pointer = format!("/form/sections/{s}/items");
                problem =
                    problem.field(pointer, "sum-is-zero", messages::item_weights_sum_to_zero());
            }
        }
        if total <= 0.0 {
            let detail = messages::section_weights_sum_to_zero();
            problem = problem.field("/form/sections", "sum-is-zero", detail);
        }
        if problem.errors.is_empty() { Ok(()) } else { Err(problem) }
    }
}

/// Whether a key is 1 to 40 of `a-z 0-9 _ -`.
#[must_use]
pub fn is_key(key: &str) -> bool {
    (1..=40).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
}

fn check_key(fields: &mut Fields, at: &str, key: &str, first: bool) {
    let pointer = format!("{at}/key");
    fields.check(is_key(key), &pointer, "malformed", messages::key_form());
    fields.check(first, &pointer, "duplicate", messages::key_used_already());
}

fn check_weight(fields: &mut Fields, pointer: &str, weight: f64) {
    let fits = (0.0..=MAX_NUMBER).contains(&weight);
    fields.check(fits, pointer, "out-of-range", shared::between(0, 1_000_000));
}
