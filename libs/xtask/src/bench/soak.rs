//! Memory of every process while the stack works steadily, and whether it grows.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::{
    error, mixed,
    mixed::Mixed,
    report::folder,
    split, svg,
    watch::{self, Watched},
};

const EVERY: Duration = Duration::from_secs(10);
/// Tickets a second; with what follows on each, about a third of what two cores bear.
const RATE: f64 = 15.0;
/// Growth that counts as flat, per cent in ten minutes.
const FLAT: f64 = 2.0;

/// Samples of one process: seconds since the beginning, megabytes.
pub type Curve = (String, Vec<(f64, f64)>);

pub async fn run(minutes: u64) -> Result<(), String> {
    println!("soak: {minutes} minutes of mixed load, split mode");
    let stack = split::start().await;
    let admin = stack.user("admin").await;
    let customers = mixed::customers(&admin, 50).await;
    let watched = split::watched(&stack)?;
    let load = Mixed::begin(&stack, &admin, &customers, RATE, true);
    let mut curves = Curves::begin(&watched);
    let end = Instant::now() + Duration::from_secs(minutes * 60);
    while Instant::now() < end {
        tokio::time::sleep(EVERY).await;
        curves.sample();
    }
    let counts = load.end().await?;
    println!("    answers by status (0: none): {counts:?}");
    curves.verdict();
    let file = folder()?.join("soak.svg");
    let title = format!("Memory under steady load, {minutes} minutes");
    fs::write(&file, svg::curves(&title, "MB", &curves.all)).map_err(error)?;
    println!("    curves in {}", file.display());
    let bad: usize = counts.iter().filter(|(s, _)| !(200..300).contains(*s)).map(|(_, n)| n).sum();
    if bad > 0 { Err(format!("{bad} requests failed")) } else { Ok(()) }
}

/// Memory of some processes over time.
pub struct Curves {
    watched: Vec<Watched>,
    begun: Instant,
    pub all: Vec<Curve>,
}

impl Curves {
    pub fn begin(watched: &[Watched]) -> Self {
        let all = watched.iter().map(|w| (w.name.clone(), vec![])).collect();
        Self { watched: watched.to_vec(), begun: Instant::now(), all }
    }

    pub fn sample(&mut self) {
        let at = self.begun.elapsed().as_secs_f64();
        for (one, (_, points)) in self.watched.iter().zip(&mut self.all) {
            points.push((at, watch::megabytes(one)));
        }
    }

    /// Prints how each grew over the second half.
    pub fn verdict(&self) {
        for (name, points) in &self.all {
            let half = &points[points.len() / 2..];
            let growth = growth(half);
            let verdict = if growth < FLAT { "flat" } else { "GROWS" };
            let now = points.last().map_or(0.0, |p| p.1);
            println!("    {name:<16} {now:>7.1} MB, {growth:>+6.2} % in 10 min: {verdict}");
        }
    }
}

/// Slope of the line of least squares, in per cent of the mean, per ten minutes.
#[allow(clippy::cast_precision_loss, reason = "some hundreds of samples")]
fn growth(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mean_t, mean_v) =
        (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let covariance: f64 = points.iter().map(|p| (p.0 - mean_t) * (p.1 - mean_v)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - mean_t).powi(2)).sum();
    if variance == 0.0 || mean_v == 0.0 {
        return 0.0;
    }
    covariance / variance * 600.0 / mean_v * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_the_slope_of_the_line() {
        let points: Vec<_> =
            (0..60).map(|n| f64::from(n) * 10.0).map(|t| (t, 100.0 + t / 60.0)).collect();
        // One megabyte a minute on about 104.9.
        assert!((growth(&points) - 10.0 / 104.916 * 100.0).abs() < 0.01);
        assert!(growth(&[(0.0, 5.0), (10.0, 5.0)]).abs() < 1e-9);
    }
}
