//! Import of customers: every row by itself, so that a broken one holds nobody up and none is half
//! written. Run again, it changes nothing; interrupted, it goes on where it stopped.

use std::collections::{HashMap, hash_map::Entry};

use kernel::{Context, Fields, Problem, limits};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App,
    input::{self, OnMatch},
    intake::{self, Intake, Outcome, Taken},
};
use crate::{
    codes,
    domain::{
        identifier::Identifier,
        record::Departure,
        rows::{self, ImportRow, ReadRow},
    },
};

/// Rows of one CSV upload; the body's size limit usually comes first.
const MOST_CSV_ROWS: usize = 20_000;
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    Created,
    Updated,
    Unchanged,
    /// Became a further source of a customer who was known by one of the identifiers.
    Matched,
    Error,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RowOutcome {
    pub line: u64,
    pub source_key: Option<String>,
    pub outcome: RowStatus,
    /// Absent for errors, and for customers that a dry run would create.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub customer_id: Option<Uuid>,
    /// Kind of the identifier that was equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub matched_on: Option<String>,
    /// Stable code of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<String>,
    /// What is wrong (errors) or worth a look (invalid phone number kept, identifier held by
    /// another customer, another name or identity card under a known key).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub remarks: Vec<Remark>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Remark {
    /// JSON pointer into the row.
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ImportReport {
    pub dry_run: bool,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub matched: u64,
    pub errors: u64,
    /// One per row, in the order of the rows.
    pub rows: Vec<RowOutcome>,
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
    fields.check(range.contains(&count), "/rows", "bad-count", "needs 1 to 1000 rows");
    input::source_name(&mut fields, "/source", &request.source);
    fields.finish()?;
    let rows = request.rows.into_iter().map(Ok).collect();
    run(app, ctx, &request.source, request.dry_run, rows).await
}

/// `POST /customer-imports/csv`.
pub async fn csv(
    app: &App,
    ctx: &Context,
    (source, dry_run): (&str, bool),
    bytes: &[u8],
) -> Result<ImportReport, Problem> {
    let mut fields = Fields::new();
    input::source_name(&mut fields, "/source", source);
    fields.finish()?;
    let refuse = |detail: String| Problem::of(&codes::UNREADABLE_FILE).detail(detail);
    let rows = rows::read_csv(bytes).map_err(|e| refuse(e.to_string()))?;
    if rows.len() > MOST_CSV_ROWS {
        return Err(refuse(format!("the file has more than {MOST_CSV_ROWS} rows; split it")));
    }
    run(app, ctx, source, dry_run, rows).await
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
    let mut keys: HashMap<String, u64> = HashMap::new();
    for (i, row) in rows.into_iter().enumerate() {
        let position = u64::try_from(i).unwrap_or(u64::MAX) + 1;
        let outcome = match row {
            Err((line, detail)) => {
                error(line, None, &Problem::invalid("", "unreadable-line", detail))
            }
            Ok(row) => {
                let line = row.line.unwrap_or(position);
                let key = row.source_key.clone();
                if let Some(problem) = repeated(&mut keys, key.as_deref(), line) {
                    let outcome = error(line, key, &problem);
                    count(&mut report, outcome.outcome);
                    report.rows.push(outcome);
                    continue;
                }
                match one(app, ctx, (source, rehearsal.as_ref()), &row).await {
                    Ok(taken) => done(line, key, taken, dry_run),
                    Err(problem) if problem.status() < 500 => error(line, key, &problem),
                    Err(problem) => return Err(problem),
                }
            }
        };
        count(&mut report, outcome.outcome);
        report.rows.push(outcome);
    }
    if let Some(tx) = rehearsal {
        tx.rollback().await?;
    }
    Ok(report)
}

/// A key that stood in an earlier row: whom it means is unclear, and the later row must not undo
/// the earlier one.
fn repeated(keys: &mut HashMap<String, u64>, key: Option<&str>, line: u64) -> Option<Problem> {
    let key = key.map(str::trim).filter(|key| !key.is_empty())?;
    match keys.entry(key.to_owned()) {
        Entry::Occupied(first) => {
            let detail = format!("line {} has this source key already", first.get());
            Some(Problem::invalid("/source_key", "repeated-source-key", detail))
        }
        Entry::Vacant(free) => {
            free.insert(line);
            None
        }
    }
}

async fn one(
    app: &App,
    ctx: &Context,
    (source, rehearsal): (&str, Option<&Tx>),
    row: &ImportRow,
) -> Result<Taken, Problem> {
    let intake = check(ctx, source, rehearsal.is_some(), row)?;
    if let Some(tx) = rehearsal {
        tx.execute_unprepared("SAVEPOINT import_row").await?;
        let outcome = intake::run(app, tx, ctx, intake).await;
        let end = match &outcome {
            Ok(_) => "RELEASE SAVEPOINT import_row",
            Err(_) => "ROLLBACK TO SAVEPOINT import_row",
        };
        tx.execute_unprepared(end).await?;
        return outcome;
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

fn check(ctx: &Context, source: &str, dry_run: bool, row: &ImportRow) -> Result<Intake, Problem> {
    let mut fields = Fields::new();
    fields.text("/source_key", row.source_key.as_deref().unwrap_or_default(), 1, 200);
    input::name(&mut fields, "/name", Some(row.name.as_deref().unwrap_or_default()));
    let kind = rows::kind_of(row.kind.as_deref());
    fields.check(kind.is_some(), "/kind", "unknown-kind", "must be person or organisation");
    let blank_is_absent = |cell: &Option<String>| cell.clone().filter(|v| !v.trim().is_empty());
    input::locale(&mut fields, blank_is_absent(&row.locale).as_deref());
    for (name, cell, max) in [
        ("latin_name", &row.latin_name, limits::NAME),
        ("phone", &row.phone, 100),
        ("email", &row.email, 254),
        ("id_card", &row.id_card, 100),
        ("uscc", &row.uscc, 100),
        ("membership_no", &row.membership_no, 100),
        ("contract_no", &row.contract_no, 100),
        ("wecom", &row.wecom, 100),
        ("wechat", &row.wechat, 100),
        ("tier", &row.tier, 40),
        ("account_manager", &row.account_manager, 100),
        ("province", &row.province, 100),
        ("city", &row.city, 100),
        ("district", &row.district, 100),
        ("street", &row.street, 300),
        ("postal_code", &row.postal_code, 20),
    ] {
        if let Some(text) = cell {
            fields.text(&format!("/{name}"), text, 0, max);
        }
    }
    fields.finish()?;
    Ok(Intake {
        source: source.to_owned(),
        source_key: row.source_key.as_deref().map(|key| key.trim().to_owned()),
        kind: kind.ok_or_else(|| Problem::internal("a kind that was checked"))?,
        draft: row.draft(),
        received: serde_json::to_string(&row.canonical())?,
        org: input::unit(&ctx.actor.org, row.org.as_deref().map(str::trim))?,
        on_match: OnMatch::Attach,
        dry_run,
    })
}

fn done(line: u64, source_key: Option<String>, taken: Taken, dry_run: bool) -> RowOutcome {
    let (status, matched_on) = match taken.outcome {
        Outcome::Created => (RowStatus::Created, None),
        Outcome::Matched(kind) => (RowStatus::Matched, Some(kind.as_str().to_owned())),
        Outcome::Updated => (RowStatus::Updated, None),
        Outcome::Unchanged => (RowStatus::Unchanged, None),
    };
    let invented = dry_run && taken.customer.number.starts_with("dry-run-");
    let mut remarks: Vec<Remark> =
        taken.invalid.iter().map(|i| remark(i, "kept as it is")).collect();
    remarks.extend(taken.contested.iter().map(|i| Remark {
        pointer: format!("/{}", i.kind),
        code: "held-by-another".to_owned(),
        detail: "another customer has this identifier and is the one found by it".to_owned(),
    }));
    remarks.extend(taken.departures.iter().map(departure));
    RowOutcome {
        line,
        source_key,
        outcome: status,
        customer_id: (!invented).then_some(taken.customer.id),
        matched_on,
        code: None,
        remarks,
    }
}

fn remark(identifier: &Identifier, detail: &str) -> Remark {
    Remark {
        pointer: format!("/{}", identifier.kind),
        code: identifier.problem.clone().unwrap_or_default(),
        detail: detail.to_owned(),
    }
}

/// A known key with somebody else's name or card: perhaps the source has given the key away.
fn departure(departure: &Departure) -> Remark {
    let (pointer, code, what) = match departure {
        Departure::Name => ("/name".to_owned(), "another-name", "name"),
        Departure::Identifier(kind) => (format!("/{kind}"), "another-identifier", kind.as_str()),
    };
    let detail = format!("the source had another {what} under this key; is it the same customer?");
    Remark { pointer, code: code.to_owned(), detail }
}

fn error(line: u64, source_key: Option<String>, problem: &Problem) -> RowOutcome {
    let mut remarks: Vec<Remark> = problem
        .errors
        .iter()
        .map(|e| Remark {
            pointer: e.pointer.clone(),
            code: e.code.to_owned(),
            detail: e.detail.to_string(),
        })
        .collect();
    if remarks.is_empty() {
        let detail = problem.detail.as_ref();
        let detail = detail.map_or_else(|| problem.code.en.to_owned(), ToString::to_string);
        remarks.push(Remark { pointer: String::new(), code: problem.code.code.to_owned(), detail });
    }
    let code = remarks.first().map(|r| r.code.clone());
    RowOutcome {
        line,
        source_key,
        outcome: RowStatus::Error,
        customer_id: None,
        matched_on: None,
        code,
        remarks,
    }
}

fn count(report: &mut ImportReport, status: RowStatus) {
    match status {
        RowStatus::Created => report.created += 1,
        RowStatus::Updated => report.updated += 1,
        RowStatus::Unchanged => report.unchanged += 1,
        RowStatus::Matched => report.matched += 1,
        RowStatus::Error => report.errors += 1,
    }
}
