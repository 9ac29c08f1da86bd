//! Rows of a ServiceNow incident log: one row per update of an incident, each with its whole state.

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use kernel::{Text, messages as shared};
use sheet::Column;
use uuid::Uuid;

use super::{lifecycle::Status, priority::Priority};
use crate::messages;

const fn column(field: &'static str, about: &'static str, needed: bool) -> Column {
    Column { field, names: &[], about, needed }
}

/// The columns of a log that are read.
pub const COLUMNS: [Column; 20] = [
    column("number", "number of the incident, e.g. INC0000045", true),
    column("incident_state", "New, Active, Awaiting …, Resolved, Closed", true),
    column("sys_updated_at", "time of the update: DD-MM-YYYY HH:MM or YYYY-MM-DD HH:MM:SS", true),
    column("opened_at", "when the incident was opened", true),
    column("sys_mod_count", "count of the update", false),
    column("sys_updated_by", "who made the update", false),
    column("opened_by", "who opened the incident", false),
    column("resolved_at", "when it was resolved", false),
    column("closed_at", "when it was closed", false),
    column("reopen_count", "how often it was reopened", false),
    column("reassignment_count", "how often it was reassigned", false),
    column("priority", "1 - Critical to 5 - Planning", false),
    column("contact_type", "Phone, Email, Self service, Chat, Walk-in", false),
    column("category", "category", false),
    column("subcategory", "subcategory; part of the subject", false),
    column("u_symptom", "symptom; part of the subject", false),
    column("assignment_group", "queue", false),
    column("assigned_to", "handler", false),
    column("closed_code", "how it was closed", false),
    column("caller_id", "who called; with --customers the customer", false),
];

/// The columns that matter, as text.
#[derive(Debug, Clone, Default)]
pub struct RawRow<'a> {
    pub number: &'a str,
    pub incident_state: &'a str,
    pub sys_mod_count: &'a str,
    pub sys_updated_by: &'a str,
    pub sys_updated_at: &'a str,
    pub opened_by: &'a str,
    pub opened_at: &'a str,
    pub resolved_at: &'a str,
    pub closed_at: &'a str,
    pub reopen_count: &'a str,
    pub reassignment_count: &'a str,
    pub priority: &'a str,
    pub contact_type: &'a str,
    pub category: &'a str,
    pub subcategory: &'a str,
    pub u_symptom: &'a str,
    pub assignment_group: &'a str,
    pub assigned_to: &'a str,
    pub closed_code: &'a str,
    pub customer_id: &'a str,
}

/// An understood row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub number: String,
    pub status: Status,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
    pub opened_at: DateTime<Utc>,
    pub opened_by: String,
    pub resolved_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub reopen_count: i32,
    pub reassignment_count: i32,
    pub priority: Priority,
    pub channel: &'static str,
    pub category: Option<String>,
    pub subject: String,
    pub group: Option<String>,
    pub assignee: Option<String>,
    pub close_code: Option<String>,
    /// Who called, where the sender knows. No state of the incident.
    pub customer_id: Option<Uuid>,
    /// Tells this state of the incident from every other.
    pub fingerprint: String,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    pub column: &'static str,
    pub code: &'static str,
    pub detail: Text,
}

/// Reads a row; `?` and blank mean unknown. Times are those of clocks in `zone`, in one of
/// [`TIMES`].
pub fn parse(raw: &RawRow<'_>, zone: Tz) -> Result<Row, RowError> {
    let time = |column, value| time(column, value, zone);
    let number = text("number", raw.number, 40)?.ok_or_else(|| missing("number"))?;
    let status = status(raw.incident_state)?;
    let category = text("category", raw.category, 200)?;
    let subcategory = text("subcategory", raw.subcategory, 200)?;
    let symptom = text("u_symptom", raw.u_symptom, 200)?;
    let about: Vec<&str> =
        [&category, &subcategory, &symptom].into_iter().flatten().map(String::as_str).collect();
    let subject = match about.is_empty() {
        true => number.clone(),
        false => about.join(" / "),
    };
    Ok(Row {
        status,
        updated_at: time("sys_updated_at", raw.sys_updated_at)?
            .ok_or_else(|| missing("sys_updated_at"))?,
        updated_by: text("sys_updated_by", raw.sys_updated_by, 200)?.unwrap_or("unknown".into()),
        opened_at: time("opened_at", raw.opened_at)?.ok_or_else(|| missing("opened_at"))?,
        opened_by: text("opened_by", raw.opened_by, 200)?.unwrap_or("unknown".into()),
        resolved_at: time("resolved_at", raw.resolved_at)?,
        closed_at: time("closed_at", raw.closed_at)?,
        reopen_count: count("reopen_count", raw.reopen_count)?,
        reassignment_count: count("reassignment_count", raw.reassignment_count)?,
        priority: priority(raw.priority)?,
        channel: channel(raw.contact_type),
        group: text("assignment_group", raw.assignment_group, 200)?,
        assignee: text("assigned_to", raw.assigned_to, 200)?,
        close_code: text("closed_code", raw.closed_code, 200)?,
        customer_id: customer(raw.customer_id)?,
        fingerprint: fingerprint(raw),
        number,
        category,
        subject,
    })
}

