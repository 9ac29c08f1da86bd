//! Import of customers. A broken row holds nobody up, none is half written: newcomers are taken in
//! by the batch, whatever else is a row by itself. Run again, it changes nothing; interrupted, it
//! goes on where it stopped.

mod check;
pub mod messages;
mod report;

use std::collections::{HashMap, hash_map::Entry};

use kernel::{Context, Fields, Problem, Text, limits};
use sea_orm::ConnectionTrait;
use serde::Deserialize;
use sheet::{Fault, HeaderFault, Mapping};
use store::Tx;
use utoipa::ToSchema;

use super::{
    App, input,
    intake::{self, Intake, Taken},
    newcomers,
};
use crate::{
    codes,
    domain::{
        file::{self, ReadRow, Unreadable},
        rows::ImportRow,
    },
};
use check::check;
pub use report::{ImportReport, Remark, RowOutcome, RowStatus};
use report::{done, error};

/// Rows of one CSV upload; the body's size limit usually comes first.
const MOST_CSV_ROWS: usize = 20_000;
/// Rows of one transaction, as far as nothing has to be decided about them.
const BATCH: usize = 250;
/// Tries of a row that the database asks to be repeated (deadlock, serialisation).
const TRIES: u32 = 4;

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// Name of the system that the rows come from.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9_.-]+$")]
    pub source: String,
    /// Tells what would happen and writes nothing.
    #[serde(default)]
    pub dry_run: bool,
    #[schema(min_items = 1, max_items = 1000)]
    pub rows: Vec<ImportRow>,
}

/// `POST /customer-imports`.
pub async fn json(
    app: &App,
    ctx: &Context,
    request: ImportRequest,
) -> Result<ImportReport, Problem> {
    let mut fields = Fields::new();
    let count = request.rows.len();
    let range = 1..=limits::BULK_ITEMS;
    fields.check(
        range.contains(&count),
        "/rows",
        "bad-count",
        messages::rows_between(1, limits::BULK_ITEMS),
    );
    input::source_name(&mut fields, "/source", &request.source);
    fields.finish()?;
    let rows = request.rows.into_iter().map(Ok).collect();
    run(app, ctx, &request.source, request.dry_run, rows).await
}

/// What goes with a file.
#[derive(Debug, Clone)]
pub struct CsvOptions {
    pub source: String,
    pub dry_run: bool,
    /// `COLUMN=FIELD`, as [`Mapping`] reads it.
    pub map: Vec<String>,
}

/// `POST /customer-imports/csv`.
pub async fn csv(
    app: &App,
    ctx: &Context,
    options: &CsvOptions,
    bytes: &[u8],
) -> Result<ImportReport, Problem> {
    let mut fields = Fields::new();
    input::source_name(&mut fields, "/source", &options.source);
    fields.finish()?;
    let mappings: Result<Vec<Mapping>, _> = options.map.iter().map(|text| text.parse()).collect();
    let mappings = mappings.map_err(|e: sheet::MappingFault| {
        Problem::of(&kernel::codes::INVALID_QUERY).field(
            "/map",
            "malformed",
            messages::bad_mapping(e.0),
        )
    })?;
    let refuse = |detail: Text| Problem::of(&codes::UNREADABLE_FILE).detail(detail);
    let file = file::read(bytes, &mappings).map_err(|e| refuse(why(e)))?;
    if file.rows.len() > MOST_CSV_ROWS {
        return Err(refuse(messages::too_many_rows(MOST_CSV_ROWS)));
    }
    let report = run(app, ctx, &options.source, options.dry_run, file.rows).await?;
    let encoding = Some(file.encoding.to_string());
    Ok(ImportReport { encoding, ignored_columns: file.ignored, ..report })
}

fn why(unreadable: Unreadable) -> Text {
    let header = match unreadable {
        Unreadable::Encoding(_) => return messages::undecodable(),
        Unreadable::NoHeader(_) => return messages::no_header(),
        Unreadable::Header(header) => header,
    };
    match header {
        HeaderFault::Twice(field, one, two) => messages::column_twice(field, one, two),
        HeaderFault::Missing(field, known) => messages::column_missing(field, known),
        HeaderFault::NoColumn(name, known) => messages::no_such_column(name, known),
        HeaderFault::NoField(name, known) => messages::no_such_field(name, known),
    }
}

async fn run(
    app: &App,
    ctx: &Context,
    source: &str,
    dry_run: bool,
    rows: Vec<ReadRow>,
) -> Result<ImportReport, Problem> {
    let mut report = ImportReport { dry_run, ..ImportReport::default() };
    // A dry run does the very same work in one transaction that is rolled back, so that rows of
    // one file that are the same customer meet as they will in earnest.
    let rehearsal = match dry_run {
        true => Some(app.db.begin().await?),
        false => None,
    };
    let mut rows = rows.into_iter().zip(1..);
    let mut keys: HashMap<String, u64> = HashMap::new();
    loop {
        let what = (source, dry_run);
        let part: Vec<Checked> = rows
            .by_ref()
            .take(BATCH)
            .map(|row| checked(app, ctx, what, row).unless_repeated(&mut keys))
            .collect();
        if part.is_empty() {
            break;
        }
        let taken = together(app, ctx, rehearsal.as_ref(), &part).await?;
        for (row, taken) in part.into_iter().zip(taken) {
            report.add(outcome(app, ctx, rehearsal.as_ref(), row, taken).await?);
        }
    }
    if let Some(tx) = rehearsal {
        tx.rollback().await?;
    }
    Ok(report)
}

