//! What a run did and found, as text and as Markdown.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    fs,
    path::PathBuf,
    time::Duration,
};

use super::{client::Count, faults::Kind, field::Field};

/// One fault as it went.
#[derive(Debug)]
pub struct Blow {
    pub kind: Kind,
    /// With its parameters.
    pub fault: String,
    /// From injection to the begin of healing.
    pub lasted: Duration,
    /// From there until every service was ready.
    pub recovered: Duration,
    pub count: Count,
    pub kills: usize,
    pub error: Option<String>,
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { ok, busy, lost, failed, .. } = self.count;
        write!(
            f,
            "  {:<30} {:>6.1?} + {:>6.1?}  2xx {ok:>5}  503 {busy:>5}  lost {lost:>4}  failed {failed}",
            self.kind.name(),
            self.lasted,
            self.recovered,
        )?;
        self.error.as_ref().map_or(Ok(()), |error| write!(f, "\n    {}: {error}", self.fault))
    }
}

#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    pub blows: Vec<Blow>,
    /// Not struck, for the time was over.
    pub left_out: Vec<Kind>,
    pub kills: usize,
    pub loaded: Duration,
    pub quiet: Duration,
    pub took: Duration,
    pub total: Count,
    pub duplicates: usize,
    /// What was compared.
    pub lines: Vec<String>,
    /// What is not as promised; empty is green.
    pub broken: Vec<String>,
}

/// What one death may send again: rows that were sent and not yet marked.
const PER_KILL: usize = 60;
/// What a death with a backlog, a broker's or PostgreSQL's may send again: whole batches.
const PER_OUTAGE: usize = 600;

impl Report {
    #[must_use]
    pub fn is_green(&self) -> bool {
        self.broken.is_empty()
    }

    /// How many events may have been sent again because of what was done.
    #[must_use]
    pub fn duplicates_allowed(&self) -> usize {
        let outage = |blow: &&Blow| {
            use Kind as K;
            matches!(
                blow.kind,
                K::KafkaAway
                    | K::BrokerKilled
                    | K::FullOutbox
                    | K::PostgresKilled
                    | K::PostgresStopped
                    | K::ConnectionsCut
                    | K::Frozen
            )
        };
        20 + self.kills * PER_KILL + self.blows.iter().filter(outage).count() * PER_OUTAGE
    }

    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "# Seed {}: {}\n\n",
            self.seed,
            if self.is_green() { "green" } else { "broken" }
        );
        let Count { ok, busy, repeated, lost, failed } = self.total;
        let _ = writeln!(
            text,
            "{} faults, {} kills, {:.0?} in all, load for {:.0?}, quiet {:.1?} after its end.\n\
             Requests: {ok} 2xx, {busy} 503 or 429, {lost} without an answer, {repeated} repeated, {failed} failed.\n\
             Events sent again by relays: {} (allowed {}).\n",
            self.blows.len(),
            self.kills,
            self.took,
            self.loaded,
            self.quiet,
            self.duplicates,
            self.duplicates_allowed(),
        );
        text += "| Fault | Times | Lasted (longest) | Recovery (longest) | Kills | 2xx | 503 | Lost | Failed |\n|---|---|---|---|---|---|---|---|---|\n";
        let mut by_kind: BTreeMap<&str, Vec<&Blow>> = BTreeMap::new();
        for blow in &self.blows {
            by_kind.entry(blow.kind.name()).or_default().push(blow);
        }
        for (name, blows) in by_kind {
            let longest =
                |of: fn(&Blow) -> Duration| blows.iter().map(|b| of(b)).max().unwrap_or_default();
            let sum = |of: fn(&Blow) -> u64| blows.iter().map(|b| of(b)).sum::<u64>();
            let _ = writeln!(
                text,
                "| {name} | {} | {:.1?} | {:.1?} | {} | {} | {} | {} | {} |",
                blows.len(),
                longest(|b| b.lasted),
                longest(|b| b.recovered),
                sum(|b| b.kills as u64),
                sum(|b| b.count.ok),
                sum(|b| b.count.busy),
                sum(|b| b.count.lost),
                sum(|b| b.count.failed),
            );
        }
        let list = |title: &str, lines: &[String]| match lines {
            [] => String::new(),
            lines => format!(
                "\n{title}\n\n{}",
                lines.iter().map(|l| format!("- {l}\n")).collect::<String>()
            ),
        };
        let left_out: Vec<String> = self.left_out.iter().map(|k| k.name().to_owned()).collect();
        text + &list("Not struck:", &left_out)
            + &list("Compared:", &self.lines)
            + &list("Broken:", &self.broken)
    }

    fn folder() -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| crate::root().join("target"), PathBuf::from);
        target.join("chaos")
    }

    /// Writes `target/chaos/report-SEED.md` and answers where it is.
    pub fn write(&self) -> std::io::Result<PathBuf> {
        let path = Self::folder().join(format!("report-{}.md", self.seed));
        fs::create_dir_all(Self::folder())?;
        fs::write(&path, self.markdown())?;
        Ok(path)
    }

    /// Keeps the logs of a run that went wrong: the cluster's folder goes with it.
    pub fn keep_logs(&self, field: &Field) {
        let folder = Self::folder().join(format!("logs-{}", self.seed));
        if let Err(error) = fs::create_dir_all(&folder) {
            eprintln!("{}: {error}", folder.display());
            return;
        }
        for process in field.processes() {
            let log = field.cluster.log_of(&process);
            if let Err(error) = fs::copy(log, folder.join(format!("{process}.log"))) {
                eprintln!("log of {process}: {error}");
            }
        }
        println!("logs in {}", folder.display());
    }
}
