//! Migrations written once in SQL for both databases.
//!
//! PostgreSQL's type names are used as they are wherever SQLite accepts them too (it accepts any);
//! four placeholders cover the rest: `{seq}` an auto-increment primary key, `{json}` a JSON
//! document, `{bytes}` binary data, `{ts}` an instant. A line starting with `--pg ` or `--lite `
//! holds a statement for that database alone.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, TransactionTrait};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTraitSelf, SchemaManager};

use crate::{Db, fault};

/// One forward step: expand/contract, never a rewrite of a released one.
#[derive(Debug, Clone, Copy)]
pub struct SqlMigration {
    name: &'static str,
    sql: &'static str,
}

impl SqlMigration {
    #[must_use]
    pub const fn new(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql }
    }

    fn statements(&self, backend: DbBackend) -> Vec<String> {
        let postgres = backend == DbBackend::Postgres;
        let (keep, drop) = if postgres { ("--pg ", "--lite ") } else { ("--lite ", "--pg ") };
        let text: Vec<&str> = self
            .sql
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.trim_start().starts_with(drop))
            .map(|line| line.trim_start().strip_prefix(keep).unwrap_or(line))
            .filter(|line| !line.trim_start().starts_with("--"))
            .collect();
        let types: [(&str, &str); 4] = if postgres {
            [
                ("{seq}", "bigint generated always as identity primary key"),
                ("{json}", "jsonb"),
                ("{bytes}", "bytea"),
                ("{ts}", "timestamptz"),
            ]
        } else {
            [
                ("{seq}", "integer primary key autoincrement"),
                ("{json}", "text"),
                ("{bytes}", "blob"),
                ("{ts}", "text"),
            ]
        };
        let text = types.iter().fold(text.join("\n"), |sql, (from, to)| sql.replace(from, to));
        text.split(";\n")
            .map(|s| s.trim().trim_end_matches(';').to_owned())
            .filter(|s| !s.is_empty())
            .collect()
    }
}

impl MigrationName for SqlMigration {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl MigrationTrait for SqlMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in self.statements(manager.get_database_backend()) {
            manager
                .get_connection()
                .execute_unprepared(&statement)
                .await
                .map_err(|e| DbErr::Migration(format!("{}: {e} in: {statement}", self.name)))?;
            fault::point("migration");
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// All steps of one service, in order.
#[derive(Debug, Clone, Default)]
pub struct Migrations(Vec<SqlMigration>);

impl Migrations {
    #[must_use]
    pub fn new(parts: impl IntoIterator<Item = Vec<SqlMigration>>) -> Self {
        Self(parts.into_iter().flatten().collect())
    }

    /// Applies what is missing, under a lock that lets one process at a time migrate a database.
    pub async fn run(&self, db: &Db) -> Result<(), DbErr> {
        if !db.is_postgres() {
            // The data folder's lock already keeps other processes away.
            return self.up(db.connection(), None).await;
        }
        let lock = db.connection().begin().await?;
        lock.execute_raw(Statement::from_string(
            DbBackend::Postgres,
            // "kefu" in ASCII, any constant will do.
            "SELECT pg_advisory_xact_lock(1801807477)",
        ))
        .await?;
        let outcome = self.up(db.connection(), None).await;
        lock.commit().await?;
        outcome
    }

    /// Names of steps that this binary has and the database lacks.
    pub async fn pending(&self, db: &Db) -> Result<Vec<String>, DbErr> {
        let pending = self.get_pending_migrations(db.connection()).await?;
        Ok(pending.iter().map(|m| m.name().to_owned()).collect())
    }
}

impl MigratorTraitSelf for Migrations {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        self.0.iter().map(|m| Box::new(*m) as Box<dyn MigrationTrait>).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_serves_both_databases() {
        let m = SqlMigration::new(
            "m",
            "-- a remark\ncreate table a (id {seq}, j {json});\n--pg create index g on a using gin (j);\n--lite create index l on a (j);\n",
        );
        assert_eq!(
            m.statements(DbBackend::Postgres),
            [
                "create table a (id bigint generated always as identity primary key, j jsonb)",
                "create index g on a using gin (j)"
            ]
        );
        assert_eq!(
            m.statements(DbBackend::Sqlite),
            [
                "create table a (id integer primary key autoincrement, j text)",
                "create index l on a (j)"
            ]
        );
    }
}
