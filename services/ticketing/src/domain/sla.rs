//! Service-level policies: which one applies, and what it promises.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    config::{Text, yes},
    timer::{TermLevel, Terms},
    words,
};

/// Longest target and offset, in minutes: five years.
pub const MAX_MINUTES: f64 = 5.0 * 366.0 * 24.0 * 60.0;

/// A policy. Of all enabled ones whose conditions hold, each target is the strictest; warnings and
/// escalation levels of all of them count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub name: Text,
    /// Lower comes first: it matters to policies that are exclusive or have no conditions, and where
    /// targets are equal.
    pub order: i32,
    /// Whether policies after this one do not count where it holds, the one that the customer's tier
    /// names being the first: for a promise that shall stand though others are stricter.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exclusive: bool,
    #[serde(default)]
    pub when: When,
    /// Key of the calendar whose business time counts.
    #[schema(min_length = 1, max_length = 64)]
    pub calendar: String,
    /// Business minutes from creation to the first public answer by a member of staff; fractions
    /// are allowed. Null: none of this policy. Without any target a policy adds its warnings and
    /// levels to the targets of others.
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

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
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
    /// Its target for a metric, in business minutes.
    #[must_use]
    pub fn minutes(&self, metric: &str) -> Option<f64> {
        match metric {
            words::FIRST_RESPONSE => self.first_response_minutes,
            words::RESOLUTION => self.resolution_minutes,
            _ => None,
        }
    }

    /// Whether it has no target of its own and only adds warnings and levels to those of others.
    #[must_use]
    pub fn adds_only(&self) -> bool {
        self.first_response_minutes.is_none() && self.resolution_minutes.is_none()
    }
}

/// Minutes in whole microseconds.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "bounded to five years before")]
pub fn micros(minutes: f64) -> i64 {
    (minutes.clamp(0.0, MAX_MINUTES) * 60_000_000.0).round() as i64
}

/// The policies that count for a ticket: the one its customer's tier names (服务标准) first, if its
/// conditions hold, then all others whose conditions hold. `policies` are in ascending order.
///
/// An exclusive one ends the list. One with targets but without conditions is for whatever no
/// policy before it is for: as the first it counts for everything, as the last for the rest, and
/// anywhere for the tiers that name it.
#[must_use]
pub fn fitting<'a, P>(
    policies: &'a [P],
    of: impl Fn(&'a P) -> (&'a str, &'a Policy),
    named: Option<&str>,
    facts: &Facts<'_>,
) -> Vec<&'a P> {
    let is_named = |p: &&'a P| Some(of(p).0) == named;
    let mut held = false;
    let mut found: Vec<&P> = Vec::new();
    for p in policies {
        let policy = of(p).1;
        if !policy.enabled || !policy.when.holds(facts) {
            continue;
        }
        let general = policy.when == When::default();
        if is_named(&p) || !general || !held || policy.adds_only() {
            found.push(p);
        }
        held |= !general;
    }
    // Stable: the others stay in their order.
    found.sort_by_key(|p| !is_named(p));
    let last = found.iter().position(|p| of(p).1.exclusive);
    found.truncate(last.map_or(found.len(), |at| at + 1));
    found
}

/// What several policies promise together.
#[derive(Debug)]
pub struct Together<'a, P> {
    /// All that have a part in it, first the one whose target it is.
    pub policies: Vec<&'a P>,
    pub terms: Terms,
}

