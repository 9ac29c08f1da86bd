//! Service-level policies: which one applies, and what it promises.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    config::{Text, yes},
    timer::{TermLevel, Terms},
};

/// Longest target and offset, in minutes: five years.
pub const MAX_MINUTES: f64 = 5.0 * 366.0 * 24.0 * 60.0;

/// A policy; the first enabled one whose conditions hold applies, in ascending `order`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub name: Text,
    /// Lower is tried first.
    pub order: i32,
    #[serde(default)]
    pub when: When,
    /// Key of the calendar whose business time counts.
    #[schema(min_length = 1, max_length = 64)]
    pub calendar: String,
    /// Business minutes from creation to the first public answer by a member of staff; fractions
    /// are allowed. Null: no such timer.
    #[serde(default)]
    #[schema(exclusive_minimum = 0, maximum = 2635200)]
    pub first_response_minutes: Option<f64>,
    /// Business minutes from creation to resolution, pauses excluded.
    #[serde(default)]
    #[schema(exclusive_minimum = 0, maximum = 2635200)]
    pub resolution_minutes: Option<f64>,
    /// Shares of the target at which handler and first responder are warned.
    #[serde(default = "default_percents")]
    #[schema(max_items = 10)]
    pub warn_percents: Vec<u32>,
    /// Levels told after the deadline.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub escalations: Vec<Level>,
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// Conditions; an empty list holds for everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    #[schema(max_items = 100)]
    pub kinds: Vec<String>,
    #[schema(max_items = 100)]
    pub categories: Vec<String>,
    #[schema(max_items = 4)]
    pub priorities: Vec<String>,
    #[schema(max_items = 100)]
    pub tiers: Vec<String>,
    /// Organisational units, each with everything below it.
    #[schema(max_items = 100)]
    pub orgs: Vec<String>,
    #[schema(max_items = 20)]
    pub channels: Vec<String>,
}

/// One escalation level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Business minutes after the deadline.
    #[schema(minimum = 0, maximum = 2635200)]
    pub after_minutes: f64,
    /// Who is told.
    #[schema(pattern = "^(supervisor|department_head|director)$")]
    pub target: String,
}

fn default_percents() -> Vec<u32> {
    vec![50, 75, 90]
}

/// What a policy's conditions look at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub kind: &'a str,
    pub category: Option<&'a str>,
    pub priority: &'a str,
    pub tier: Option<&'a str>,
    pub org: &'a str,
    pub channel: &'a str,
}

impl When {
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        let among = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|v| list.iter().any(|item| item == v))
        };
        let within = |unit: &String| {
            facts
                .org
                .strip_prefix(unit.as_str())
                .is_some_and(|r| r.is_empty() || r.starts_with('/'))
        };
        among(&self.kinds, Some(facts.kind))
            && among(&self.categories, facts.category)
            && among(&self.priorities, Some(facts.priority))
            && among(&self.tiers, facts.tier)
            && among(&self.channels, Some(facts.channel))
            && (self.orgs.is_empty() || self.orgs.iter().any(within))
    }
}

impl Policy {
    /// Terms of a timer of this policy; `None` without a target.
    #[must_use]
    pub fn terms(&self, minutes: Option<f64>) -> Option<Terms> {
        let levels = self.escalations.iter().map(|level| TermLevel {
            after_us: micros(level.after_minutes),
            target: level.target.clone(),
        });
        Some(Terms {
            target_us: micros(minutes?),
            warn: self.warn_percents.clone(),
            levels: levels.collect(),
        })
    }
}

/// Minutes in whole microseconds.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "bounded to five years before")]
pub fn micros(minutes: f64) -> i64 {
    (minutes.clamp(0.0, MAX_MINUTES) * 60_000_000.0).round() as i64
}

/// The policy of a ticket: the one its customer's tier names (服务标准) if its conditions hold,
/// else the first that holds. `policies` are in ascending order.
#[must_use]
pub fn choose<'a, P>(
    policies: &'a [P],
    of: impl Fn(&'a P) -> (&'a str, &'a Policy),
    named: Option<&str>,
    facts: &Facts<'_>,
) -> Option<&'a P> {
    let applies = |p: &&'a P| {
        let policy = of(p).1;
        policy.enabled && policy.when.holds(facts)
    };
    let by_name = policies.iter().find(|p| Some(of(p).0) == named && applies(p));
    by_name.or_else(|| policies.iter().find(applies))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::builtin;

    fn facts<'a>(priority: &'a str, tier: Option<&'a str>) -> Facts<'a> {
        Facts { kind: "complaint", category: None, priority, tier, org: "/acme/n", channel: "api" }
    }

    #[test]
    fn the_first_match_in_order_applies() {
        let policies = builtin::policies();
        let pick = |named, facts| choose(&policies, |p| (p.0, &p.1), named, &facts).map(|p| p.0);
        assert_eq!(pick(None, facts("high", None)), Some("high"));
        assert_eq!(pick(None, facts("high", Some("vip"))), Some("vip"));
        assert_eq!(pick(Some("high"), facts("high", Some("vip"))), Some("high"));
        assert_eq!(pick(Some("gone"), facts("low", None)), Some("low"));
        assert_eq!(pick(Some("urgent"), facts("low", None)), Some("low"));
    }

    #[test]
    fn every_condition_counts() {
        let mut when = When { orgs: vec!["/acme/n".into()], ..When::default() };
        assert!(when.holds(&facts("low", None)));
        when.categories = vec!["late".into()];
        assert!(!when.holds(&facts("low", None)));
        let elsewhere = When { orgs: vec!["/acme/north".into()], ..When::default() };
        assert!(!elsewhere.holds(&facts("low", None)));
    }

    #[test]
    fn fractions_of_a_minute_are_kept() {
        assert_eq!(micros(0.05), 3_000_000);
    }
}
