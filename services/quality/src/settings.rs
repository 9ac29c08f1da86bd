//! Section `[quality]` of the settings, and the rules made from it.

use calendar::{Calendar, CalendarSpec, Holiday, MakeupWorkday, Weekday};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::Problem;
use serde::Deserialize;

/// Defaults in the binary.
pub const DEFAULTS: &str = r#"
# Time zone of working days and of the months of reports (IANA name).
zone = "Asia/Shanghai"
# Hours of a working day, Monday to Friday; a limit in days ends at closing time.
hours = "09:00-18:00"
# Days off, and days worked like a Monday (调休): "2026-10-01".
holidays = []
makeup_workdays = []
# Working days to appeal against a published evaluation.
appeal_days = 2
# Working days to mend what was found.
rectify_days = 3
# A published score below this opens a rectification.
low_score = 60.0
"#;

/// The section as it is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub zone: String,
    pub hours: String,
    pub holidays: Vec<NaiveDate>,
    pub makeup_workdays: Vec<NaiveDate>,
    pub appeal_days: u32,
    pub rectify_days: u32,
    pub low_score: f64,
}

/// The checked rules.
#[derive(Debug, Clone)]
pub struct Rules {
    pub calendar: Calendar,
    pub appeal_days: u32,
    pub rectify_days: u32,
    /// 0 to 100.
    pub low_score: f64,
}

impl Settings {
    /// Checks the settings.
    pub fn rules(self) -> Result<Rules, host::Error> {
        let mut faults = vec![];
        for (name, days) in [("appeal_days", self.appeal_days), ("rectify_days", self.rectify_days)]
        {
            if !(1..=365).contains(&days) {
                faults.push(format!("quality.{name}: must be 1 to 365 working days, not {days}"));
            }
        }
        if !(0.0..=100.0).contains(&self.low_score) {
            faults.push(format!("quality.low_score: must be 0 to 100, not {}", self.low_score));
        }
        let mut spec = CalendarSpec::weekdays(&self.zone, &self.hours);
        let day_off = |date| Holiday { date, name: String::new() };
        spec.holidays = self.holidays.into_iter().map(day_off).collect();
        let worked = |date| MakeupWorkday { date, like: Weekday::Mon, name: String::new() };
        spec.makeup_workdays = self.makeup_workdays.into_iter().map(worked).collect();
        match Calendar::new(spec) {
            Ok(calendar) if faults.is_empty() => Ok(Rules {
                calendar,
                appeal_days: self.appeal_days,
                rectify_days: self.rectify_days,
                low_score: self.low_score,
            }),
            Ok(_) => Err(host::Error::Settings(faults)),
            Err(e) => {
                faults.push(format!("quality.zone, hours, holidays, makeup_workdays: {e}"));
                Err(host::Error::Settings(faults))
            }
        }
    }
}

impl Rules {
    /// Until when an evaluation published at `now` may be appealed.
    pub fn appeal_until(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
        Ok(self.calendar.add_business_days(now, self.appeal_days)?)
    }

    /// When a rectification opened at `now` is due.
    pub fn rectify_until(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
        Ok(self.calendar.add_business_days(now, self.rectify_days)?)
    }
}
