//! Full-text index beside a table: `PREFIX_fts`. PostgreSQL keeps the tokens in a `text[]` under a
//! GIN index, SQLite in an FTS5 table; both hold exactly the tokens of [`crate::text`].

use sea_orm::{
    DbErr,
    sea_query::{Condition, Expr, ExprTrait},
};
use uuid::Uuid;

use crate::{Db, Tx, sql, text};

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

/// Writes the tokens of `content` for row `id`, replacing what was there.
pub async fn put(tx: &Tx, prefix: &str, id: Uuid, content: &str) -> Result<(), DbErr> {
    let tokens = text::index_tokens(content);
    if tx.is_postgres() {
        let statement = format!(
            "INSERT INTO {prefix}_fts (id, tokens) VALUES ($1, string_to_array($2, ' '))
             ON CONFLICT (id) DO UPDATE SET tokens = excluded.tokens"
        );
        return sql::execute(tx, &statement, vec![id.into(), tokens.join(" ").into()])
            .await
            .map(drop);
    }
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

/// Condition "`id_column` is a row whose content matches every token of `query`"; a query without
/// any token matches nothing.
#[must_use]
pub fn matches(db: &Db, prefix: &str, (table, column): (&str, &str), query: &str) -> Condition {
    let tokens = text::query_tokens(query);
    if tokens.is_empty() {
        return Condition::all().add(Expr::val(1).eq(0));
    }
    let id = format!("\"{table}\".\"{column}\"");
    let found = if db.is_postgres() {
        let clause = format!(
            "{id} IN (SELECT id FROM {prefix}_fts WHERE tokens @> string_to_array($1, ' '))"
        );
        Expr::cust_with_values(clause, [tokens.join(" ")])
    } else {
        let quoted: Vec<String> = tokens.iter().map(|t| format!("\"{t}\"")).collect();
        let clause = format!(
            "{id} IN (SELECT f.id FROM {prefix}_fts_tokens t JOIN {prefix}_fts f ON f.doc = t.rowid WHERE t.tokens MATCH ?)"
        );
        Expr::cust_with_values(clause, [quoted.join(" AND ")])
    };
    Condition::all().add(found)
}
