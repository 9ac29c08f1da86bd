//! Takes over an incident log of ServiceNow: each row is one update of an incident, replayed with
//! its own time. Nobody is told, nothing is surveyed; service levels are judged on historical time.
//!
//! Sent again, a row changes nothing: its fingerprint is kept. The rows of an incident may be
//! spread over requests, as long as they come in order.

mod build;
mod callers;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono_tz::Tz;
use kernel::{Context, Fields, Locale, OrgPath, Problem, limits, messages as shared};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use store::{Tx, sql};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, facts, facts::Fact, known, numbers::next_numbers, snapshot::Surroundings};
use crate::{
    domain::servicenow::{RawRow, Row, RowError, parse},
    messages,
    store::{
        entities::{import_row, ticket, timer, timer_pause},
        tickets,
    },
};
use build::{Existing, Taken};
use callers::Callers;

/// Incidents of one transaction.
const CHUNK: usize = 100;

/// Rows of an incident log, in its order.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceNowImport {
    /// Name of the system they come from; with `number` it identifies an incident.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]+$")]
    pub source: String,
    /// Kind of the tickets; `repair` without it.
    #[schema(min_length = 1, max_length = 64)]
    pub kind: Option<String>,
    /// Organisational unit of the tickets, within the caller's own; the caller's own without it.
    #[schema(min_length = 2, max_length = 327)]
    pub org: Option<String>,
    /// Time zone of the rows' times, by its IANA name, e.g. `Asia/Shanghai`; UTC without it. A row
    /// that was taken over before is not moved by another zone.
    #[schema(min_length = 1, max_length = 64)]
    pub timezone: Option<String>,
    #[schema(min_items = 1, max_items = 1000)]
    pub rows: Vec<ServiceNowRow>,
}

/// One row, its columns as text. `?` and empty mean unknown; columns not named here are ignored.
/// Times are `DD-MM-YYYY HH:MM` or `YYYY-MM-DD HH:MM:SS`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct ServiceNowRow {
    /// Line in the file, for the answer.
    #[schema(minimum = 0)]
    pub line: u32,
    pub number: String,
    pub incident_state: String,
    pub sys_mod_count: String,
    pub sys_updated_by: String,
    pub sys_updated_at: String,
    pub opened_by: String,
    pub opened_at: String,
    pub resolved_at: String,
    pub closed_at: String,
    pub reopen_count: String,
    pub reassignment_count: String,
    pub priority: String,
    pub contact_type: String,
    pub category: String,
    pub subcategory: String,
    pub u_symptom: String,
    pub assignment_group: String,
    pub assigned_to: String,
    pub closed_code: String,
    /// Customer who called, by id. A ticket that has none yet gets them, also by a row that was taken
    /// over before; one that has a customer keeps them.
    pub customer_id: String,
}

/// What became of the rows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportReport {
    pub applied: usize,
    pub unchanged: usize,
    pub errors: usize,
    pub rows: Vec<RowResult>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RowResult {
    pub line: u32,
    /// `applied`, `unchanged` or `error`.
    pub outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<RowFault>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RowFault {
    pub code: &'static str,
    /// Where in the request.
    pub pointer: String,
    pub detail: String,
}

/// What all rows of a request share.
struct Batch<'a> {
    app: &'a App,
    ctx: &'a Context,
    source: String,
    kind: String,
    org: OrgPath,
    zone: Tz,
}

/// Rows of one incident, with their places in the request.
type Group = (String, Vec<(usize, Row)>);

pub async fn run(
    app: &App,
    ctx: &Context,
    input: ServiceNowImport,
) -> Result<ImportReport, Problem> {
    let batch = check(app, ctx, &input).await?;
    let mut results: Vec<RowResult> = Vec::with_capacity(input.rows.len());
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let rows: Vec<Result<Row, RowError>> =
        input.rows.iter().map(|row| parse(&raw(row), batch.zone)).collect();
    let named: BTreeSet<Uuid> = rows.iter().flatten().filter_map(|row| row.customer_id).collect();
    let callers = callers::known(app, ctx, &named).await?;
    for (index, row) in rows.into_iter().enumerate() {
        results.push(RowResult {
            line: input.rows[index].line,
            outcome: "unchanged",
            ticket_id: None,
            error: None,
        });
        match row.and_then(|row| callers::check(row, &callers)) {
            Ok(row) => {
                let place = *places.entry(row.number.clone()).or_insert(groups.len());
                if place == groups.len() {
                    groups.push((row.number.clone(), vec![]));
                }
                groups[place].1.push((index, row));
            }
            Err(error) => fail(&mut results[index], index, &error, ctx.locale),
        }
    }
    let mut chunk: Vec<Group> = Vec::new();
    let mut groups = groups.into_iter().peekable();
    while let Some(group) = groups.next() {
        chunk.push(group);
        if chunk.len() == CHUNK || groups.peek().is_none() {
            let tx = app.db.begin().await?;
            let part = std::mem::take(&mut chunk);
            take_over(&batch, &tx, part, &callers, &mut results).await?;
            tx.commit().await?;
        }
    }
    let count = |outcome| results.iter().filter(|r| r.outcome == outcome).count();
    let (applied, unchanged, errors) = (count("applied"), count("unchanged"), count("error"));
    Ok(ImportReport { applied, unchanged, errors, rows: results })
}