/// A row that was looked at, but not at the database.
struct Checked {
    line: u64,
    key: Option<String>,
    row: Result<(Intake, Vec<Remark>), Problem>,
}

impl Checked {
    /// A key that stood in an earlier row: whom it means is unclear, and the later row must not undo
    /// the earlier one.
    fn unless_repeated(mut self, keys: &mut HashMap<String, u64>) -> Self {
        let key = self.key.as_deref().map(str::trim).filter(|key| !key.is_empty());
        let Some(key) = key else { return self };
        match keys.entry(key.to_owned()) {
            Entry::Occupied(first) => {
                let detail = messages::repeated_source_key(*first.get());
                let code = "repeated-source-key";
                self.row = Err(Problem::invalid("/source_key", code, detail));
            }
            Entry::Vacant(free) => drop(free.insert(self.line)),
        }
        self
    }
}

fn checked(
    app: &App,
    ctx: &Context,
    what: (&str, bool),
    (row, position): (ReadRow, u64),
) -> Checked {
    match row {
        Err(fault) => {
            let detail = match fault.fault {
                Fault::Cells { found, expected } => messages::cells(found, expected),
                Fault::OpenQuote => messages::open_quote(),
            };
            let problem = Problem::invalid("", "unreadable-line", detail);
            Checked { line: fault.line, key: None, row: Err(problem) }
        }
        Ok(row) => Checked {
            line: row.line.unwrap_or(position),
            key: row.source_key.clone(),
            row: check(app, ctx, what, &row),
        },
    }
}

/// What can be taken in at once of a batch. Where that fails, each of its rows is taken by itself,
/// so that only the one at fault is refused.
async fn together(
    app: &App,
    ctx: &Context,
    rehearsal: Option<&Tx>,
    part: &[Checked],
) -> Result<Vec<Option<Taken>>, Problem> {
    let batch: Vec<Option<&Intake>> =
        part.iter().map(|checked| checked.row.as_ref().ok().map(|(intake, _)| intake)).collect();
    let outcome = match rehearsal {
        Some(tx) => savepoint(tx, newcomers::run(app, tx, ctx, &batch)).await?,
        None => {
            let tx = app.db.begin().await?;
            match newcomers::run(app, &tx, ctx, &batch).await {
                Ok(Some(taken)) => tx.commit().await.map(|()| Some(taken)).map_err(Problem::from),
                other => {
                    tx.rollback().await?;
                    other
                }
            }
        }
    };
    match outcome {
        Ok(Some(taken)) => return Ok(taken),
        Ok(None) => tracing::debug!("somebody else brings in rows of the same batch"),
        Err(problem) => tracing::warn!(%problem, "a batch is taken in row by row"),
    }
    Ok(part.iter().map(|_| None).collect())
}

/// Undoes `work` unless it comes to something.
async fn savepoint<T>(
    tx: &Tx,
    work: impl Future<Output = Result<Option<T>, Problem>>,
) -> Result<Result<Option<T>, Problem>, Problem> {
    tx.execute_unprepared("SAVEPOINT import_row").await?;
    let outcome = work.await;
    if matches!(outcome, Ok(Some(_))) {
        tx.execute_unprepared("RELEASE SAVEPOINT import_row").await?;
    } else {
        tx.forget_later_rows();
        tx.execute_unprepared("ROLLBACK TO SAVEPOINT import_row").await?;
    }
    Ok(outcome)
}

async fn outcome(
    app: &App,
    ctx: &Context,
    rehearsal: Option<&Tx>,
    row: Checked,
    taken: Option<Taken>,
) -> Result<RowOutcome, Problem> {
    let Checked { line, key, row } = row;
    let (intake, remarks) = match row {
        Ok(row) => row,
        Err(problem) if problem.status() < 500 => {
            return Ok(error(line, key, &problem, ctx.locale));
        }
        Err(problem) => return Err(problem),
    };
    let taken = match taken {
        Some(taken) => Ok(taken),
        None => one(app, ctx, rehearsal, intake).await,
    };
    match taken {
        Ok(taken) => Ok(done(line, key, &taken, remarks, (rehearsal.is_some(), ctx.locale))),
        Err(problem) if problem.status() < 500 => Ok(error(line, key, &problem, ctx.locale)),
        Err(problem) => Err(problem),
    }
}

async fn one(
    app: &App,
    ctx: &Context,
    rehearsal: Option<&Tx>,
    intake: Intake,
) -> Result<Taken, Problem> {
    if let Some(tx) = rehearsal {
        let work = async { intake::run(app, tx, ctx, intake).await.map(Some) };
        let taken = savepoint(tx, work).await??;
        return taken.ok_or_else(|| Problem::internal("a row came to nothing"));
    }
    let mut tried = 1;
    loop {
        let tx = app.db.begin().await?;
        let outcome = intake::run(app, &tx, ctx, intake.clone()).await;
        match outcome {
            Ok(taken) => {
                tx.commit().await?;
                return Ok(taken);
            }
            Err(problem) => {
                tx.rollback().await?;
                let passing = problem.inner().is_some_and(|cause| store::is_transient(cause));
                if !passing || tried == TRIES {
                    return Err(problem);
                }
                tried += 1;
            }
        }
    }
}
