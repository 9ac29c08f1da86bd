//! Documents an enterprise configures, as they are stored and as the API shows them.

use calendar::CalendarSpec;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A name in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    #[schema(min_length = 1, max_length = 200)]
    pub zh: String,
    #[schema(min_length = 1, max_length = 200)]
    pub en: String,
}

impl Text {
    #[must_use]
    pub fn new(zh: &str, en: &str) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

/// A queue (队列): where tickets wait for somebody to take them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    pub name: Text,
    /// Kinds that go here; none means every kind that no other queue names.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub kinds: Vec<String>,
    /// Only tickets of this organisational unit and below; without it, of the whole enterprise.
    #[serde(default)]
    pub org: Option<String>,
    /// Key of the department that works on it.
    #[serde(default)]
    pub department: Option<String>,
    /// User id of who leads it.
    #[serde(default)]
    pub supervisor: Option<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// A department (部门) that can be asked or handed tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Department {
    pub name: Text,
    #[serde(default)]
    pub org: Option<String>,
    /// User id of its head.
    #[serde(default)]
    pub head: Option<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// A business calendar: opening hours, holidays, make-up workdays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BusinessCalendar {
    pub name: Text,
    /// `{"zone": "Asia/Shanghai", "week": {"mon": ["09:00-18:00"]}, "holidays": [{"date":
    /// "2026-10-01", "name": "国庆节"}], "partial_days": [], "makeup_workdays": []}`
    #[schema(value_type = Object)]
    pub spec: CalendarSpec,
}

pub(crate) fn yes() -> bool {
    true
}

/// The queue a new ticket waits in: the first enabled one that names its kind and covers its unit,
/// the closest unit first; else the first that takes every kind.
#[must_use]
pub fn queue_for<'a>(
    queues: impl IntoIterator<Item = (&'a str, &'a Queue)>,
    kind: &str,
    org: &str,
) -> Option<&'a str> {
    let covers = |unit: &str| {
        org.strip_prefix(unit).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    queues
        .into_iter()
        .filter(|(_, queue)| queue.enabled && queue.org.as_deref().is_none_or(covers))
        .filter(|(_, queue)| queue.kinds.is_empty() || queue.kinds.iter().any(|k| k == kind))
        .max_by_key(|(key, queue)| {
            let named = !queue.kinds.is_empty();
            let closeness = queue.org.as_deref().map_or(0, str::len);
            (named, closeness, std::cmp::Reverse(*key))
        })
        .map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(kinds: &[&str], org: Option<&str>) -> Queue {
        Queue {
            name: Text::new("队", "queue"),
            kinds: kinds.iter().map(|k| (*k).to_owned()).collect(),
            org: org.map(str::to_owned),
            department: None,
            supervisor: None,
            enabled: true,
        }
    }

    #[test]
    fn the_closest_queue_that_names_the_kind_wins() {
        let queues = [
            ("any", queue(&[], None)),
            ("complaints", queue(&["complaint"], None)),
            ("north", queue(&["complaint"], Some("/acme/north"))),
            ("off", Queue { enabled: false, ..queue(&["complaint"], Some("/acme/north/s1")) }),
        ];
        let pick = |kind, org| queue_for(queues.iter().map(|(k, q)| (*k, q)), kind, org);
        assert_eq!(pick("complaint", "/acme/north/s1"), Some("north"));
        assert_eq!(pick("complaint", "/acme/northeast"), Some("complaints"));
        assert_eq!(pick("repair", "/acme/north"), Some("any"));
    }
}
