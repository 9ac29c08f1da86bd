//! What an import has come to, in words.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

#[derive(Debug, Default)]
pub struct Summary {
    outcomes: BTreeMap<String, u64>,
    rejected: u64,
    remarked: u64,
    faults: BTreeMap<String, u64>,
    remarks: BTreeMap<String, u64>,
}

impl Summary {
    pub fn rejected(&mut self, code: &str) {
        self.rejected += 1;
        *self.faults.entry(code.to_owned()).or_default() += 1;
    }

    pub fn rows_rejected(&self) -> u64 {
        self.rejected
    }

    pub fn taken(&mut self, outcome: &str, remarks: &[String]) {
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
        self.remarked += u64::from(!remarks.is_empty());
        for code in remarks {
            *self.remarks.entry(code.clone()).or_default() += 1;
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "far below 2^52 rows")]
    pub fn text(&self, total: u64, time: Duration) -> String {
        let listed = |counts: &BTreeMap<String, u64>| {
            let words: Vec<String> = counts.iter().map(|(word, n)| format!("{n} {word}")).collect();
            words.join(", ")
        };
        let outcomes =
            if self.outcomes.is_empty() { "none taken".into() } else { listed(&self.outcomes) };
        let mut text = format!("{total} rows: {outcomes}, {} rejected\n", self.rejected);
        if self.rejected > 0 {
            let _ = writeln!(text, "rejected: {}", listed(&self.faults));
        }
        if self.remarked > 0 {
            let _ =
                writeln!(text, "{} rows with remarks: {}", self.remarked, listed(&self.remarks));
        }
        let seconds = time.as_secs_f64();
        let _ = writeln!(text, "{seconds:.1} s, {:.0} rows/s", total as f64 / seconds.max(0.001));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted() {
        let mut summary = Summary::default();
        summary.taken("created", &[]);
        summary.taken("created", &["repaired".into(), "bad-domain".into()]);
        summary.rejected("too-short");
        assert_eq!(summary.rows_rejected(), 1);
        assert_eq!(
            summary.text(3, Duration::from_secs(2)),
            "3 rows: 2 created, 1 rejected\nrejected: 1 too-short\n\
             1 rows with remarks: 1 bad-domain, 1 repaired\n2.0 s, 2 rows/s\n"
        );
    }
}