fn fail(result: &mut RowResult, index: usize, error: &RowError, locale: Locale) {
    result.outcome = "error";
    let pointer = format!("/rows/{index}/{}", error.column);
    result.error =
        Some(RowFault { code: error.code, pointer, detail: error.detail.render(locale) });
}

async fn check<'a>(
    app: &'a App,
    ctx: &'a Context,
    input: &ServiceNowImport,
) -> Result<Batch<'a>, Problem> {
    let tx = app.db.begin().await?;
    let config = app.configs.get(&tx, &ctx.actor.org, app.clock.now()).await?;
    tx.commit().await?;
    let kind = input.kind.clone().unwrap_or_else(|| "repair".into());
    let org = input.org.as_deref().map_or(Ok(ctx.actor.org.clone()), OrgPath::parse);
    let org = org.ok().filter(|org| ctx.actor.org.covers(org.as_str()));
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let mut fields = Fields::new();
    let source = (1..=64).contains(&input.source.len()) && input.source.bytes().all(allowed);
    fields.check(source, "/source", "malformed", messages::key_form());
    known::kind(&mut fields, "/kind", &config, &kind, config.kinds.contains_key(&kind));
    fields.check(org.is_some(), "/org", "not-your-org", shared::foreign_org(&ctx.actor.org));
    let zone = input.timezone.as_deref().map_or(Ok(Tz::UTC), str::parse);
    fields.check(
        zone.is_ok(),
        "/timezone",
        "unknown-timezone",
        shared::a_time_zone(input.timezone.as_deref().unwrap_or_default()),
    );
    let rows = (1..=limits::BULK_ITEMS).contains(&input.rows.len());
    fields.check(rows, "/rows", "out-of-range", messages::rows_between(1, limits::BULK_ITEMS));
    fields.finish()?;
    let org = org.unwrap_or_else(|| ctx.actor.org.clone());
    let zone = zone.unwrap_or(Tz::UTC);
    Ok(Batch { app, ctx, source: input.source.clone(), kind, org, zone })
}

async fn take_over(
    batch: &Batch<'_>,
    tx: &Tx,
    groups: Vec<Group>,
    callers: &Callers,
    results: &mut [RowResult],
) -> Result<(), Problem> {
    let (root, now) = (batch.org.root(), batch.app.clock.now());
    // The counter's row is a lock: one transaction at a time takes over from a source.
    sql::next_number(tx, &format!("import:{root}:{}", batch.source)).await?;
    let config = batch.app.configs.get(tx, &batch.org, now).await?;
    let numbers: Vec<&str> = groups.iter().map(|(number, _)| number.as_str()).collect();
    let mut known = known_rows(tx, &root, &batch.source, &numbers).await?;
    let mut existing = existing(tx, &root, &batch.source, &numbers).await?;
    let mut taken: Vec<Taken> = Vec::new();
    for (number, rows) in groups {
        let before = existing.remove(&number);
        let ticket_id = before.as_ref().map(|e| e.ticket.id);
        if before.as_ref().is_some_and(|e| !batch.ctx.actor.org.covers(&e.ticket.org)) {
            let detail = messages::incident_of_other_unit();
            for (index, _) in &rows {
                let error =
                    RowError { column: "number", code: "other-unit", detail: detail.clone() };
                fail(&mut results[*index], *index, &error, batch.ctx.locale);
            }
            continue;
        }
        let caller = rows.iter().rev().find_map(|(index, row)| Some((*index, row.customer_id?)));
        let seen = known.entry(number).or_default();
        let (mut fresh, mut places) = (Vec::new(), Vec::new());
        for (index, row) in rows {
            results[index].ticket_id = ticket_id;
            if seen.insert(row.fingerprint.clone()) {
                results[index].outcome = "applied";
                places.push(index);
                fresh.push(row);
            }
        }
        // A ticket without customer gets one by any row, one with a customer keeps them.
        let lacks = before.as_ref().is_none_or(|e| e.ticket.customer_id.is_none());
        let caller = caller.filter(|_| lacks).and_then(|(at, id)| Some((at, callers.get(&id)?)));
        if let Some((at, _)) = caller.filter(|_| fresh.is_empty()) {
            results[at].outcome = "applied";
        }
        if !fresh.is_empty() || caller.is_some() {
            let caller = caller.map(|(_, customer)| customer);
            let one = Taken::of(batch, &config, (before, caller), fresh, now)?;
            places.iter().for_each(|index| results[*index].ticket_id = Some(one.ticket.id));
            taken.push(one);
        }
    }
    give_numbers(tx, &root, &mut taken).await?;
    build::write(tx, batch, &mut taken, now).await?;
    // What is history promises nothing any more.
    let around = Surroundings::of(&config, &[]);
    for one in taken {
        let fact = Fact::Imported { source: batch.source.clone() };
        facts::emit(tx, batch.ctx, now, (&one.ticket, &around), fact).await?;
    }
    Ok(())
}

