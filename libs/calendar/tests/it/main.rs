//! Tests through the public interface: known answers, clock changes, pauses, properties.

mod clock_changes;
mod known;
mod pauses;
mod properties;
mod spec;

use calendar::{Calendar, CalendarSpec};
use chrono::{DateTime, TimeDelta, Utc};

/// An instant from RFC 3339 text.
fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn h(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

fn m(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

/// A calendar from the JSON a user would write.
fn calendar(json: &str) -> Calendar {
    let spec: CalendarSpec = serde_json::from_str(json).expect("a readable specification");
    Calendar::new(spec).expect("a valid calendar")
}

fn office(zone: &str) -> Calendar {
    Calendar::new(CalendarSpec::weekdays(zone, "09:00-18:00")).expect("a valid calendar")
}
