//! Finding tickets, newest first: which statement answers which question on PostgreSQL, so that a
//! page costs the same at a hundred thousand tickets and at millions.
//!
//! * *Walk*: rows in the order of an index that begins with the filtered columns, until the page is
//!   full. Right when the index says it all, or nearly.
//! * *Slices*: words and other tokens ([`super::facets`]) in slices of time, newest first, until the
//!   page is full. Right when tokens say what is rare.
//! * Both are asked for: the walk looks at the newest [`NEAR`] rows of its index; only when these do
//!   not fill the page and are not all, the slices are read.
//!
//! SQLite answers everything by one plain statement.

use chrono::{DateTime, Utc};
use kernel::OrgPath;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityTrait, Statement, Value};
use store::{Db, fts, sql};
use uuid::Uuid;

use super::{entities::ticket, facets};

/// Rows that a walk looks at before slices are read instead.
const NEAR: u64 = 2_000;

const NEWEST: &str = "ORDER BY t.opened_at DESC, t.id DESC";

/// Which tickets; checked already. Empty lists and absent values ask for nothing.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The enterprise.
    pub root: String,
    /// A unit with everything below it.
    pub org: Option<OrgPath>,
    pub statuses: Vec<&'static str>,
    pub queue: Option<String>,
    pub handler: Option<String>,
    pub customer_id: Option<Uuid>,
    pub parent_id: Option<Uuid>,
    pub number: Option<String>,
    pub external_ref: Option<String>,
    pub import_number: Option<String>,
    pub kind: Option<String>,
    pub category: Option<String>,
    pub priority: Option<String>,
    pub first_responder: Option<String>,
    pub breached: Option<bool>,
    pub opened_from: Option<DateTime<Utc>>,
    pub opened_to: Option<DateTime<Utc>>,
    /// Tokens of the words that must all be there ([`store::text::query_tokens`]).
    pub words: Vec<String>,
}

/// Sort key of the row before the page.
pub type After = Option<(DateTime<Utc>, Uuid)>;

/// One page of at most `limit` rows, newest first.
pub async fn page(
    db: &Db,
    wanted: &Wanted,
    after: After,
    limit: u64,
) -> Result<Vec<ticket::Model>, DbErr> {
    let find = |statement: Statement| ticket::Entity::find().from_raw_sql(statement).all(db);
    if !db.is_postgres() {
        return find(wanted.plain(DbBackend::Sqlite, after, limit)).await;
    }
    let tokens = wanted.tokens();
    if tokens.is_empty() || wanted.few() {
        return find(wanted.walk(after, limit)).await;
    }
    if wanted.listed() {
        let near = find(wanted.near(after, limit)).await?;
        let full = u64::try_from(near.len()).is_ok_and(|n| n >= limit);
        if full || db.query_one_raw(wanted.beyond(after)).await?.is_none() {
            return Ok(near);
        }
    }
    let Some(slices) = wanted.range(db, after).await? else { return Ok(vec![]) };
    find(wanted.slices(&slices, &tokens, after, limit)).await
}

/// What [`page`] may run on PostgreSQL, in order, the last only if the ones before do not do: to
/// look at their plans.
pub async fn statements(
    db: &Db,
    wanted: &Wanted,
    after: After,
    limit: u64,
) -> Result<Vec<Statement>, DbErr> {
    let tokens = wanted.tokens();
    if tokens.is_empty() || wanted.few() {
        return Ok(vec![wanted.walk(after, limit)]);
    }
    let mut all = vec![];
    if wanted.listed() {
        all.extend([wanted.near(after, limit), wanted.beyond(after)]);
    }
    if let Some(slices) = wanted.range(db, after).await? {
        all.push(wanted.slices(&slices, &tokens, after, limit));
    }
    Ok(all)
}

/// All that match, however many.
pub async fn count(db: &Db, wanted: &Wanted) -> Result<u64, DbErr> {
    let statement = wanted.counted(db.get_database_backend());
    let row = db.query_one_raw(statement).await?;
    let n: i64 = row.map_or(Ok(0), |row| row.try_get("", "n"))?;
    Ok(u64::try_from(n).unwrap_or_default())
}

/// A statement being written, with its values.
struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), values: vec![] }
    }

    fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends `text` and the placeholder of `value`.
    fn bind(&mut self, text: &str, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text += &format!("{text}${}", self.values.len());
        self
    }

    fn statement(self, backend: DbBackend) -> Statement {
        Statement::from_sql_and_values(backend, self.text, self.values)
    }
}

