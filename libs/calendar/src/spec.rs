//! The definition of a calendar as a user configures and a store keeps it.
//!
//! Times of day stay the text that was entered, so that a stored definition reads back unchanged;
//! [`Calendar::new`](crate::Calendar::new) checks them and names the wrong one.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

/// Opening hours in one time zone.
///
/// An interval is `"HH:MM-HH:MM"`, half-open; the end may be `24:00`. An end before the start is a
/// night shift that runs into the next day: `"22:00-06:00"`. Overlapping intervals are merged.
///
/// What a date's hours are is decided by the first that applies: partial day, make-up workday,
/// holiday, week. A night shift belongs to the date it begins on: a holiday takes away the shift
/// that would begin on it, with its part after midnight. A holiday and a partial day also cut the
/// shift that comes in from the evening before, since a holiday is closed from 00:00 to 24:00 and
/// a partial day has exactly the hours listed.
///
/// ```json
/// {
///   "zone": "Asia/Shanghai",
///   "week": { "mon": ["09:00-12:00", "13:30-18:00"], "fri": ["22:00-06:00"] },
///   "holidays": [{ "date": "2026-10-01", "name": "国庆节" }],
///   "partial_days": [{ "date": "2026-02-16", "intervals": ["09:00-12:00"], "name": "除夕" }],
///   "makeup_workdays": [{ "date": "2026-10-10", "like": "mon", "name": "国庆调休" }]
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarSpec {
    /// IANA name, such as `Asia/Shanghai`.
    pub zone: String,
    /// Intervals of each weekday; a weekday that is missing is closed.
    #[serde(default)]
    pub week: BTreeMap<Weekday, Vec<String>>,
    /// Whole days off. A date may stand here twice: two feasts can share it.
    #[serde(default)]
    pub holidays: Vec<Holiday>,
    /// Dates with hours of their own.
    #[serde(default)]
    pub partial_days: Vec<PartialDay>,
    /// Dates worked like some weekday (调休).
    #[serde(default)]
    pub makeup_workdays: Vec<MakeupWorkday>,
}

/// A whole day off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    pub date: NaiveDate,
    #[serde(default)]
    pub name: String,
}

/// A date with exactly these hours; at least one interval (for none, use a [`Holiday`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialDay {
    pub date: NaiveDate,
    pub intervals: Vec<String>,
    #[serde(default)]
    pub name: String,
}

/// A date worked like the weekday `like`, which must have hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeupWorkday {
    pub date: NaiveDate,
    pub like: Weekday,
    #[serde(default)]
    pub name: String,
}

/// A day of the week, in JSON `"mon"` to `"sun"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Weekday {
    /// Monday to Sunday.
    pub const ALL: [Self; 7] =
        [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// The weekday of a date.
    pub fn of(date: NaiveDate) -> Self {
        Self::ALL[date.weekday().num_days_from_monday() as usize]
    }

    /// The name used in JSON.
    pub fn as_str(self) -> &'static str {
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][self as usize]
    }
}

impl CalendarSpec {
    /// Open at every instant, in UTC.
    pub fn always() -> Self {
        Self::on("UTC", &Weekday::ALL, "00:00-24:00")
    }

    /// The same interval from Monday to Friday. Nothing is checked before
    /// [`Calendar::new`](crate::Calendar::new).
    pub fn weekdays(zone: &str, interval: &str) -> Self {
        Self::on(zone, &Weekday::ALL[..5], interval)
    }

    fn on(zone: &str, days: &[Weekday], interval: &str) -> Self {
        Self {
            zone: zone.to_owned(),
            week: days.iter().map(|&day| (day, vec![interval.to_owned()])).collect(),
            holidays: Vec::new(),
            partial_days: Vec::new(),
            makeup_workdays: Vec::new(),
        }
    }
}
