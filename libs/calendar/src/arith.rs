//! Questions to a calendar: is it open, how much business time, when will it have passed.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::compiled::Calendar;
use crate::error::CalendarError;
use crate::hours::Span;
use crate::walk::{Piece, local_date, pieces_around};

/// How far a search for an instant goes before it fails with [`CalendarError::Unreachable`].
pub const HORIZON_YEARS: i64 = 20;

const HORIZON_DAYS: i64 = HORIZON_YEARS * 366;

/// 0001-01-01T00:00:00Z and 10000-01-01T00:00:00Z: far enough from the limits of `DateTime` that
/// offsets and the horizon can be added without overflow.
const EARLIEST: i64 = -62_135_596_800;
const LATEST: i64 = 253_402_300_800;

impl Calendar {
    /// Whether business time passes at this instant. Opening is included, closing is not.
    /// Outside the years 1 to 9999 the calendar is closed.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        if in_range(at).is_err() {
            return false;
        }
        let piece = Piece::starting(self.zone(), at);
        piece.clip(self.open(piece.date)).any(|(start, _)| start == at)
    }

    /// The first open instant at or after `at`: `at` itself while open.
    ///
    /// # Errors
    /// [`CalendarError::Unreachable`] if there is none within the horizon;
    /// [`CalendarError::OutOfRange`].
    pub fn next_open(&self, at: DateTime<Utc>) -> Result<DateTime<Utc>, CalendarError> {
        in_range(at)?;
        let limit = at + TimeDelta::days(HORIZON_DAYS);
        let mut start = at;
        while start < limit {
            let piece = Piece::starting(self.zone(), start);
            if let Some((opening, _)) = piece.clip(self.open(piece.date)).next() {
                return Ok(opening);
            }
            start = piece.end;
        }
        Err(CalendarError::Unreachable { from: at })
    }

    /// Business time in `[from, to)`, exact. Zero if `to` is not after `from`.
    pub fn business_time_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let mut at = from.max(instant(EARLIEST));
        let to = to.min(instant(LATEST));
        let mut total = TimeDelta::zero();
        while at < to {
            let piece = Piece::starting(self.zone(), at);
            if let Some((end, open)) = self.week_from(&piece)
                && end <= to
            {
                total += open;
                at = end;
                continue;
            }
            let piece = piece.until(to);
            total += piece.covered(self.open(piece.date));
            at = piece.end;
        }
        total
    }

    /// The earliest instant at which `business` time has passed since `from`. An amount that ends
    /// exactly at closing time ends there, not at the next opening. Zero or less: `from` itself.
    ///
    /// # Errors
    /// [`CalendarError::Unreachable`] beyond [`HORIZON_YEARS`]; [`CalendarError::OutOfRange`].
    pub fn add(
        &self,
        from: DateTime<Utc>,
        business: TimeDelta,
    ) -> Result<DateTime<Utc>, CalendarError> {
        if business <= TimeDelta::zero() {
            return Ok(from);
        }
        in_range(from)?;
        let limit = from + TimeDelta::days(HORIZON_DAYS);
        let mut remaining = business;
        let mut at = from;
        while at < limit {
            let piece = Piece::starting(self.zone(), at);
            if let Some((end, open)) = self.week_from(&piece)
                && open < remaining
            {
                remaining -= open;
                at = end;
                continue;
            }
            for (start, end) in piece.clip(self.open(piece.date)) {
                if end - start >= remaining {
                    return Ok(start + remaining);
                }
                remaining -= end - start;
            }
            at = piece.end;
        }
        Err(CalendarError::Unreachable { from })
    }

    /// The close of business of the `n`-th business day after the local date of `from`; that date
    /// itself is not counted. For `n` = 0, `from` itself.
    ///
    /// So "within 3 business days" of a Monday morning ends on Thursday at closing time, however
    /// late on Monday it was asked. This is how periods in days are counted in the Civil Code of
    /// the People's Republic of China, art. 201 (the day of the start is not counted) and art. 203
    /// (the last day ends when business stops).
    ///
    /// A business day is a date on which a shift begins; a night shift closes on the next morning.
    ///
    /// # Errors
    /// [`CalendarError::Unreachable`] beyond [`HORIZON_YEARS`]; [`CalendarError::OutOfRange`].
    pub fn add_business_days(
        &self,
        from: DateTime<Utc>,
        n: u32,
    ) -> Result<DateTime<Utc>, CalendarError> {
        if n == 0 {
            return Ok(from);
        }
        in_range(from)?;
        let mut date = local_date(self.zone(), from);
        let mut left = n;
        for _ in 0..HORIZON_DAYS {
            date = date + Days::new(1);
            if self.shifts(date).is_empty() {
                continue;
            }
            // Only the last day's closing is needed, but a day lost to a clock change has none.
            if let Some(closing) = self.closing(date) {
                left -= 1;
                if left == 0 {
                    return Ok(closing);
                }
            }
        }
        Err(CalendarError::Unreachable { from })
    }

    /// When the last shift that begins on a local date ends; `None` if no part of one takes place.
    fn closing(&self, date: NaiveDate) -> Option<DateTime<Utc>> {
        let next = date + Days::new(1);
        let shifts = self.shifts(date);
        let heads: Vec<Span> = shifts.iter().map(|shift| shift.head()).collect();
        let tails: Vec<Span> = match self.admits_tail(next) {
            true => shifts.iter().filter_map(|shift| shift.tail()).collect(),
            false => Vec::new(),
        };
        let ends = |piece: Piece| {
            let spans: &[Span] = if piece.date == date {
                &heads
            } else if piece.date == next {
                &tails
            } else {
                &[]
            };
            piece.clip(spans).map(|(_, end)| end).max()
        };
        pieces_around(self.zone(), date).filter_map(ends).max()
    }

    /// If seven dates without exception and without clock change begin with this piece: when they
    /// end, and their business time.
    fn week_from(&self, piece: &Piece) -> Option<(DateTime<Utc>, TimeDelta)> {
        let end = piece.whole_week(self.zone())?;
        Some((end, self.plain_week(piece.date)?))
    }
}

fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn in_range(at: DateTime<Utc>) -> Result<(), CalendarError> {
    match (EARLIEST..LATEST).contains(&at.timestamp()) {
        true => Ok(()),
        false => Err(CalendarError::OutOfRange { at }),
    }
}
