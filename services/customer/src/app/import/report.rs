//! What became of the rows, told to the caller.

use kernel::{Locale, Problem, Text};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::messages;
use crate::{
    app::intake::{Outcome, Taken},
    domain::record::Departure,
};

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
    /// What is wrong (errors) or worth a look (`repaired`, `digits-lost`, a telephone number that is
    /// none, `kept` where the known value stays instead, an identifier held by another customer,
    /// another name or identity card under a known key).
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

impl Remark {
    pub fn new(field: &str, code: &str, detail: &Text, locale: Locale) -> Self {
        let detail = detail.render(locale);
        Self { pointer: format!("/{field}"), code: code.to_owned(), detail }
    }
}

#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ImportReport {
    pub dry_run: bool,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub matched: u64,
    pub errors: u64,
    /// Rows that were taken, with remarks.
    pub remarked: u64,
    /// Encoding of the file (CSV only): `UTF-8`, `UTF-16` or `GB18030`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub encoding: Option<String>,
    /// Columns of the file that are not read (CSV only).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub ignored_columns: Vec<String>,
    /// One per row, in the order of the rows.
    pub rows: Vec<RowOutcome>,
}

impl ImportReport {
    pub fn add(&mut self, row: RowOutcome) {
        match row.outcome {
            RowStatus::Created => self.created += 1,
            RowStatus::Updated => self.updated += 1,
            RowStatus::Unchanged => self.unchanged += 1,
            RowStatus::Matched => self.matched += 1,
            RowStatus::Error => self.errors += 1,
        }
        if row.outcome != RowStatus::Error && !row.remarks.is_empty() {
            self.remarked += 1;
        }
        self.rows.push(row);
    }
}

/// A row that was taken; `remarks` are known of it already.
pub fn done(
    line: u64,
    source_key: Option<String>,
    taken: &Taken,
    mut remarks: Vec<Remark>,
    (dry_run, locale): (bool, Locale),
) -> RowOutcome {
    let (outcome, matched_on) = match taken.outcome {
        Outcome::Created => (RowStatus::Created, None),
        Outcome::Matched(kind) => (RowStatus::Matched, Some(kind.as_str().to_owned())),
        Outcome::Updated => (RowStatus::Updated, None),
        Outcome::Unchanged => (RowStatus::Unchanged, None),
    };
    let invented = dry_run && taken.customer.number.starts_with("dry-run-");
    // It is no part of the record, unlike one before which nothing good was known.
    let marked = messages::kept_and_marked().render(locale);
    for kind in &taken.kept {
        let pointer = format!("/{kind}");
        for remark in remarks.iter_mut().filter(|r| r.pointer == pointer && r.detail == marked) {
            remark.detail = messages::unusable().render(locale);
        }
        let known = messages::known_value_kept();
        remarks.push(Remark::new(kind.as_str(), "kept", &known, locale));
    }
    let held = messages::held_by_another();
    remarks.extend(
        taken
            .contested
            .iter()
            .map(|i| Remark::new(i.kind.as_str(), "held-by-another", &held, locale)),
    );
    remarks.extend(taken.departures.iter().map(|departure| of_departure(departure, locale)));
    RowOutcome {
        line,
        source_key,
        outcome,
        customer_id: (!invented).then_some(taken.customer.id),
        matched_on,
        code: None,
        remarks,
    }
}

/// A known key with somebody else's name or card: perhaps the source has given the key away.
fn of_departure(departure: &Departure, locale: Locale) -> Remark {
    match departure {
        Departure::Name => Remark::new("name", "another-name", &messages::another_name(), locale),
        Departure::Identifier(kind) => {
            let detail = messages::another_identifier(kind.as_str());
            Remark::new(kind.as_str(), "another-identifier", &detail, locale)
        }
    }
}

/// A row that was refused.
pub fn error(
    line: u64,
    source_key: Option<String>,
    problem: &Problem,
    locale: Locale,
) -> RowOutcome {
    let mut remarks: Vec<Remark> = problem
        .errors
        .iter()
        .map(|e| Remark {
            pointer: e.pointer.clone(),
            code: e.code.to_owned(),
            detail: e.detail.render(locale),
        })
        .collect();
    if remarks.is_empty() {
        let title = problem.code.title(locale);
        let detail = problem.detail.as_ref().map_or_else(|| title.to_owned(), |d| d.render(locale));
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
