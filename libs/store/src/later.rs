//! Rows that a transaction inserts and does not look at again: collected, and written together
//! before its next statement or its commit. On PostgreSQL that is one statement and one round trip
//! for all of them, whatever their tables; on SQLite one statement per table.

use std::sync::{Mutex, PoisonError};

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, IdenStatic, Iterable,
    ModelTrait, Statement, Value,
};

/// Parameters of one statement stay below this; the databases take 32,766 and 65,535.
const MAX_PARAMETERS: usize = 20_000;

/// A row to be inserted. Rows of one transaction are written in the order in which they were given,
/// as far as they are of one table.
#[derive(Debug, Clone)]
pub struct Row {
    /// Table and columns: `outbox (id, topic)`.
    into: String,
    /// The values: `(?, ?)`.
    values: String,
    parameters: Vec<Value>,
}

impl Row {
    /// `into` is `table (column, …)`, `values` is `(?, …)` and may wrap a `?` in a function. Both
    /// should be constant, so that the database knows the statement already.
    #[must_use]
    pub fn new(into: impl Into<String>, values: impl Into<String>, parameters: Vec<Value>) -> Self {
        Self { into: into.into(), values: values.into(), parameters }
    }

    /// All columns of an entity's row.
    #[must_use]
    pub fn of<E: EntityTrait>(model: &E::Model) -> Self {
        let columns: Vec<&str> = E::Column::iter().map(|c| c.as_str()).collect();
        Self {
            into: format!("\"{}\" (\"{}\")", E::default().table_name(), columns.join("\", \"")),
            values: format!("({})", vec!["?"; columns.len()].join(", ")),
            parameters: E::Column::iter().map(|column| model.get(column)).collect(),
        }
    }
}

/// Rows of one table.
#[derive(Debug)]
struct Group {
    into: String,
    rows: Vec<String>,
    parameters: Vec<Value>,
}

/// What is written with one statement: no table occurs twice, because PostgreSQL runs the parts of
/// a statement in no certain order.
#[derive(Debug, Default)]
struct Batch {
    groups: Vec<Group>,
    parameters: usize,
}

/// Rows that wait.
#[derive(Debug, Default)]
pub(crate) struct Later(Mutex<Vec<Batch>>);

impl Later {
    pub(crate) fn add(&self, row: Row) {
        let mut batches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = row.parameters.len();
        if batches.last().is_none_or(|last| last.parameters + count > MAX_PARAMETERS) {
            batches.push(Batch::default());
        }
        let Some(batch) = batches.last_mut() else { return };
        batch.parameters += count;
        match batch.groups.iter_mut().find(|group| group.into == row.into) {
            Some(group) => {
                group.rows.push(row.values);
                group.parameters.extend(row.parameters);
            }
            None => batch.groups.push(Group {
                into: row.into,
                rows: vec![row.values],
                parameters: row.parameters,
            }),
        }
    }

    /// Gives up what waits.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Writes what waits.
    pub(crate) async fn write(&self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        let batches = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.is_empty() {
                return Ok(());
            }
            std::mem::take(&mut *waiting)
        };
        let backend = tx.get_database_backend();
        for batch in batches {
            for (sql, parameters) in batch.statements(backend) {
                tx.execute_raw(Statement::from_sql_and_values(backend, sql, parameters)).await?;
            }
        }
        Ok(())
    }
}

impl Batch {
    fn statements(self, backend: DbBackend) -> Vec<(String, Vec<Value>)> {
        if backend != DbBackend::Postgres {
            return self
                .groups
                .into_iter()
                .map(|group| (insert(&group, &mut 0), group.parameters))
                .collect();
        }
        let (mut sql, mut number) = (String::with_capacity(2_048), 0);
        let last = self.groups.len().saturating_sub(1);
        for (n, group) in self.groups.iter().enumerate() {
            let insert = insert(group, &mut number);
            match (n, last) {
                (_, 0) => sql.push_str(&insert),
                (0, _) => sql.push_str(&format!("WITH w0 AS ({insert})")),
                (n, last) if n == last => sql.push_str(&format!(" {insert}")),
                (n, _) => sql.push_str(&format!(", w{n} AS ({insert})")),
            }
        }
        let parameters = self.groups.into_iter().flat_map(|group| group.parameters).collect();
        vec![(sql, parameters)]
    }
}

/// The statement for one table; `number` is the last parameter's.
fn insert(group: &Group, number: &mut usize) -> String {
    let mut sql = format!("INSERT INTO {} VALUES ", group.into);
    for (n, row) in group.rows.iter().enumerate() {
        if n > 0 {
            sql.push_str(", ");
        }
        for c in row.chars() {
            if c == '?' {
                *number += 1;
                sql.push('$');
                sql.push_str(&number.to_string());
            } else {
                sql.push(c);
            }
        }
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(into: &str, n: i64) -> Row {
        Row::new(into, "(?, lower(?))", vec![n.into(), "x".into()])
    }

    fn batches(rows: Vec<Row>) -> Vec<Batch> {
        let later = Later::default();
        rows.into_iter().for_each(|row| later.add(row));
        later.0.into_inner().unwrap()
    }

    #[test]
    fn rows_of_a_table_go_together_and_tables_into_one_statement_where_that_is_possible() {
        let rows = || vec![row("a (b, c)", 1), row("d (e, f)", 2), row("a (b, c)", 3)];
        let postgres = batches(rows()).remove(0).statements(DbBackend::Postgres);
        let expected = "WITH w0 AS (INSERT INTO a (b, c) VALUES ($1, lower($2)), ($3, lower($4))) \
                        INSERT INTO d (e, f) VALUES ($5, lower($6))";
        assert_eq!(postgres.len(), 1);
        assert_eq!(postgres[0].0, expected);
        let numbers: Vec<&Value> = postgres[0].1.iter().step_by(2).collect();
        assert_eq!(numbers, [&1_i64.into(), &3_i64.into(), &2_i64.into()]);
        let sqlite = batches(rows()).remove(0).statements(DbBackend::Sqlite);
        let texts: Vec<&str> = sqlite.iter().map(|(sql, _)| sql.as_str()).collect();
        assert_eq!(
            texts,
            [
                "INSERT INTO a (b, c) VALUES ($1, lower($2)), ($3, lower($4))",
                "INSERT INTO d (e, f) VALUES ($1, lower($2))"
            ]
        );
    }

    #[test]
    fn a_statement_does_not_get_too_long() {
        let batches = batches((0..25_000).map(|n| row("a (b, c)", n)).collect());
        assert_eq!(batches.len(), 3);
        assert!(batches.iter().all(|b| b.parameters <= MAX_PARAMETERS));
    }
}
