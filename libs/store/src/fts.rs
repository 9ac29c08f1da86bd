//! Full-text index beside a table: `PREFIX_fts`. PostgreSQL keeps the tokens in a `text[]` under a
//! GIN index, SQLite in an FTS5 table; both hold exactly the tokens of [`crate::text`], PostgreSQL
//! also the facets that a service adds.

use std::collections::HashMap;

use sea_orm::{
    DbBackend, DbErr, Value,
    sea_query::{Condition, Expr, ExprTrait},
};
use uuid::Uuid;

use crate::{Db, Row, Tx, sql, text};

/// DDL for an index named `ticket_fts`; use it as a template: `fts_ddl!("ticket")`.
#[macro_export]
macro_rules! fts_ddl {
    ($prefix:literal) => {
        concat!(
            "create table ", $prefix, "_fts (doc {seq}, id uuid not null unique);\n",
            "--pg alter table ", $prefix, "_fts add column tokens text[] not null default '{}';\n",
            "--pg create index ", $prefix, "_fts_tokens on ", $prefix, "_fts using gin (tokens);\n",
            "--lite create virtual table ", $prefix, "_fts_tokens using fts5(tokens, content='', contentless_delete=1, tokenize=\"unicode61 remove_diacritics 0\");\n",
        )
    };
}

/// What a row is found by.
#[derive(Debug, Clone)]
pub struct Content<'a> {
    text: &'a str,
    facets: Vec<String>,
}

impl<'a> Content<'a> {
    /// `facets` are further tokens, for PostgreSQL only. They begin with `@`, which no word does, and
    /// hold no line feed.
    #[must_use]
    pub fn new(text: &'a str, facets: Vec<String>) -> Self {
        Self { text, facets }
    }

    /// All tokens, for PostgreSQL, as lines.
    fn lines(self) -> String {
        let mut tokens = text::index_tokens(self.text);
        tokens.extend(self.facets);
        tokens.join("\n")
    }
}

impl<'a> From<&'a str> for Content<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text, vec![])
    }
}

impl<'a> From<&'a String> for Content<'a> {
    fn from(text: &'a String) -> Self {
        Self::new(text, vec![])
    }
}

/// As [`put`] for a row that is new: on PostgreSQL it is written along with the transaction's other
/// new rows.
pub async fn add(
    tx: &Tx,
    prefix: &str,
    id: Uuid,
    content: impl Into<Content<'_>>,
) -> Result<(), DbErr> {
    if !tx.is_postgres() {
        return put(tx, prefix, id, content).await;
    }
    tx.insert_later(Row::new(
        format!("{prefix}_fts (id, tokens)"),
        "(?, string_to_array(?, chr(10)))",
        vec![id.into(), content.into().lines().into()],
    ));
    Ok(())
}

/// As [`add`] for many rows at once, on SQLite too.
pub async fn add_all(tx: &Tx, prefix: &str, rows: &[(Uuid, String)]) -> Result<(), DbErr> {
    if tx.is_postgres() {
        for (id, text) in rows {
            add(tx, prefix, *id, text).await?;
        }
        return Ok(());
    }
    for part in rows.chunks(ROWS) {
        let texts: HashMap<Uuid, &str> =
            part.iter().map(|(id, text)| (*id, text.as_str())).collect();
        let places: Vec<String> = (1..=part.len()).map(|n| format!("(${n})")).collect();
        let insert =
            format!("INSERT INTO {prefix}_fts (id) VALUES {} RETURNING doc, id", places.join(", "));
        let ids = part.iter().map(|(id, _)| (*id).into()).collect();
        let mut values: Vec<Value> = vec![];
        for row in sql::all(tx, &insert, ids).await? {
            let (doc, id): (i64, Uuid) = (row.try_get("", "doc")?, row.try_get("", "id")?);
            let tokens = texts.get(&id).map(|text| text::index_tokens(text).join(" "));
            values.extend([doc.into(), tokens.into()]);
        }
        let places: Vec<String> =
            (0..part.len()).map(|n| format!("(${}, ${})", 2 * n + 1, 2 * n + 2)).collect();
        let insert =
            format!("INSERT INTO {prefix}_fts_tokens (rowid, tokens) VALUES {}", places.join(", "));
        sql::execute(tx, &insert, values).await?;
    }
    Ok(())
}

