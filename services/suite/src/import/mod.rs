//! `kefu import`: files into the public API in requests of some hundred rows.
//!
//! Every row is safe to send again, so an import may be interrupted and simply run once more: what
//! is there already comes back as `unchanged`.

mod callers;
mod errors;
mod summary;

use std::{
    collections::{HashMap, hash_map::Entry},
    fs,
    path::PathBuf,
    time::Instant,
};

use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Map, Value, json};
use sheet::{Column, Layout, Mapping, Row, Table};

use crate::client::{Client, Target};
use callers::{Callers, Customers};
use errors::ErrorFile;
use summary::Summary;

/// Exit status of an import that went through but for rows that were rejected.
pub const ROWS_REJECTED: u8 = 2;

/// What kind of file, and where its rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Customers, one per row.
    Customers,
    /// ServiceNow incident history, one row per update.
    Servicenow,
}

#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = about_columns())]
pub struct Import {
    pub format: Format,
    /// CSV file with a header row; UTF-8, UTF-16 and GB18030 (GBK) are recognised.
    pub file: PathBuf,
    /// Name of the system that the rows come from; part of their identity.
    #[arg(long)]
    pub source: Option<String>,
    /// Which field a column of another name is, e.g. `--map 座机=phone`; `-` has a column ignored.
    /// May be given several times.
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    pub map: Vec<Mapping>,
    /// Check everything, write nothing (customers only).
    #[arg(long)]
    pub dry_run: bool,
    /// Time zone of the file's times, e.g. Asia/Shanghai (servicenow only; UTC without it).
    #[arg(long)]
    pub timezone: Option<String>,
    /// Link tickets with the customers behind `caller_id` (servicenow only): `match` those whom the
    /// source has brought in before, `create` the others as well.
    #[arg(long)]
    pub customers: Option<Customers>,
    /// Base URL of the customer service, where it is another one.
    #[arg(long, env = "KEFU_CUSTOMER_URL")]
    pub customer_url: Option<String>,
    /// Rows per request, at most 1,000.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub chunk: u32,
    /// Where rejected rows and those with remarks go (default: FILE.errors.csv, beside FILE).
    #[arg(long)]
    pub errors: Option<PathBuf>,
    #[command(flatten)]
    pub target: Target,
}

/// The end of the help page.
fn about_columns() -> String {
    let listed = |columns: &[Column]| -> String {
        let line = |column: &Column| {
            let needed = if column.needed { " (needed)" } else { "" };
            let names = column.names.join(", ");
            let also = if names.is_empty() { names } else { format!(" [also: {names}]") };
            format!("  {:<20}{}{needed}{also}", column.field, column.about)
        };
        columns.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    format!(
        "Columns are told by their names in the first line, without regard to case, blanks, - and _. \
         Others are listed and ignored.\n\nColumns of customers:\n{}\n\nColumns of servicenow:\n{}\n\n\
         Exit status: 0 when every row was taken, 2 when rows were rejected, 1 when the import did \
         not come to its end.",
        listed(&customer::domain::columns::COLUMNS),
        listed(&ticketing::domain::servicenow::COLUMNS)
    )
}

/// The work in hand.
struct Work<'a> {
    import: &'a Import,
    client: Client,
    layout: Layout,
    callers: Option<Callers>,
    /// Lines of source keys.
    keys: HashMap<String, u64>,
    summary: Summary,
    errors: ErrorFile,
}