async fn give_numbers(tx: &Tx, root: &OrgPath, taken: &mut [Taken]) -> Result<(), Problem> {
    let mut by_year: BTreeMap<i32, Vec<&mut Taken>> = BTreeMap::new();
    for one in taken.iter_mut().filter(|one| one.fresh) {
        by_year.entry(chrono::Datelike::year(&one.ticket.opened_at)).or_default().push(one);
    }
    for (year, ones) in by_year {
        let count = i64::try_from(ones.len())?;
        let first = next_numbers(tx, root, year, count).await?;
        for (one, number) in ones.into_iter().zip(first..) {
            one.ticket.number = super::numbers::number_text(year, number);
        }
    }
    Ok(())
}

async fn known_rows(
    tx: &Tx,
    root: &OrgPath,
    source: &str,
    numbers: &[&str],
) -> Result<HashMap<String, BTreeSet<String>>, Problem> {
    let rows = import_row::Entity::find()
        .filter(import_row::Column::Root.eq(root.as_str()))
        .filter(import_row::Column::Source.eq(source))
        .filter(import_row::Column::Number.is_in(numbers.iter().copied()))
        .all(tx)
        .await?;
    let mut known: HashMap<String, BTreeSet<String>> = HashMap::new();
    for row in rows {
        known.entry(row.number).or_default().insert(row.fingerprint);
    }
    Ok(known)
}

async fn existing(
    tx: &Tx,
    root: &OrgPath,
    source: &str,
    numbers: &[&str],
) -> Result<HashMap<String, Existing>, Problem> {
    let found = ticket::Entity::find()
        .filter(ticket::Column::Root.eq(root.as_str()))
        .filter(ticket::Column::ImportSource.eq(source))
        .filter(ticket::Column::ImportNumber.is_in(numbers.iter().copied()))
        .all(tx)
        .await?;
    let ids: Vec<Uuid> = found.iter().map(|t| t.id).collect();
    let timers = match ids.is_empty() {
        true => vec![],
        false => timer::Entity::find().filter(timer::Column::TicketId.is_in(ids)).all(tx).await?,
    };
    let timer_ids: Vec<Uuid> = timers.iter().map(|t| t.id).collect();
    let pauses: Vec<timer_pause::Model> = tickets::pauses(tx, &timer_ids).await?;
    let with_timers = |ticket: ticket::Model| {
        let mut own: Vec<timer::Model> =
            timers.iter().filter(|t| t.ticket_id == ticket.id).cloned().collect();
        own.sort_by_key(|t| t.cycle);
        let ledger = |p: &&timer_pause::Model| own.iter().any(|t| t.id == p.timer_id);
        let pauses = pauses.iter().filter(ledger).cloned().collect();
        (ticket.import_number.clone().unwrap_or_default(), Existing { ticket, timers: own, pauses })
    };
    Ok(found.into_iter().map(with_timers).collect())
}

fn raw(row: &ServiceNowRow) -> RawRow<'_> {
    RawRow {
        number: &row.number,
        incident_state: &row.incident_state,
        sys_mod_count: &row.sys_mod_count,
        sys_updated_by: &row.sys_updated_by,
        sys_updated_at: &row.sys_updated_at,
        opened_by: &row.opened_by,
        opened_at: &row.opened_at,
        resolved_at: &row.resolved_at,
        closed_at: &row.closed_at,
        reopen_count: &row.reopen_count,
        reassignment_count: &row.reassignment_count,
        priority: &row.priority,
        contact_type: &row.contact_type,
        category: &row.category,
        subcategory: &row.subcategory,
        u_symptom: &row.u_symptom,
        assignment_group: &row.assignment_group,
        assigned_to: &row.assigned_to,
        closed_code: &row.closed_code,
        customer_id: &row.customer_id,
    }
}
