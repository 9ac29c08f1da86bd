//! `kefu import`: files into the public API in requests of some hundred rows.
//!
//! Every row is safe to send again, so an import may be interrupted and simply run once more: what
//! is there already comes back as `unchanged`.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    time::Instant,
};

use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::client::{Client, Target};

/// What kind of file, and where its rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Customers, one per row.
    Customers,
    /// ServiceNow incident history, one row per update.
    Servicenow,
}

#[derive(Debug, Clone, clap::Args)]
pub struct Import {
    pub format: Format,
    /// CSV file in UTF-8 with a header row.
    pub file: PathBuf,
    /// Name of the system that the rows come from; part of their identity.
    #[arg(long)]
    pub source: Option<String>,
    /// Check everything, write nothing (customers only).
    #[arg(long)]
    pub dry_run: bool,
    /// Rows per request, at most 1,000.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub chunk: u32,
    /// Where rejected rows go (default: FILE.errors.csv).
    #[arg(long)]
    pub errors: Option<PathBuf>,
    #[command(flatten)]
    pub target: Target,
}

/// Rows of one request, as read.
type Chunk = Vec<(u64, csv::StringRecord)>;

struct Outcome {
    counts: BTreeMap<String, u64>,
    rejected: u64,
}

impl Import {
    /// Runs the import; the summary goes to standard output, the progress bar to standard error.
    pub async fn run(&self) -> Result<(), String> {
        if self.dry_run && self.format == Format::Servicenow {
            return Err(
                "--dry-run is for customers; a history import can be run again safely instead"
                    .into(),
            );
        }
        let client = Client::connect(&self.target).await?;
        let total = count_rows(&self.file)?;
        let bar = ProgressBar::new(total).with_style(
            ProgressStyle::with_template("{bar:30} {pos}/{len} rows, {per_sec}, {eta} left")
                .map_err(|e| e.to_string())?,
        );
        let begun = Instant::now();
        let outcome = tokio::select! {
            outcome = self.send_all(&client, &bar) => outcome?,
            _ = tokio::signal::ctrl_c() => {
                bar.abandon();
                return Err("interrupted; what was sent is kept, run the same command again to go on".into());
            }
        };
        bar.finish_and_clear();
        self.print_summary(&outcome, total, begun.elapsed().as_secs_f64());
        Ok(())
    }

    async fn send_all(&self, client: &Client, bar: &ProgressBar) -> Result<Outcome, String> {
        let mut reader = open(&self.file)?;
        let header = reader.headers().map_err(|e| format!("{}: {e}", self.file.display()))?.clone();
        let mut errors = ErrorFile::new(self.error_path(), &header);
        let mut outcome = Outcome { counts: BTreeMap::new(), rejected: 0 };
        let mut chunk: Chunk = vec![];
        let mut records = reader.into_records();
        loop {
            let next = records.next();
            let line = records.reader().position().line();
            let end = next.is_none();
            match next {
                Some(Ok(record)) => {
                    chunk.push((record.position().map_or(line, csv::Position::line), record))
                }
                Some(Err(e)) => {
                    outcome.rejected += 1;
                    errors.write(
                        line,
                        "malformed-row",
                        "",
                        &e.to_string(),
                        &csv::StringRecord::new(),
                    )?;
                }
                None => {}
            }
            if chunk.len() as u32 >= self.chunk || (end && !chunk.is_empty()) {
                self.send_chunk(client, &header, &chunk, &mut outcome, &mut errors).await?;
                bar.inc(chunk.len() as u64);
                chunk.clear();
            }
            if end {
                return errors.finish().map(|()| outcome);
            }
        }
    }

