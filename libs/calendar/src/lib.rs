//! Business time: opening hours, holidays, make-up workdays (调休) and deadlines with pauses.
//!
//! Pure: no I/O, no clock. The caller passes every instant, always in UTC.
//!
//! * [`CalendarSpec`] is the JSON a user writes; [`Calendar::new`] validates and compiles it.
//! * [`Calendar`] answers whether an instant is open, how much business time lies between two
//!   instants, and when an amount of business time will have passed.
//! * [`elapsed`], [`due`] and [`warning_at`] do the same for a timer with a ledger of [`Pause`]s.
//!
//! One rule carries everything: **an instant is open exactly when the wall clock in the zone shows
//! an open time of that local date.** It is resolved with the offset in force at that instant, so
//! past dates use the rules of their time (Asia/Shanghai had summer time from 1986 to 1991). An
//! hour skipped by a clock change holds no business time; an hour shown twice counts twice.
//!
//! Durations are exact ([`chrono::TimeDelta`]); nothing is rounded to minutes.
//!
//! ```
//! use calendar::{Calendar, CalendarSpec};
//! use chrono::{DateTime, TimeDelta, Utc};
//!
//! let calendar = Calendar::new(CalendarSpec::weekdays("Asia/Shanghai", "09:00-18:00"))?;
//! let friday: DateTime<Utc> = "2026-03-06T17:00:00+08:00".parse()?;
//! let monday: DateTime<Utc> = "2026-03-09T10:00:00+08:00".parse()?;
//! assert_eq!(calendar.add(friday, TimeDelta::hours(2))?, monday);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arith;
mod compiled;
mod error;
mod hours;
pub mod messages;
mod pause;
mod spec;
mod walk;

pub use arith::HORIZON_YEARS;
pub use compiled::Calendar;
pub use error::CalendarError;
pub use pause::{Due, Pause, due, elapsed, offset_after, warning_at};
pub use spec::{CalendarSpec, Holiday, MakeupWorkday, PartialDay, Weekday};