/// The strictest promise of `fitting` for a metric; none where none of them has such a target.
///
/// The strictest target is the one that is due first, as `due` tells for a policy's calendar and a
/// number of microseconds; of equal ones, the first. Warned is at every share that any of them
/// names, and each of the people above is told as soon as any of them says so.
///
/// # Errors
/// Those of `due`.
pub fn strictest<'a, P, E>(
    fitting: &[&'a P],
    of: impl Fn(&'a P) -> &'a Policy,
    metric: &str,
    due: impl Fn(&'a Policy, i64) -> Result<DateTime<Utc>, E>,
) -> Result<Option<Together<'a, P>>, E> {
    let mut first: Option<(DateTime<Utc>, i64, &'a P)> = None;
    for p in fitting {
        let Some(minutes) = of(p).minutes(metric) else { continue };
        let target = micros(minutes);
        let at = due(of(p), target)?;
        if first.as_ref().is_none_or(|(earliest, ..)| at < *earliest) {
            first = Some((at, target, p));
        }
    }
    let Some((_, target_us, first)) = first else { return Ok(None) };
    let others = fitting.iter().copied().filter(|p| !std::ptr::eq(*p, first));
    let others = others.filter(|p| of(p).minutes(metric).is_some() || of(p).adds_only());
    let policies: Vec<&P> = std::iter::once(first).chain(others).collect();
    let warn: BTreeSet<u32> =
        policies.iter().flat_map(|p| of(p).warn_percents.iter().copied()).collect();
    let levels = levels(policies.iter().map(|p| of(p)));
    let terms = Terms { target_us, warn: warn.into_iter().collect(), levels };
    Ok(Some(Together { policies, terms }))
}

/// Escalation levels by their time. Who is to be told by several policies is told as the one says
/// that tells first, with its reminders, and not by the others again.
fn levels<'a>(policies: impl Iterator<Item = &'a Policy>) -> Vec<TermLevel> {
    let mut by_target: BTreeMap<&str, Vec<(i64, usize)>> = BTreeMap::new();
    for policy in policies {
        let mut own: BTreeMap<&str, Vec<(i64, usize)>> = BTreeMap::new();
        for (place, level) in policy.escalations.iter().enumerate() {
            own.entry(&level.target).or_default().push((micros(level.after_minutes), place));
        }
        for (target, levels) in own {
            match by_target.get(target) {
                Some(known) if known.iter().min() <= levels.iter().min() => {}
                _ => drop(by_target.insert(target, levels)),
            }
        }
    }
    let mut all: Vec<((i64, usize), &str)> = by_target
        .into_iter()
        .flat_map(|(target, levels)| levels.into_iter().map(move |level| (level, target)))
        .collect();
    all.sort_unstable();
    all.into_iter()
        .map(|((after_us, _), target)| TermLevel { after_us, target: target.into() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::builtin;

    fn facts<'a>(priority: &'a str, tier: Option<&'a str>) -> Facts<'a> {
        Facts { kind: "complaint", category: None, priority, tier, org: "/acme/n", channel: "api" }
    }

    type Named = (&'static str, Policy);

    fn fit(policies: &[Named], named: Option<&str>, facts: &Facts<'_>) -> Vec<&'static str> {
        fitting(policies, |p| (p.0, &p.1), named, facts).into_iter().map(|p| p.0).collect()
    }

    /// Policies, target in minutes, warnings and levels.
    type Told = (Vec<&'static str>, i64, Vec<u32>, Vec<String>);

    /// The strictest promise round the clock.
    fn promise(policies: &[Named], metric: &str, facts: &Facts<'_>) -> Option<Told> {
        let fitting = fitting(policies, |p| (p.0, &p.1), None, facts);
        let start = DateTime::UNIX_EPOCH;
        let due = |_: &Policy, us| Ok::<_, ()>(start + chrono::TimeDelta::microseconds(us));
        let found = strictest(&fitting, |p| &p.1, metric, due).unwrap()?;
        let levels = found.terms.levels.iter();
        let levels = levels.map(|l| format!("{} {}", l.target, l.after_us / 60_000_000)).collect();
        let keys = found.policies.iter().map(|p| p.0).collect();
        Some((keys, found.terms.target_us / 60_000_000, found.terms.warn, levels))
    }

    fn with(order: i32, when: When, response: Option<f64>, resolution: Option<f64>) -> Policy {
        Policy {
            order,
            when,
            first_response_minutes: response,
            resolution_minutes: resolution,
            warn_percents: vec![],
            escalations: vec![],
            ..builtin::policies().remove(0).1
        }
    }

    fn sorted(mut policies: Vec<Named>) -> Vec<Named> {
        policies.sort_by_key(|p| p.1.order);
        policies
    }

    fn tiers(tier: &str) -> When {
        When { tiers: vec![tier.into()], ..When::default() }
    }

    #[test]
    fn key_accounts_are_never_served_later_than_others() {
        let policies = builtin::policies();
        for priority in ["low", "normal", "high", "urgent"] {
            for metric in [words::FIRST_RESPONSE, words::RESOLUTION] {
                let (_, vip, ..) =
                    promise(&policies, metric, &facts(priority, Some("vip"))).unwrap();
                let (_, other, ..) = promise(&policies, metric, &facts(priority, None)).unwrap();
                assert!(vip <= other, "{priority} {metric}: {vip} {other}");
            }
        }
        let urgent =
            promise(&policies, words::FIRST_RESPONSE, &facts("urgent", Some("vip"))).unwrap();
        assert_eq!((urgent.0, urgent.1), (vec!["urgent", "vip"], 15));
        let low = promise(&policies, words::RESOLUTION, &facts("low", Some("vip"))).unwrap();
        assert_eq!((low.0, low.1), (vec!["vip", "low"], 480));
    }

    #[test]
    fn all_that_fit_count_and_an_exclusive_one_ends_them() {
        let mut policies = builtin::policies();
        let vip = facts("high", Some("vip"));
        assert_eq!(fit(&policies, None, &facts("high", None)), ["high"]);
        assert_eq!(fit(&policies, None, &vip), ["vip", "high"]);
        assert_eq!(fit(&policies, Some("high"), &vip), ["high", "vip"]);
        assert_eq!(fit(&policies, Some("gone"), &facts("low", None)), ["low"]);
        assert_eq!(fit(&policies, Some("urgent"), &facts("low", None)), ["low"]);
        policies[0].1.exclusive = true;
        assert_eq!(fit(&policies, None, &vip), ["vip"]);
        assert_eq!(fit(&policies, Some("high"), &vip), ["high", "vip"]);
        policies[2].1.exclusive = true;
        assert_eq!(fit(&policies, Some("high"), &vip), ["high"]);
        policies[0].1.enabled = false;
        assert_eq!(fit(&policies, None, &vip), ["high"]);
    }

    #[test]
    fn without_conditions_a_policy_is_for_all_as_the_first_and_for_the_rest_as_the_last() {
        let mut policies = builtin::policies();
        policies.push(("house", with(1, When::default(), Some(200.0), None)));
        policies.push(("gold", with(500, When::default(), Some(1.0), Some(2.0))));
        let policies = sorted(policies);
        assert_eq!(fit(&policies, None, &facts("normal", None)), ["house", "normal"]);
        assert_eq!(
            fit(&policies, Some("gold"), &facts("normal", None)),
            ["gold", "house", "normal"]
        );
        assert_eq!(fit(&policies, None, &facts("odd", None)), ["house", "gold"]);
        let first = promise(&policies, words::FIRST_RESPONSE, &facts("normal", None)).unwrap();
        assert_eq!((first.0, first.1), (vec!["house", "normal"], 200));
        let resolution = promise(&policies, words::RESOLUTION, &facts("normal", None)).unwrap();
        assert_eq!(resolution.0, ["normal"], "`house` says nothing about it");
    }

    #[test]
    fn a_policy_without_targets_adds_its_warnings_and_levels() {
        let mut policies = builtin::policies();
        let when = When { kinds: vec!["complaint".into()], ..tiers("vip") };
        let level =
            |after_minutes: f64, target: &str| Level { after_minutes, target: target.into() };
        let mut more = with(900, when, None, None);
        more.warn_percents = vec![60, 75];
        more.escalations =
            vec![level(30.0, "director"), level(60.0, "director"), level(5.0, "supervisor")];
        policies.push(("vip-complaints", more));
        let vip = facts("urgent", Some("vip"));
        let (keys, target, warn, levels) = promise(&policies, words::FIRST_RESPONSE, &vip).unwrap();
        assert_eq!((keys, target), (vec!["urgent", "vip", "vip-complaints"], 15));
        assert_eq!(warn, [50, 60, 75, 90]);
        let expected = ["supervisor 0", "director 30", "department_head 60", "director 60"];
        assert_eq!(levels, expected);
        let (keys, _, warn, _) =
            promise(&policies, words::RESOLUTION, &facts("urgent", None)).unwrap();
        assert_eq!((keys, warn), (vec!["urgent"], vec![50, 75, 90]));
        let alone = vec![policies.pop().unwrap()];
        assert!(promise(&alone, words::RESOLUTION, &vip).is_none(), "it has no target to add to");
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