    async fn send_chunk(
        &self,
        client: &Client,
        header: &csv::StringRecord,
        chunk: &Chunk,
        outcome: &mut Outcome,
        errors: &mut ErrorFile,
    ) -> Result<(), String> {
        let rows: Vec<Value> =
            chunk.iter().map(|(line, record)| self.row(header, *line, record)).collect();
        let (path, body) = match self.format {
            Format::Customers => (
                "/api/v1/customer-imports",
                json!({ "source": self.source.as_deref().unwrap_or("csv"), "dry_run": self.dry_run, "rows": rows }),
            ),
            Format::Servicenow => (
                "/api/v1/ticket-imports/servicenow",
                json!({ "source": self.source.as_deref().unwrap_or("servicenow"), "rows": rows }),
            ),
        };
        let (status, answer) = client.send(Method::POST, path, None, &body).await?;
        if !status.is_success() {
            return Err(format!(
                "rows from line {} on were refused as a whole: {status} {answer}",
                chunk[0].0
            ));
        }
        for result in answer["rows"].as_array().into_iter().flatten() {
            let word = result["outcome"].as_str().unwrap_or("unknown").to_owned();
            if word == "error" {
                outcome.rejected += 1;
                let line = result["line"].as_u64().unwrap_or_default();
                let empty = csv::StringRecord::new();
                let record =
                    chunk.iter().find(|(l, _)| *l == line).map_or(&empty, |(_, record)| record);
                // Customers tell remarks, of which the first is the fault; tickets tell one error.
                let fault = if result["error"].is_object() {
                    &result["error"]
                } else {
                    &result["remarks"][0]
                };
                let text = |field: &str| fault[field].as_str().unwrap_or_default().to_owned();
                errors.write(line, &text("code"), &text("pointer"), &text("detail"), record)?;
            } else {
                *outcome.counts.entry(word).or_default() += 1;
            }
        }
        Ok(())
    }

    /// A row as JSON: the header's names as keys; empty cells are left out.
    fn row(&self, header: &csv::StringRecord, line: u64, record: &csv::StringRecord) -> Value {
        let mut row: Map<String, Value> = header
            .iter()
            .zip(record.iter())
            .filter(|(_, cell)| !cell.trim().is_empty())
            .map(|(name, cell)| {
                (name.trim().trim_start_matches('\u{feff}').to_owned(), json!(cell.trim()))
            })
            .collect();
        row.insert("line".into(), json!(line));
        row.into()
    }

    fn error_path(&self) -> PathBuf {
        self.errors.clone().unwrap_or_else(|| {
            let mut name = self.file.file_name().unwrap_or_default().to_owned();
            name.push(".errors.csv");
            PathBuf::from(name)
        })
    }

    fn print_summary(&self, outcome: &Outcome, total: u64, seconds: f64) {
        let words: Vec<String> =
            outcome.counts.iter().map(|(word, n)| format!("{n} {word}")).collect();
        println!("{total} rows: {}, {} rejected", words.join(", "), outcome.rejected);
        println!("{seconds:.1} s, {:.0} rows/s", total as f64 / seconds.max(0.001));
        if outcome.rejected > 0 {
            println!("rejected rows with their reasons: {}", self.error_path().display());
        }
    }
}

fn open(path: &Path) -> Result<csv::Reader<File>, String> {
    csv::ReaderBuilder::new().from_path(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn count_rows(path: &Path) -> Result<u64, String> {
    Ok(open(path)?.into_records().count() as u64)
}

/// Rejected rows; the file appears with the first of them.
struct ErrorFile {
    path: PathBuf,
    header: csv::StringRecord,
    writer: Option<csv::Writer<File>>,
}

impl ErrorFile {
    fn new(path: PathBuf, header: &csv::StringRecord) -> Self {
        Self { path, header: header.clone(), writer: None }
    }

    fn write(
        &mut self,
        line: u64,
        code: &str,
        pointer: &str,
        detail: &str,
        record: &csv::StringRecord,
    ) -> Result<(), String> {
        let told = |e: csv::Error| e.to_string();
        if self.writer.is_none() {
            let mut writer = csv::WriterBuilder::new()
                .flexible(true)
                .from_path(&self.path)
                .map_err(|e| format!("{}: {e}", self.path.display()))?;
            let mut first = csv::StringRecord::from(vec!["line", "code", "pointer", "detail"]);
            first.extend(self.header.iter());
            writer.write_record(&first).map_err(told)?;
            self.writer = Some(writer);
        }
        let mut row =
            csv::StringRecord::from(vec![line.to_string().as_str(), code, pointer, detail]);
        row.extend(record.iter());
        match &mut self.writer {
            Some(writer) => writer.write_record(&row).map_err(told),
            None => Ok(()),
        }
    }

    fn finish(self) -> Result<(), String> {
        match self.writer {
            Some(mut writer) => writer.flush().map_err(|e| format!("{}: {e}", self.path.display())),
            None => Ok(()),
        }
    }
}
