//! A validated calendar, ready to be asked: the open minutes of every local date.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use chrono_tz::Tz;

use crate::error::CalendarError;
use crate::hours::{Span, merge};
use crate::messages;
use crate::spec::{CalendarSpec, Weekday};

/// Opening hours that were checked. Cheap to ask, immutable; made by [`Calendar::new`].
#[derive(Debug, Clone)]
pub struct Calendar {
    spec: CalendarSpec,
    zone: Tz,
    /// Shifts that begin on a weekday; they may run past midnight.
    week_shifts: [Vec<Span>; 7],
    /// Open minutes of a weekday, with what comes in from the evening before.
    week_open: [Vec<Span>; 7],
    week_total: TimeDelta,
    exceptions: BTreeMap<NaiveDate, Exception>,
    /// Open minutes of the dates that may differ from their weekday: each exception and the date
    /// after it, whose early hours can be the end of an exceptional night shift.
    special_open: BTreeMap<NaiveDate, Vec<Span>>,
}

/// A date that does not follow its weekday.
#[derive(Debug, Clone, Default)]
struct Exception {
    shifts: Vec<Span>,
    /// Whether a shift of the evening before goes on into this date.
    admits_tail: bool,
}

impl Calendar {
    /// Checks and compiles a specification.
    ///
    /// # Errors
    /// [`CalendarError::Invalid`] with the path of the first fault: unknown zone, malformed or
    /// empty interval, a date outside the years 1900 to 2999, a date given twice as partial day or
    /// as make-up workday, a partial day without hours, a make-up workday like a closed weekday,
    /// or a calendar that is never open.
    pub fn new(spec: CalendarSpec) -> Result<Self, CalendarError> {
        let zone = spec.zone.parse::<Tz>().map_err(|_| {
            CalendarError::invalid("/zone", kernel::messages::a_time_zone(&spec.zone))
        })?;
        let mut week_shifts: [Vec<Span>; 7] = Default::default();
        for (day, intervals) in &spec.week {
            week_shifts[*day as usize] = parse_all(&format!("/week/{}", day.as_str()), intervals)?;
        }
        let exceptions = exceptions(&spec, &week_shifts)?;
        let mut calendar = Self {
            spec,
            zone,
            week_shifts,
            week_open: Default::default(),
            week_total: TimeDelta::zero(),
            exceptions,
            special_open: BTreeMap::new(),
        };
        calendar.compile_open_minutes();
        calendar.reject_never_open()?;
        Ok(calendar)
    }

    /// The specification this calendar was made from, unchanged.
    pub fn spec(&self) -> &CalendarSpec {
        &self.spec
    }

    /// The time zone.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    fn compile_open_minutes(&mut self) {
        for day in 0..7 {
            let evening_before = &self.week_shifts[(day + 6) % 7];
            self.week_open[day] = open_minutes(&self.week_shifts[day], evening_before);
        }
        self.week_total =
            self.week_open.iter().flatten().map(|s| TimeDelta::minutes(s.minutes().into())).sum();
        let touched: BTreeSet<NaiveDate> =
            self.exceptions.keys().flat_map(|&date| [date, date + Days::new(1)]).collect();
        for date in touched {
            let evening_before =
                if self.admits_tail(date) { self.shifts(date - Days::new(1)) } else { &[] };
            let open = open_minutes(self.shifts(date), evening_before);
            self.special_open.insert(date, open);
        }
    }

    fn reject_never_open(&self) -> Result<(), CalendarError> {
        let open_in_week = !self.week_total.is_zero();
        let open_by_exception = self.special_open.values().any(|open| !open.is_empty());
        if open_in_week || open_by_exception {
            return Ok(());
        }
        Err(CalendarError::invalid("/week", messages::never_open()))
    }

    /// The shifts that begin on a date; they may run past midnight.
    pub(crate) fn shifts(&self, date: NaiveDate) -> &[Span] {
        match self.exceptions.get(&date) {
            Some(exception) => &exception.shifts,
            None => &self.week_shifts[Weekday::of(date) as usize],
        }
    }

    /// Whether a shift of the evening before goes on into this date.
    pub(crate) fn admits_tail(&self, date: NaiveDate) -> bool {
        self.exceptions.get(&date).is_none_or(|exception| exception.admits_tail)
    }

    /// The open minutes of a local date: sorted, apart from each other, within the day.
    pub(crate) fn open(&self, date: NaiveDate) -> &[Span] {
        match self.special_open.get(&date) {
            Some(open) => open,
            None => &self.week_open[Weekday::of(date) as usize],
        }
    }

    /// Business time of the seven dates from `date` if all of them follow the week.
    pub(crate) fn plain_week(&self, date: NaiveDate) -> Option<TimeDelta> {
        let plain = self.special_open.range(date..date + Days::new(7)).next().is_none();
        plain.then_some(self.week_total)
    }
}

/// Collects the exceptions, the weakest first so that a stronger one replaces it.
fn exceptions(
    spec: &CalendarSpec,
    week: &[Vec<Span>; 7],
) -> Result<BTreeMap<NaiveDate, Exception>, CalendarError> {
    let mut exceptions = BTreeMap::new();
    for (index, holiday) in spec.holidays.iter().enumerate() {
        check_year(&format!("/holidays/{index}/date"), holiday.date)?;
        exceptions.insert(holiday.date, Exception::default());
    }
    let mut seen = BTreeSet::new();
    for (index, makeup) in spec.makeup_workdays.iter().enumerate() {
        let path = format!("/makeup_workdays/{index}");
        check_date(&format!("{path}/date"), makeup.date, &mut seen)?;
        let shifts = week[makeup.like as usize].clone();
        if shifts.is_empty() {
            let message = messages::closed_weekday(makeup.like.as_str());
            return Err(CalendarError::invalid(format!("{path}/like"), message));
        }
        exceptions.insert(makeup.date, Exception { shifts, admits_tail: true });
    }
    seen.clear();
    for (index, partial) in spec.partial_days.iter().enumerate() {
        let path = format!("/partial_days/{index}");
        check_date(&format!("{path}/date"), partial.date, &mut seen)?;
        let shifts = parse_all(&format!("{path}/intervals"), &partial.intervals)?;
        if shifts.is_empty() {
            let message = messages::day_without_interval();
            return Err(CalendarError::invalid(format!("{path}/intervals"), message));
        }
        exceptions.insert(partial.date, Exception { shifts, admits_tail: false });
    }
    Ok(exceptions)
}

fn check_date(
    path: &str,
    date: NaiveDate,
    seen: &mut BTreeSet<NaiveDate>,
) -> Result<(), CalendarError> {
    check_year(path, date)?;
    if !seen.insert(date) {
        return Err(CalendarError::invalid(path, messages::date_twice(date)));
    }
    Ok(())
}

fn check_year(path: &str, date: NaiveDate) -> Result<(), CalendarError> {
    if (1900..=2999).contains(&date.year()) {
        return Ok(());
    }
    Err(CalendarError::invalid(path, messages::year_out_of_range(date)))
}

fn parse_all(path: &str, intervals: &[String]) -> Result<Vec<Span>, CalendarError> {
    let parse = |(index, text): (usize, &String)| {
        Span::parse(text)
            .map_err(|message| CalendarError::invalid(format!("{path}/{index}"), message))
    };
    intervals.iter().enumerate().map(parse).collect()
}

fn open_minutes(shifts: &[Span], evening_before: &[Span]) -> Vec<Span> {
    let heads = shifts.iter().map(|shift| shift.head());
    merge(heads.chain(evening_before.iter().filter_map(|shift| shift.tail())).collect())
}
