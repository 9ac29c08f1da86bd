//! Spans of minutes of a local day: parsing, merging, cutting at midnight.

use kernel::Text;

use crate::messages;

/// Minutes in a local day as the wall clock numbers them (a clock change does not alter it).
pub(crate) const DAY: u16 = 24 * 60;

/// A half-open span of minutes after local midnight. `end` may pass [`DAY`] for a night shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub start: u16,
    pub end: u16,
}

impl Span {
    /// Reads `"HH:MM-HH:MM"`; the error is a message for the user.
    pub fn parse(text: &str) -> Result<Self, Text> {
        let malformed = || messages::no_interval(text);
        let (start, end) = text.split_once('-').ok_or_else(malformed)?;
        let start = minute(start).ok_or_else(malformed)?;
        let end = minute(end).ok_or_else(malformed)?;
        if start == DAY {
            return Err(messages::starts_at_midnight(text));
        }
        if start == end {
            return Err(messages::empty_interval(text));
        }
        let end = if end < start { end + DAY } else { end };
        Ok(Self { start, end })
    }

    /// The part before midnight.
    pub fn head(self) -> Self {
        Self { end: self.end.min(DAY), ..self }
    }

    /// The part after midnight, as minutes of the next day.
    pub fn tail(self) -> Option<Self> {
        (self.end > DAY).then(|| Self { start: 0, end: self.end - DAY })
    }

    pub fn minutes(self) -> u16 {
        self.end - self.start
    }
}

/// `"HH:MM"` from `00:00` to `24:00`, as minutes after midnight.
fn minute(text: &str) -> Option<u16> {
    let &[h1, h2, b':', m1, m2] = text.as_bytes() else { return None };
    if ![h1, h2, m1, m2].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |tens: u8, ones: u8| u16::from(tens - b'0') * 10 + u16::from(ones - b'0');
    let (hour, minute) = (two(h1, h2), two(m1, m2));
    let total = hour * 60 + minute;
    (minute < 60 && total <= DAY).then_some(total)
}

/// Sorts, and joins spans that overlap or touch.
pub(crate) fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_day_night_and_midnight_ends() {
        assert_eq!(Span::parse("09:00-18:30"), Ok(Span { start: 540, end: 1110 }));
        assert_eq!(Span::parse("00:00-24:00"), Ok(Span { start: 0, end: 1440 }));
        assert_eq!(Span::parse("22:00-06:00"), Ok(Span { start: 1320, end: 1800 }));
        assert_eq!(Span::parse("22:00-00:00"), Ok(Span { start: 1320, end: 1440 }));
    }

    #[test]
    fn rejects_what_is_not_an_interval() {
        for text in [
            "",
            "-",
            "09:00",
            "9:00-18:00",
            "09:00-18:60",
            "09:00-24:01",
            "25:00-26:00",
            "09:00-18:00-19:00",
            "09:00 - 18:00",
            "09:00–18:00",
            "+9:00-18:00",
            "09.00-18.00",
            "09:00-09:00",
            "00:00-00:00",
            "24:00-06:00",
            "24:00-24:00",
            "早上-晚上",
        ] {
            assert!(Span::parse(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn merging_joins_overlap_and_touch_and_keeps_gaps() {
        let span = |start, end| Span { start, end };
        let merged = merge(vec![span(600, 700), span(0, 60), span(60, 90), span(650, 660)]);
        assert_eq!(merged, [span(0, 90), span(600, 700)]);
    }
}
