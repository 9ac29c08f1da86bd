//! Finding tickets, newest first: which statement answers which question on PostgreSQL, so that a
//! page costs the same at a hundred thousand tickets and at millions.
//!
//! * *Walk*: rows in the order of an index that begins with the filtered columns, until the page is
//!   full. Right when the index says it all, or nearly.
//!   Statuses, and units below one, are a walk each; the newest of all of them are the page.
//! * *Slices*: words and other tokens ([`super::facets`]) in slices of time, newest first, until the
//!   page is full. Right when tokens say what is rare.
//! * Both are asked for: the walk looks at the newest [`NEAR`] rows of its index; only when these do
//!   not fill the page and are not all, the slices are read.
//!
//! SQLite answers everything by one plain statement.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityTrait, Statement, Value};
use store::{Db, fts, sql};
use uuid::Uuid;

use super::{entities::ticket, facets, wanted::Wanted};

/// Rows that a walk looks at before slices are read instead.
const NEAR: u64 = 2_000;
/// Walks, one for each unit and status, that are little work: they need the index alone.
const WALKS: usize = 200;

const ROW: &str = "t.*";
const KEY: &str = "t.id, t.opened_at";
/// Rows found by keys, in the order that the keys have already.
const KEPT: &str = " ORDER BY k.opened_at DESC, k.id DESC";
/// To be followed by the id; in brackets with `OFFSET 0`, so that the planner does not read all
/// tickets once instead of a few by their ids.
const BY_ID: &str = "SELECT * FROM ticket t WHERE t.id =";
const NEWEST: &str = "ORDER BY t.opened_at DESC, t.id DESC";

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
        return find(wanted.walk(&[], after, limit)).await;
    }
    let units = wanted.units(db).await?;
    if wanted.exact(&units) {
        return find(wanted.list().walk(&units, after, limit)).await;
    }
    if wanted.listed() {
        let near = find(wanted.near(&units, after, limit)).await?;
        let full = u64::try_from(near.len()).is_ok_and(|n| n >= limit);
        if full || db.query_one_raw(wanted.beyond(&units, after)).await?.is_none() {
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
        return Ok(vec![wanted.walk(&[], after, limit)]);
    }
    let units = wanted.units(db).await?;
    let mut all: Vec<_> = wanted.below(WALKS).into_iter().collect();
    if wanted.exact(&units) {
        all.push(wanted.list().walk(&units, after, limit));
        return Ok(all);
    }
    if wanted.listed() {
        all.extend([wanted.near(&units, after, limit), wanted.beyond(&units, after)]);
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
    /// Whether that index, with the `units` if there are any, knows all that is asked for.
    fn exact(&self, units: &[String]) -> bool {
        let org = self.org.clone().filter(|_| units.is_empty());
        self.listed() && Self { org, ..self.clone() } == self.list()
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
        if self.unassigned {
            sql.push(" AND t.handler IS NULL");
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

    /// Words, by the index row of each ticket `id`: for rows that another index has found.
    fn words_of(&self, id: &str, sql: &mut Sql) {
        if !self.words.is_empty() {
            sql.push(&format!(" AND (SELECT f.tokens FROM ticket_fts f WHERE f.id = {id})"));
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

    /// The tickets in order, at most `limit`, of these `units` if there are any.
    fn in_order(&self, sql: &mut Sql, select: &str, units: &[String], after: After, limit: u64) {
        let statuses = self.statuses();
        if !units.is_empty() {
            self.by_unit(sql, select, units, after, limit);
        } else if self.few() || self.classed() || !self.by_status() || statuses.len() == 1 {
            sql.push(&format!("SELECT {select} FROM ticket t WHERE "));
            self.columns(sql);
            self.any_status(sql);
            self.words_of("t.id", sql);
            older(sql, after);
            newest(sql, limit);
        } else {
            // Such an index holds one status after the other: each is read in order and merged, as
            // far as need be.
            for (n, status) in statuses.iter().enumerate() {
                let begin =
                    if n == 0 { format!("SELECT {select} FROM (") } else { " UNION ALL ".into() };
                sql.push(&format!("{begin}(SELECT {select} FROM ticket t WHERE "));
                self.columns(sql);
                sql.bind(" AND t.status = ", *status);
                older(sql, after);
                newest(sql, limit);
                sql.push(")");
            }
            sql.push(") t");
            newest(sql, limit);
        }
    }

    /// The same by a walk for each unit and status. They fetch keys, which the index knows; of rows
    /// only those are read that are wanted.
    fn by_unit(&self, sql: &mut Sql, select: &str, units: &[String], after: After, limit: u64) {
        let whole = select == ROW;
        if whole {
            sql.push("SELECT t.* FROM (");
        }
        sql.push(&format!("SELECT {KEY} FROM unnest(string_to_array("));
        sql.bind("", units.join("\n")).push(", chr(10))) u(org) ");
        sql.push("CROSS JOIN unnest(string_to_array(");
        sql.bind("", self.statuses().join("\n")).push(", chr(10))) s(status) ");
        sql.push(&format!("CROSS JOIN LATERAL (SELECT {KEY} FROM ticket t WHERE "));
        self.columns(sql);
        sql.push(" AND t.org = u.org AND t.status = s.status");
        older(sql, after);
        newest(sql, limit);
        sql.push(") t");
        newest(sql, limit);
        if whole {
            sql.push(&format!(") k CROSS JOIN LATERAL ({BY_ID} k.id OFFSET 0) t{KEPT}"));
        }
    }

    fn walk(&self, units: &[String], after: After, limit: u64) -> Statement {
        let mut sql = Sql::new("");
        self.in_order(&mut sql, ROW, units, after, limit);
        sql.statement(DbBackend::Postgres)
    }

    /// The units that have tickets below the one asked for, at most `most`: one look into the index
    /// for each. `None` where an index leads to something better.
    fn below(&self, most: usize) -> Option<Statement> {
        let org = self.org.as_ref()?;
        if self.classed() || self.handler.is_some() || self.unassigned || !self.by_status() {
            return None;
        }
        let (from, to) = org.below();
        let mut sql = Sql::new("WITH RECURSIVE unit(org) AS ((");
        sql.bind("SELECT t.org FROM ticket t WHERE t.root = ", self.root.clone());
        sql.bind(" AND t.org >= ", from).bind(" AND t.org < ", to.clone());
        sql.push(" ORDER BY t.org LIMIT 1) UNION ALL SELECT (");
        sql.bind("SELECT t.org FROM ticket t WHERE t.root = ", self.root.clone());
        sql.bind(" AND t.org > u.org AND t.org < ", to);
        sql.push(" ORDER BY t.org LIMIT 1) FROM unit u WHERE u.org IS NOT NULL) ");
        sql.push(&format!("SELECT org FROM unit WHERE org IS NOT NULL LIMIT {most}"));
        Some(sql.statement(DbBackend::Postgres))
    }

    /// The unit asked for and those below it, if there are so few that a walk for each is little
    /// work; else none.
    async fn units(&self, db: &Db) -> Result<Vec<String>, DbErr> {
        let most = WALKS / self.statuses().len();
        let (Some(org), Some(below)) = (&self.org, self.below(most)) else { return Ok(vec![]) };
        let mut units = vec![org.to_string()];
        for row in db.query_all_raw(below).await? {
            units.push(row.try_get("", "org")?);
        }
        Ok(if units.len() <= most { units } else { vec![] })
    }

    /// What of the newest rows of the index has the tokens; as many are read as it takes.
    fn near(&self, units: &[String], after: After, limit: u64) -> Statement {
        let mut sql = Sql::new("SELECT t.* FROM (");
        self.list().in_order(&mut sql, KEY, units, after, NEAR);
        sql.push(&format!(") k CROSS JOIN LATERAL ({BY_ID} k.id OFFSET 0) t WHERE "));
        self.columns(&mut sql);
        self.any_status(&mut sql);
        // Of a row its unit is found sooner than its words; with nothing to find, no row is read.
        let row_first = self.org.is_some() && units.is_empty();
        self.words_of(if row_first { "t.id" } else { "k.id" }, &mut sql);
        sql.push(&format!("{KEPT} LIMIT {limit}"));
        sql.statement(DbBackend::Postgres)
    }

    /// A row if the index goes on behind what [`Self::near`] looks at.
    fn beyond(&self, units: &[String], after: After) -> Statement {
        let mut sql = Sql::new("SELECT 1 AS n FROM (");
        self.list().in_order(&mut sql, KEY, units, after, NEAR + 1);
        sql.push(&format!(") t OFFSET {NEAR} LIMIT 1"));
        sql.statement(DbBackend::Postgres)
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

    /// The slices are read in the order given, one by one, until there are `limit` rows.
    fn slices(&self, slices: &[String], tokens: &[String], after: After, limit: u64) -> Statement {
        let mut sql = Sql::new("SELECT t.* FROM unnest(string_to_array(");
        sql.bind("", slices.join(" "));
        sql.push(", ' ')) s(token) CROSS JOIN LATERAL (SELECT t.* FROM ticket_fts f");
        sql.push(&format!(" CROSS JOIN LATERAL ({BY_ID} f.id OFFSET 0) t"));
        sql.bind(" WHERE f.tokens @> (string_to_array(", tokens.join("\n"));
        sql.push(", chr(10)) || s.token) AND ");
        self.columns(&mut sql);
        self.any_status(&mut sql);
        older(&mut sql, after);
        newest(&mut sql, limit);
        sql.push(&format!(") t LIMIT {limit}"));
        sql.statement(DbBackend::Postgres)
    }
}

fn older(sql: &mut Sql, after: After) {
    if let Some((at, id)) = after {
        sql.bind(" AND (t.opened_at, t.id) < (", at).bind(", ", id).push(")");
    }
}

/// The limit is no parameter: the server would take it for a tenth of the table, find its general
/// plan dear, and make a plan for every call.
fn newest(sql: &mut Sql, limit: u64) {
    sql.push(&format!(" {NEWEST} LIMIT {limit}"));
}
