//! Calendar months as periods of sampling and reporting.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Days, MappedLocalTime, Months, NaiveDate, NaiveTime, TimeZone, Utc};

/// A month, written `2026-03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(NaiveDate);

impl FromStr for Month {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let well_formed = text.len() == 7
            && text
                .bytes()
                .enumerate()
                .all(|(i, b)| if i == 4 { b == b'-' } else { b.is_ascii_digit() });
        let first = well_formed
            .then(|| format!("{text}-01").parse::<NaiveDate>().ok())
            .flatten()
            .ok_or(())?;
        let sensible = (1970..=2999).contains(&chrono::Datelike::year(&first));
        sensible.then_some(Self(first)).ok_or(())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

impl Month {
    /// Half-open bounds of the month by the wall clock of `zone`.
    #[must_use]
    pub fn bounds<Z: TimeZone>(self, zone: &Z) -> (DateTime<Utc>, DateTime<Utc>) {
        let next = self.0.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
        (midnight(zone, self.0), midnight(zone, next))
    }
}

/// First instant of a local date; where a clock change skips midnight, the first one after it.
fn midnight<Z: TimeZone>(zone: &Z, date: NaiveDate) -> DateTime<Utc> {
    let local = date.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.to_utc(),
        MappedLocalTime::None => {
            let later = local + chrono::TimeDelta::hours(1);
            let end = date.checked_add_days(Days::new(1)).unwrap_or(date).and_time(NaiveTime::MIN);
            zone.from_local_datetime(&later)
                .earliest()
                .map_or_else(|| end.and_utc(), |at| at.to_utc())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_starts_and_ends_at_local_midnight() {
        let zone = chrono::FixedOffset::east_opt(8 * 3600).unwrap();
        let (from, to) = "2026-12".parse::<Month>().unwrap().bounds(&zone);
        assert_eq!(from.to_rfc3339(), "2026-11-30T16:00:00+00:00");
        assert_eq!(to.to_rfc3339(), "2026-12-31T16:00:00+00:00");
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for bad in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "2026-3",
            "2026-03-01",
            "+026-03",
            "26-03-0",
            "０026-03",
            "0001-01",
        ] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }
}