impl Import {
    /// Runs the import and answers how many rows were rejected; the summary goes to standard output,
    /// the rest to standard error.
    pub async fn run(&self) -> Result<u64, String> {
        self.check()?;
        let told = |e: &dyn std::fmt::Display| format!("{}: {e}", self.file.display());
        let bytes = fs::read(&self.file).map_err(|e| told(&e))?;
        let (text, encoding) = sheet::decode(&bytes).map_err(|e| told(&e))?;
        let table = Table::read(&text).map_err(|e| told(&e))?;
        let columns: &[Column] = match self.format {
            Format::Customers => &customer::domain::columns::COLUMNS,
            Format::Servicenow => &ticketing::domain::servicenow::COLUMNS,
        };
        let layout = Layout::of(&table.header, columns, &self.map).map_err(|e| told(&e))?;
        if encoding != sheet::Encoding::Utf8 {
            eprintln!("{} is read as {encoding}", self.file.display());
        }
        if !layout.ignored.is_empty() {
            eprintln!("columns that are ignored: {}", layout.ignored.join(", "));
        }
        let total = table.clone().count() as u64;
        let bar = ProgressBar::new(total).with_style(
            ProgressStyle::with_template("{bar:30} {pos}/{len} rows, {per_sec}, {eta} left")
                .map_err(|e| e.to_string())?,
        );
        let mut work = Work {
            import: self,
            client: Client::connect(&self.target).await?,
            layout,
            callers: self.callers().await?,
            keys: HashMap::new(),
            summary: Summary::default(),
            errors: ErrorFile::new(self.error_path(), &table.header)?,
        };
        let begun = Instant::now();
        tokio::select! {
            outcome = work.send_all(table, &bar) => outcome?,
            _ = tokio::signal::ctrl_c() => {
                bar.abandon();
                return Err("interrupted; what was sent is kept, run the same command again to go on".into());
            }
        };
        bar.finish_and_clear();
        print!("{}", work.summary.text(total, begun.elapsed()));
        if let Some(callers) = &work.callers {
            print!("{}", callers.text());
        }
        if let Some(path) = work.errors.finish()? {
            println!("rejected rows and those with remarks: {}", path.display());
        }
        Ok(work.summary.rows_rejected())
    }

    fn check(&self) -> Result<(), String> {
        let only = |given: bool, option: &str, format: Format, name: &str| match given
            && self.format != format
        {
            true => Err(format!("{option} is for {name} only")),
            false => Ok(()),
        };
        only(self.dry_run, "--dry-run", Format::Customers, "customers")?;
        only(self.timezone.is_some(), "--timezone", Format::Servicenow, "servicenow")?;
        only(self.customers.is_some(), "--customers", Format::Servicenow, "servicenow")
    }

    async fn callers(&self) -> Result<Option<Callers>, String> {
        let Some(how) = self.customers else { return Ok(None) };
        let mut target = self.target.clone();
        if let Some(url) = &self.customer_url {
            // The token comes from where the import's own comes from.
            target.token = Some(Client::connect(&self.target).await?.token().to_owned());
            target.url.clone_from(url);
        }
        Ok(Some(Callers::new(Client::connect(&target).await?, self.source().to_owned(), how)))
    }

    fn source(&self) -> &str {
        let usual = if self.format == Format::Customers { "csv" } else { "servicenow" };
        self.source.as_deref().unwrap_or(usual)
    }

    fn error_path(&self) -> PathBuf {
        self.errors.clone().unwrap_or_else(|| {
            let mut name = self.file.file_name().unwrap_or_default().to_owned();
            name.push(".errors.csv");
            self.file.with_file_name(name)
        })
    }
}