/// Rows of one statement.
const ROWS: usize = 500;

/// Writes the tokens of `content` for row `id`, replacing what was there.
pub async fn put(
    tx: &Tx,
    prefix: &str,
    id: Uuid,
    content: impl Into<Content<'_>>,
) -> Result<(), DbErr> {
    let content = content.into();
    if tx.is_postgres() {
        let statement = format!(
            "INSERT INTO {prefix}_fts (id, tokens) VALUES ($1, string_to_array($2, chr(10)))
             ON CONFLICT (id) DO UPDATE SET tokens = excluded.tokens"
        );
        return sql::execute(tx, &statement, vec![id.into(), content.lines().into()])
            .await
            .map(drop);
    }
    let tokens = text::index_tokens(content.text);
    let upsert = format!(
        "INSERT INTO {prefix}_fts (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING doc"
    );
    let row = sql::one(tx, &upsert, vec![id.into()]).await?.ok_or(DbErr::RecordNotInserted)?;
    let doc: i64 = row.try_get("", "doc")?;
    let delete = format!("DELETE FROM {prefix}_fts_tokens WHERE rowid = $1");
    sql::execute(tx, &delete, vec![doc.into()]).await?;
    let insert = format!("INSERT INTO {prefix}_fts_tokens (rowid, tokens) VALUES ($1, $2)");
    sql::execute(tx, &insert, vec![doc.into(), tokens.join(" ").into()]).await.map(drop)
}

/// Removes the words of rows that were overwritten from the index file itself: SQLite marks them as
/// deleted and would keep them until it merges its segments by itself.
pub async fn purge(tx: &Tx, prefix: &str) -> Result<(), DbErr> {
    if tx.is_postgres() {
        return Ok(());
    }
    let merge =
        format!("INSERT INTO {prefix}_fts_tokens ({prefix}_fts_tokens) VALUES ('optimize')");
    sql::execute(tx, &merge, vec![]).await.map(drop)
}

/// Condition "`id_column` is a row whose content matches every token of `query`"; a query without
/// any token matches nothing.
#[must_use]
pub fn matches(db: &Db, prefix: &str, (table, column): (&str, &str), query: &str) -> Condition {
    let tokens = text::query_tokens(query);
    if tokens.is_empty() {
        return Condition::all().add(Expr::val(1).eq(0));
    }
    let backend = if db.is_postgres() { DbBackend::Postgres } else { DbBackend::Sqlite };
    let id = format!("\"{table}\".\"{column}\"");
    let placeholder = if db.is_postgres() { "$1" } else { "?" };
    let (clause, value) = found(backend, prefix, &id, &tokens, placeholder);
    Condition::all().add(Expr::cust_with_values(clause, [value]))
}

/// The same as SQL text for `id`, and the value of its one placeholder.
#[must_use]
pub fn found(
    backend: DbBackend,
    prefix: &str,
    id: &str,
    tokens: &[String],
    placeholder: &str,
) -> (String, Value) {
    if backend == DbBackend::Postgres {
        let clause = format!(
            "{id} IN (SELECT id FROM {prefix}_fts WHERE tokens @> string_to_array({placeholder}, chr(10)))"
        );
        return (clause, tokens.join("\n").into());
    }
    let quoted: Vec<String> = tokens.iter().map(|t| format!("\"{t}\"")).collect();
    let clause = format!(
        "{id} IN (SELECT f.id FROM {prefix}_fts_tokens t JOIN {prefix}_fts f ON f.doc = t.rowid WHERE t.tokens MATCH {placeholder})"
    );
    (clause, quoted.join(" AND ").into())
}