fn known(value: &str) -> Option<&str> {
    let value = value.trim();
    (!value.is_empty() && value != "?").then_some(value)
}

fn missing(column: &'static str) -> RowError {
    RowError { column, code: "missing", detail: messages::column_required(column) }
}

fn text(column: &'static str, value: &str, max: usize) -> Result<Option<String>, RowError> {
    let Some(value) = known(value) else { return Ok(None) };
    if value.chars().count() > max {
        let detail = shared::too_long(max);
        return Err(RowError { column, code: "too-long", detail });
    }
    if value.contains('\0') {
        let detail = shared::nul_character();
        return Err(RowError { column, code: "nul-character", detail });
    }
    // Log exports pad names ("Opened by  8"); a name keeps one blank.
    Ok(Some(value.split_whitespace().collect::<Vec<_>>().join(" ")))
}

/// How times are written: as ServiceNow has it, and as spreadsheets in China make of it.
const TIMES: [&str; 6] = [
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
];

fn time(column: &'static str, value: &str, zone: Tz) -> Result<Option<DateTime<Utc>>, RowError> {
    let Some(value) = known(value) else { return Ok(None) };
    TIMES
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(value, format).ok())
        .filter(|time| (1970..=2999).contains(&chrono::Datelike::year(time)))
        .map(|time| Some(instant(time, zone)))
        .ok_or_else(|| RowError { column, code: "bad-time", detail: messages::a_log_time() })
}

/// When clocks in `zone` showed `local`: the first time, where they were put back over it; and where
/// they were put forward over it, what they would have shown unchanged.
fn instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let shown = |local: NaiveDateTime| zone.from_local_datetime(&local).earliest();
    let before = TimeDelta::days(1);
    let unchanged = || shown(local - before).map(|time| time + before);
    shown(local).or_else(unchanged).map_or_else(|| local.and_utc(), |time| time.to_utc())
}

fn customer(value: &str) -> Result<Option<Uuid>, RowError> {
    let Some(value) = known(value) else { return Ok(None) };
    let malformed =
        |_| RowError { column: "customer_id", code: "malformed", detail: shared::a_uuid() };
    value.parse().map(Some).map_err(malformed)
}

fn count(column: &'static str, value: &str) -> Result<i32, RowError> {
    let Some(value) = known(value) else { return Ok(0) };
    value.parse::<i32>().ok().filter(|n| (0..=1_000_000).contains(n)).ok_or_else(|| RowError {
        column,
        code: "bad-number",
        detail: messages::a_log_number(1_000_000),
    })
}

fn status(value: &str) -> Result<Status, RowError> {
    match value.trim().to_ascii_lowercase().as_str() {
        "new" => Ok(Status::New),
        "active" | "in progress" => Ok(Status::Open),
        "awaiting user info" => Ok(Status::Pending),
        "on hold" => Ok(Status::OnHold),
        waiting if waiting.starts_with("awaiting ") => Ok(Status::OnHold),
        "resolved" => Ok(Status::Resolved),
        "closed" => Ok(Status::Closed),
        "canceled" | "cancelled" => Ok(Status::Cancelled),
        _ => Err(RowError {
            column: "incident_state",
            code: "unknown-state",
            detail: messages::a_log_state(),
        }),
    }
}

/// `1 - Critical` to `5 - Planning`.
fn priority(value: &str) -> Result<Priority, RowError> {
    let Some(value) = known(value) else { return Ok(Priority::Normal) };
    match value.as_bytes()[0] {
        b'1' => Ok(Priority::Urgent),
        b'2' => Ok(Priority::High),
        b'3' => Ok(Priority::Normal),
        b'4' | b'5' => Ok(Priority::Low),
        _ => Err(RowError {
            column: "priority",
            code: "unknown-priority",
            detail: messages::a_log_priority(),
        }),
    }
}

