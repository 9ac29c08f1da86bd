//! Going through time in pieces that lie in one local date and at one offset from UTC.
//!
//! `chrono-tz` does not list its transitions, so a change of offset is found by comparing both
//! ends of a piece and halving. That takes for granted that no zone leaves an offset and comes
//! back to it between the instants compared, half a week apart at most. The shortest such absence
//! in the zone data is 6 days 23 hours (America/Recife in 2000, Asia/Gaza in 2040); the test
//! `no_zone_returns_within_four_days` below watches over it.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::hours::Span;

const SECOND: TimeDelta = TimeDelta::seconds(1);

/// A stretch `[start, end)` of one local date at one offset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    pub date: NaiveDate,
    /// The instant at which this date would begin if the offset had held since.
    midnight: DateTime<Utc>,
    offset: TimeDelta,
}

impl Piece {
    /// The longest piece that starts at an instant. It always ends later than it starts.
    pub fn starting(zone: Tz, start: DateTime<Utc>) -> Self {
        let offset = offset_at(zone, start);
        let date = (start.naive_utc() + offset).date();
        let midnight = date.and_time(NaiveTime::MIN).and_utc() - offset;
        let next_midnight = midnight + TimeDelta::days(1);
        let end = change_of_offset(zone, start, next_midnight).unwrap_or(next_midnight);
        Self { start, end, date, midnight, offset }
    }

    /// The piece without what lies at or after an instant later than its start.
    pub fn until(self, end: DateTime<Utc>) -> Self {
        Self { end: self.end.min(end), ..self }
    }

    /// Whether seven whole days at this offset begin with this piece; if so, their end.
    pub fn whole_week(&self, zone: Tz) -> Option<DateTime<Utc>> {
        let end = self.midnight + TimeDelta::days(7);
        let middle = self.midnight + TimeDelta::hours(84);
        let whole = self.start == self.midnight
            && offset_at(zone, middle) == self.offset
            && offset_at(zone, end - SECOND) == self.offset;
        whole.then_some(end)
    }

    /// The parts of some spans of this date that lie in this piece, as instants.
    pub fn clip(
        self,
        spans: &[Span],
    ) -> impl DoubleEndedIterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        spans.iter().filter_map(move |span| {
            let start = (self.midnight + TimeDelta::minutes(span.start.into())).max(self.start);
            let end = (self.midnight + TimeDelta::minutes(span.end.into())).min(self.end);
            (start < end).then_some((start, end))
        })
    }

    /// The time that some spans of this date take up in this piece.
    pub fn covered(self, spans: &[Span]) -> TimeDelta {
        self.clip(spans).map(|(start, end)| end - start).sum()
    }
}

/// All pieces that touch a local date. Offsets lie within a day of UTC.
pub(crate) fn pieces_around(zone: Tz, date: NaiveDate) -> impl Iterator<Item = Piece> {
    let first = (date - Days::new(1)).and_time(NaiveTime::MIN).and_utc();
    let end = first + TimeDelta::days(4);
    std::iter::successors(Some(Piece::starting(zone, first)), move |piece| {
        (piece.end < end).then(|| Piece::starting(zone, piece.end))
    })
}

/// The local date at an instant.
pub(crate) fn local_date(zone: Tz, at: DateTime<Utc>) -> NaiveDate {
    (at.naive_utc() + offset_at(zone, at)).date()
}

/// Local time minus UTC.
fn offset_at(zone: Tz, at: DateTime<Utc>) -> TimeDelta {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    TimeDelta::seconds(offset.local_minus_utc().into())
}

/// The first instant of another offset after `start` and before `end`. Offsets change on whole
/// seconds, and `end` is one.
fn change_of_offset(zone: Tz, start: DateTime<Utc>, end: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let offset = offset_at(zone, start);
    let instant = |seconds: i64| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
    let (mut before, mut after) = (start.timestamp(), end.timestamp() - 1);
    if offset_at(zone, instant(after)) == offset {
        return None;
    }
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if offset_at(zone, instant(middle)) == offset { before = middle } else { after = middle }
    }
    Some(instant(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_zone_returns_within_four_days() {
        let day = |date: &str| date.parse::<NaiveDate>().unwrap().and_time(NaiveTime::MIN);
        let (first, last) = (day("1970-01-01").and_utc(), day("2060-01-01").and_utc());
        for zone in chrono_tz::TZ_VARIANTS {
            let mut changes: Vec<(DateTime<Utc>, TimeDelta)> =
                vec![(first, offset_at(zone, first))];
            let mut at = first;
            while at < last {
                let now = offset_at(zone, at);
                if changes[changes.len() - 1].1 != now {
                    changes.push((at, now));
                }
                at += TimeDelta::hours(36);
            }
            for three in changes.windows(3) {
                let away = three[2].0 - three[1].0;
                assert!(
                    three[0].1 != three[2].1 || away > TimeDelta::days(4),
                    "{zone} leaves its offset at {} for {away}",
                    three[1].0
                );
            }
        }
    }
}