impl Wanted {
    /// Tokens by which slices are searched.
    fn tokens(&self) -> Vec<String> {
        let mut tokens = self.words.clone();
        tokens.extend(self.org.as_ref().map(|o| facets::org(o.as_str())));
        tokens.extend(self.kind.as_deref().map(facets::kind));
        tokens.extend(self.category.as_deref().map(facets::category));
        tokens.extend(self.priority.as_deref().map(facets::priority));
        tokens.extend(self.first_responder.as_deref().map(facets::first_responder));
        tokens
    }

    /// Whether an index leads to a few rows at once.
    fn few(&self) -> bool {
        self.customer_id.is_some()
            || self.parent_id.is_some()
            || self.number.is_some()
            || self.external_ref.is_some()
            || self.import_number.is_some()
    }

    /// Whether an index in the order of time begins with more than the enterprise.
    fn listed(&self) -> bool {
        !self.statuses.is_empty() || self.queue.is_some() || self.handler.is_some()
    }

    /// Conditions on columns of `t`, except those on status and words.
    fn columns(&self, sql: &mut Sql) {
        sql.bind("t.root = ", self.root.clone());
        if let Some(org) = &self.org {
            let (from, to) = org.below();
            sql.bind(" AND (t.org = ", org.as_str()).bind(" OR (t.org >= ", from);
            sql.bind(" AND t.org < ", to).push("))");
        }
        let texts = [
            ("queue", &self.queue),
            ("handler", &self.handler),
            ("number", &self.number),
            ("external_ref", &self.external_ref),
            ("import_number", &self.import_number),
            ("kind", &self.kind),
            ("category", &self.category),
            ("priority", &self.priority),
            ("first_responder", &self.first_responder),
        ];
        for (column, value) in texts {
            if let Some(value) = value {
                sql.bind(&format!(" AND t.{column} = "), value.clone());
            }
        }
        for (column, value) in [("customer_id", self.customer_id), ("parent_id", self.parent_id)] {
            if let Some(value) = value {
                sql.bind(&format!(" AND t.{column} = "), value);
            }
        }
        match self.breached {
            Some(true) => drop(sql.push(" AND t.breached")),
            Some(false) => drop(sql.push(" AND NOT t.breached")),
            None => {}
        }
        if let Some(at) = self.opened_from {
            sql.bind(" AND t.opened_at >= ", at);
        }
        if let Some(at) = self.opened_to {
            sql.bind(" AND t.opened_at < ", at);
        }
    }

    fn any_status(&self, sql: &mut Sql) {
        for (n, status) in self.statuses.iter().enumerate() {
            sql.bind(if n == 0 { " AND t.status IN (" } else { ", " }, *status);
        }
        if !self.statuses.is_empty() {
            sql.push(")");
        }
    }

    /// Words, by the index row of each ticket: for rows that another index has found.
    fn words_of_row(&self, sql: &mut Sql) {
        if !self.words.is_empty() {
            sql.push(" AND (SELECT f.tokens FROM ticket_fts f WHERE f.id = t.id)");
            sql.bind(" @> string_to_array(", self.words.join("\n")).push(", chr(10))");
        }
    }

    /// Everything in one `WHERE`, for SQLite and for counting.
    fn everything(&self, backend: DbBackend, sql: &mut Sql) {
        self.columns(sql);
        self.any_status(sql);
        if !self.words.is_empty() {
            let placeholder = format!("${}", sql.values.len() + 1);
            let (text, value) = fts::found(backend, "ticket", "t.id", &self.words, &placeholder);
            sql.push(" AND ").push(&text).values.push(value);
        }
    }

    fn plain(&self, backend: DbBackend, after: After, limit: u64) -> Statement {
        let mut sql = Sql::new("SELECT t.* FROM ticket t WHERE ");
        self.everything(backend, &mut sql);
        older(&mut sql, after);
        newest(&mut sql, limit);
        sql.statement(backend)
    }

    fn counted(&self, backend: DbBackend) -> Statement {
        let mut sql = Sql::new("SELECT COUNT(*) AS n FROM ticket t WHERE ");
        self.everything(backend, &mut sql);
        sql.statement(backend)
    }

    /// `columns` of the tickets in order, at most `limit`. An index in the order of time holds one
    /// status after the other, hence a walk for each and the newest of all of them.
    fn in_order(&self, sql: &mut Sql, columns: &str, after: After, limit: u64, words: bool) {
        let each = !self.few() && self.listed();
        let one = each && self.statuses.len() == 1;
        if each && !one {
            let all = if self.statuses.is_empty() { ALL_STATUSES } else { &self.statuses };
            sql.push(&format!("SELECT {columns} FROM unnest(string_to_array("));
            sql.bind("", all.join(",")).push(", ',')) s(status) CROSS JOIN LATERAL (");
        }
        let inner = if each && !one { "*" } else { columns };
        let inner = if inner == "*" { "t.*" } else { inner };
        sql.push(&format!("SELECT {inner} FROM ticket t WHERE "));
        self.columns(sql);
        match (each, one) {
            (true, true) => drop(sql.bind(" AND t.status = ", self.statuses[0])),
            (true, false) => drop(sql.push(" AND t.status = s.status")),
            _ => self.any_status(sql),
        }
        if words {
            self.words_of_row(sql);
        }
        older(sql, after);
        newest(sql, limit);
        if each && !one {
            sql.push(") t");
            newest(sql, limit);
        }
    }