impl Work<'_> {
    async fn send_all(&mut self, table: Table<'_>, bar: &ProgressBar) -> Result<(), String> {
        let mut chunk: Vec<Row> = vec![];
        for row in table {
            match row {
                Ok(row) => match self.repeated(&row) {
                    Some(first) => {
                        let detail = format!("line {first} has this source key already");
                        let remark = ["repeated-source-key", "/source_key", &detail];
                        self.summary.rejected(remark[0]);
                        self.errors.write(row.line, "error", remark, &row.cells)?;
                        bar.inc(1);
                    }
                    None => chunk.push(row),
                },
                Err(fault) => {
                    let remark = ["unreadable-line", "", &fault.fault.to_string()];
                    self.summary.rejected("unreadable-line");
                    self.errors.write(fault.line, "error", remark, &fault.cells)?;
                    bar.inc(1);
                }
            }
            if chunk.len() as u64 >= u64::from(self.import.chunk) {
                self.send_chunk(&chunk).await?;
                bar.inc(chunk.len() as u64);
                chunk.clear();
            }
        }
        if !chunk.is_empty() {
            self.send_chunk(&chunk).await?;
            bar.inc(chunk.len() as u64);
        }
        Ok(())
    }

    /// The line that has the key of this row already, which the service would only see in one request.
    fn repeated(&mut self, row: &Row) -> Option<u64> {
        let key = self.layout.fields(&row.cells).find(|(field, _)| *field == "source_key")?.1;
        match self.keys.entry(key.to_owned()) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(free) => {
                free.insert(row.line);
                None
            }
        }
    }

    async fn send_chunk(&mut self, chunk: &[Row]) -> Result<(), String> {
        let mut rows: Vec<Value> = chunk.iter().map(|row| self.row(row)).collect();
        if let Some(callers) = &mut self.callers {
            callers.link(&mut rows).await?;
        }
        let source = self.import.source();
        let (path, mut body) = match self.import.format {
            Format::Customers => (
                "/api/v1/customer-imports",
                json!({ "source": source, "dry_run": self.import.dry_run, "rows": rows }),
            ),
            Format::Servicenow => {
                ("/api/v1/ticket-imports/servicenow", json!({ "source": source, "rows": rows }))
            }
        };
        if let Some(timezone) = &self.import.timezone {
            body["timezone"] = json!(timezone);
        }
        let (status, answer) = self.client.send(Method::POST, path, None, &body).await?;
        if !status.is_success() {
            let line = chunk[0].line;
            return Err(format!(
                "rows from line {line} on were refused as a whole: {status} {answer}"
            ));
        }
        let by_line: HashMap<u64, &Row> = chunk.iter().map(|row| (row.line, row)).collect();
        for result in answer["rows"].as_array().into_iter().flatten() {
            self.take(result, &by_line)?;
        }
        Ok(())
    }

    /// Counts the outcome of a row; it goes to the file of errors if there is something to tell.
    fn take(&mut self, result: &Value, by_line: &HashMap<u64, &Row>) -> Result<(), String> {
        let outcome = result["outcome"].as_str().unwrap_or("unknown");
        // Customers tell remarks, of which the first is the fault; tickets tell one error.
        let remarks: Vec<&Value> = match &result["error"] {
            Value::Null => result["remarks"].as_array().into_iter().flatten().collect(),
            error => vec![error],
        };
        let text =
            |remark: &Value, field: &str| remark[field].as_str().unwrap_or_default().to_owned();
        let codes: Vec<String> = remarks.iter().map(|remark| text(remark, "code")).collect();
        match outcome {
            "error" => self.summary.rejected(codes.first().map_or("unknown", String::as_str)),
            taken => self.summary.taken(taken, &codes),
        }
        let Some(first) = remarks.first() else { return Ok(()) };
        let details: Vec<String> = remarks
            .iter()
            .map(|remark| format!("{} {}", text(remark, "pointer"), text(remark, "detail")))
            .collect();
        let line = result["line"].as_u64().unwrap_or_default();
        let cells = by_line.get(&line).map(|row| row.cells.as_slice()).unwrap_or_default();
        let remark =
            [codes.join(" "), text(first, "pointer"), details.join("; ").trim().to_owned()];
        self.errors.write(line, outcome, [&remark[0], &remark[1], &remark[2]], cells)
    }

    /// A row as JSON, by its fields' names; empty cells are left out.
    fn row(&self, row: &Row) -> Value {
        let fields = self.layout.fields(&row.cells);
        let mut json: Map<String, Value> =
            fields.map(|(field, cell)| (field.to_owned(), json!(cell))).collect();
        json.insert("line".into(), json!(row.line));
        json.into()
    }
}