fn channel(value: &str) -> &'static str {
    match value.trim().to_ascii_lowercase().as_str() {
        "phone" | "ivr" => "phone",
        "email" => "email",
        "self service" | "self-service" => "web",
        "chat" => "chat",
        "walk-in" => "counter",
        _ => "api",
    }
}

/// Update counter, update time and a hash (FNV-1a, 64 bit) of the columns read.
fn fingerprint(raw: &RawRow<'_>) -> String {
    let columns = [
        raw.incident_state,
        raw.sys_updated_by,
        raw.opened_by,
        raw.opened_at,
        raw.resolved_at,
        raw.closed_at,
        raw.reopen_count,
        raw.reassignment_count,
        raw.priority,
        raw.contact_type,
        raw.category,
        raw.subcategory,
        raw.u_symptom,
        raw.assignment_group,
        raw.assigned_to,
        raw.closed_code,
    ];
    let hash = columns
        .iter()
        .flat_map(|column| column.bytes().chain([0x1f]))
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let bounded = |s: &str| s.trim().chars().filter(|c| *c != '\0').take(40).collect::<String>();
    format!("{}@{}#{hash:016x}", bounded(raw.sys_mod_count), bounded(raw.sys_updated_at))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn raw() -> RawRow<'static> {
        RawRow {
            number: "INC1",
            incident_state: "Awaiting Vendor",
            sys_mod_count: "3",
            sys_updated_at: "29-02-2016 01:23",
            opened_at: "29-02-2016 01:16",
            resolved_at: "?",
            priority: "2 - High",
            contact_type: "Phone",
            opened_by: "Opened by  8",
            assignment_group: "Group 56",
            ..RawRow::default()
        }
    }

    #[test]
    fn a_row_is_understood() {
        let row = parse(&raw(), Tz::UTC).unwrap();
        assert_eq!(
            (row.status, row.priority, row.channel),
            (Status::OnHold, Priority::High, "phone")
        );
        assert_eq!(row.updated_at.to_rfc3339(), "2016-02-29T01:23:00+00:00");
        assert_eq!(row.opened_by, "Opened by 8");
        assert_eq!((row.resolved_at, row.assignee, row.subject.as_str()), (None, None, "INC1"));
    }

    #[test]
    fn faults_name_their_column() {
        let fault = |change: fn(&mut RawRow<'static>)| {
            let mut row = raw();
            change(&mut row);
            let error = parse(&row, Tz::UTC).unwrap_err();
            (error.column, error.code)
        };
        assert_eq!(fault(|r| r.number = "?"), ("number", "missing"));
        assert_eq!(fault(|r| r.opened_at = "31-02-2016 01:16"), ("opened_at", "bad-time"));
        assert_eq!(fault(|r| r.incident_state = "Gone"), ("incident_state", "unknown-state"));
        assert_eq!(fault(|r| r.reopen_count = "-1"), ("reopen_count", "bad-number"));
        assert_eq!(fault(|r| r.priority = "x"), ("priority", "unknown-priority"));
        assert_eq!(fault(|r| r.customer_id = "7"), ("customer_id", "malformed"));
    }

    #[test]
    fn times_are_those_of_the_zone() {
        let opened = |opened_at: &'static str, zone: Tz| {
            parse(&RawRow { opened_at, ..raw() }, zone).unwrap().opened_at.to_rfc3339()
        };
        let (shanghai, berlin) = (Tz::Asia__Shanghai, Tz::Europe__Berlin);
        for written in ["29-02-2016 01:16", "2016-02-29 01:16:00", "2016/2/29 1:16"] {
            assert_eq!(opened(written, shanghai), "2016-02-28T17:16:00+00:00", "{written}");
        }
        assert_eq!(opened("27-03-2016 02:30", berlin), "2016-03-27T01:30:00+00:00", "skipped");
        assert_eq!(opened("30-10-2016 02:30", berlin), "2016-10-30T00:30:00+00:00", "twice");
        // China put its clocks forward from 1986 to 1991.
        assert_eq!(opened("15-07-1990 12:00", shanghai), "1990-07-15T03:00:00+00:00");
    }

    #[test]
    fn every_column_changes_the_fingerprint() {
        let one = parse(&raw(), Tz::UTC).unwrap().fingerprint;
        let other =
            parse(&RawRow { assigned_to: "Resolver 1", ..raw() }, Tz::UTC).unwrap().fingerprint;
        assert_ne!(one, other);
        assert!(one.starts_with("3@29-02-2016 01:23#"));
    }
}