    fn walk(&self, after: After, limit: u64) -> Statement {
        let mut sql = Sql::new("");
        self.in_order(&mut sql, "t.*", after, limit, true);
        sql.statement(DbBackend::Postgres)
    }

    /// What of the newest rows of the index has the tokens.
    fn near(&self, after: After, limit: u64) -> Statement {
        let mut sql = Sql::new("SELECT t.* FROM (");
        let list = self.list();
        list.in_order(&mut sql, "t.*", after, NEAR, false);
        sql.push(") t WHERE ");
        self.columns(&mut sql);
        self.words_of_row(&mut sql);
        newest(&mut sql, limit);
        sql.statement(DbBackend::Postgres)
    }

    /// A row if the index goes on behind what [`Self::near`] looks at.
    fn beyond(&self, after: After) -> Statement {
        let mut sql = Sql::new("SELECT 1 AS n FROM (");
        self.list().in_order(&mut sql, "t.id, t.opened_at", after, NEAR + 1, false);
        sql.push(&format!(") t OFFSET {NEAR} LIMIT 1"));
        sql.statement(DbBackend::Postgres)
    }

    /// Only what the ordered indexes know.
    fn list(&self) -> Self {
        Self {
            root: self.root.clone(),
            statuses: self.statuses.clone(),
            queue: self.queue.clone(),
            handler: self.handler.clone(),
            opened_from: self.opened_from,
            opened_to: self.opened_to,
            ..Self::default()
        }
    }

    /// The slices in which there may be something; `None` when there is none.
    async fn range(&self, db: &Db, after: After) -> Result<Option<Vec<String>>, DbErr> {
        let ends =
            "SELECT min(opened_at) AS oldest, max(opened_at) AS newest FROM ticket WHERE root = $1";
        let Some(row) = sql::one(db, ends, vec![self.root.clone().into()]).await? else {
            return Ok(None);
        };
        let oldest: Option<DateTime<Utc>> = row.try_get("", "oldest")?;
        let newest: Option<DateTime<Utc>> = row.try_get("", "newest")?;
        let (Some(mut oldest), Some(mut newest)) = (oldest, newest) else { return Ok(None) };
        oldest = self.opened_from.map_or(oldest, |from| oldest.max(from));
        for end in [self.opened_to, after.map(|(at, _)| at)].into_iter().flatten() {
            newest = newest.min(end);
        }
        Ok((oldest <= newest).then(|| facets::slices(oldest, newest)))
    }

    /// The slices are read in the order given, one by one, until there are `limit` rows. `OFFSET 0`
    /// keeps the planner from reading all tickets once instead of a few by their ids.
    fn slices(&self, slices: &[String], tokens: &[String], after: After, limit: u64) -> Statement {
        let mut sql = Sql::new("SELECT t.* FROM unnest(string_to_array(");
        sql.bind("", slices.join(" "));
        sql.push(", ' ')) s(token) CROSS JOIN LATERAL (SELECT t.* FROM ticket_fts f");
        sql.push(" CROSS JOIN LATERAL (SELECT * FROM ticket t WHERE t.id = f.id OFFSET 0) t");
        sql.bind(" WHERE f.tokens @> (string_to_array(", tokens.join("\n"));
        sql.push(", chr(10)) || s.token) AND ");
        self.columns(&mut sql);
        self.any_status(&mut sql);
        older(&mut sql, after);
        newest(&mut sql, limit);
        sql.push(") t").bind(" LIMIT ", i64::try_from(limit).unwrap_or(i64::MAX));
        sql.statement(DbBackend::Postgres)
    }
}

const ALL_STATUSES: &[&str] =
    &["new", "open", "pending", "on_hold", "resolved", "closed", "cancelled"];

fn older(sql: &mut Sql, after: After) {
    if let Some((at, id)) = after {
        sql.bind(" AND (t.opened_at, t.id) < (", at).bind(", ", id).push(")");
    }
}

fn newest(sql: &mut Sql, limit: u64) {
    sql.push(" ").push(NEWEST);
    sql.bind(" LIMIT ", i64::try_from(limit).unwrap_or(i64::MAX));
}
