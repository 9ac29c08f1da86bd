//! Figures of a survey. Each says how it was made, from how many, and out of which.

use serde::Serialize;
use utoipa::ToSchema;

/// 97.5 % quantile of the standard normal distribution: two-sided 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Below this many answers a figure is marked as resting on too few.
pub const FEW: u64 = 10;

/// A share with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Share {
    /// 0 to 1; absent when there is nothing to divide by.
    pub value: Option<f64>,
    /// How many of them.
    pub count: u64,
    /// Out of how many.
    pub n: u64,
    /// 95 % interval, Wilson's score method.
    pub interval: Option<Interval>,
    /// Fewer than 10.
    pub too_few: bool,
    pub method: &'static str,
    /// What `n` counts.
    pub denominator: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Net promoter score, −100 to 100.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Nps {
    pub value: Option<f64>,
    pub n: u64,
    /// 9 and 10.
    pub promoters: u64,
    /// 7 and 8.
    pub passives: u64,
    /// 0 to 6.
    pub detractors: u64,
    /// In points, like `value`.
    pub standard_error: Option<f64>,
    /// 95 % interval, value ± 1.96 standard errors.
    pub interval: Option<Interval>,
    /// Fewer than 10, or everybody in one group: the standard error says nothing.
    pub too_few: bool,
    pub method: &'static str,
    pub denominator: &'static str,
}

/// What is counted for one group, or for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answers per satisfaction score 1 to 5.
    pub csat: [u64; 5],
    /// Answers per likelihood 0 to 10.
    pub nps: [u64; 11],
    pub responses: u64,
    pub low: u64,
    /// Bad answers whose follow-up ticket is resolved or closed.
    pub low_closed: u64,
    pub invited: u64,
    pub bounced: u64,
    /// Of the invited.
    pub answered: u64,
}

/// All figures of one group.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Figures {
    /// Complete responses in the window.
    pub responses: u64,
    pub csat: Share,
    /// Arithmetic mean of the satisfaction scores.
    pub csat_mean: Option<f64>,
    pub nps: Nps,
    pub response_rate: Share,
    pub bad_answers_closed: Share,
}

impl Counts {
    /// Adds another group's counts.
    pub fn add(&mut self, other: &Counts) {
        self.csat.iter_mut().zip(other.csat).for_each(|(a, b)| *a += b);
        self.nps.iter_mut().zip(other.nps).for_each(|(a, b)| *a += b);
        self.responses += other.responses;
        self.low += other.low;
        self.low_closed += other.low_closed;
        self.invited += other.invited;
        self.bounced += other.bounced;
        self.answered += other.answered;
    }

    #[must_use]
    pub fn figures(&self) -> Figures {
        let rated: u64 = self.csat.iter().sum();
        let points: u64 = (1..).zip(self.csat).map(|(score, n)| score * n).sum();
        Figures {
            responses: self.responses,
            csat: share(
                self.csat[3] + self.csat[4],
                rated,
                "top-2 box: share of 4 and 5",
                "complete responses with a satisfaction score",
            ),
            csat_mean: ratio(points, rated),
            nps: nps(&self.nps),
            response_rate: share(
                self.answered,
                self.invited.saturating_sub(self.bounced),
                "response rate: answered invitations",
                "invitations sent in the window, less those that could not be delivered",
            ),
            bad_answers_closed: share(
                self.low_closed,
                self.low,
                "share of bad answers whose follow-up ticket is resolved or closed",
                "complete responses at or below the trigger's low score",
            ),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn ratio(count: u64, n: u64) -> Option<f64> {
    (n > 0).then(|| count as f64 / n as f64)
}

fn share(count: u64, n: u64, method: &'static str, denominator: &'static str) -> Share {
    Share {
        value: ratio(count, n),
        count,
        n,
        interval: wilson(count, n),
        too_few: n < FEW,
        method,
        denominator,
    }
}

/// Wilson's score interval: (p + z²/2n ± z√(p(1−p)/n + z²/4n²)) / (1 + z²/n).
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub fn wilson(count: u64, n: u64) -> Option<Interval> {
    let p = ratio(count, n)?;
    let n = n as f64;
    let centre = p + Z * Z / (2.0 * n);
    let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    Some(Interval {
        low: ((centre - spread) / scale).max(0.0),
        high: ((centre + spread) / scale).min(1.0),
    })
}

/// Net promoter score s = (P − D)/n with SE = √(((P + D)/n − s²)/n), both times 100.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub fn nps(answers: &[u64; 11]) -> Nps {
    let detractors: u64 = answers[..7].iter().sum();
    let passives: u64 = answers[7..9].iter().sum();
    let promoters: u64 = answers[9..].iter().sum();
    let n = detractors + passives + promoters;
    let score = (n > 0).then(|| (promoters as f64 - detractors as f64) / n as f64);
    let error = score.map(|s| {
        let n = n as f64;
        (((promoters + detractors) as f64 / n - s * s).max(0.0) / n).sqrt()
    });
    let one_sided = [detractors, passives, promoters].contains(&n);
    Nps {
        value: score.map(|s| s * 100.0),
        n,
        promoters,
        passives,
        detractors,
        standard_error: error.map(|e| e * 100.0),
        interval: score.zip(error).map(|(s, e)| Interval {
            low: (s - Z * e).max(-1.0) * 100.0,
            high: (s + Z * e).min(1.0) * 100.0,
        }),
        too_few: n < FEW || one_sided,
        method: "net promoter score: share of 9 and 10 less share of 0 to 6, in points",
        denominator: "complete responses with a likelihood to recommend",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-5
    }

    #[test]
    fn wilson_gives_the_published_intervals() {
        // Newcombe 1998, table I, method 3 (score, no continuity correction).
        for (count, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611), (15, 148, 0.0624, 0.1605)]
        {
            let i = wilson(count, n).unwrap();
            assert!(close(i.low, low) && close(i.high, high), "{count}/{n}: {i:?}");
        }
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn nps_comes_with_its_standard_error() {
        let mut answers = [0; 11];
        (answers[10], answers[8], answers[3]) = (462, 176, 362);
        let nps = nps(&answers);
        assert!(
            close(nps.value.unwrap(), 10.0) && close(nps.standard_error.unwrap(), 2.8531),
            "{nps:?}"
        );
        let interval = nps.interval.unwrap();
        assert!(close(interval.low, 4.4081) && close(interval.high, 15.5919), "{interval:?}");
        assert!(!nps.too_few);
    }

    #[test]
    fn nothing_counted_gives_no_figure_and_unanimity_is_flagged() {
        let none = Counts::default().figures();
        assert_eq!(
            (none.csat.value, none.csat_mean, none.nps.value, none.response_rate.value),
            (None, None, None, None)
        );
        let mut all = [0; 11];
        all[9] = 500;
        let all = nps(&all);
        assert_eq!((all.value, all.standard_error, all.too_few), (Some(100.0), Some(0.0), true));
    }

    #[test]
    fn satisfaction_counts_the_two_best_of_five() {
        let counts = Counts {
            csat: [1, 1, 1, 2, 3],
            invited: 20,
            bounced: 4,
            answered: 8,
            ..Counts::default()
        };
        let figures = counts.figures();
        assert_eq!((figures.csat.count, figures.csat.n, figures.csat.value), (5, 8, Some(0.625)));
        assert_eq!(figures.csat_mean, Some(29.0 / 8.0));
        assert_eq!(figures.response_rate.value, Some(0.5));
    }
}
