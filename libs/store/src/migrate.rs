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
            return self.beside_newer(db).await?.up(db.connection(), None).await;
        }
        let lock = db.connection().begin().await?;
        lock.execute_raw(Statement::from_string(
            DbBackend::Postgres,
            // "kefu" in ASCII, any constant will do.
            "SELECT pg_advisory_xact_lock(1801807477)",
        ))
        .await?;
        let outcome = match self.beside_newer(db).await {
            Ok(steps) => steps.up(db.connection(), None).await,
            Err(e) => Err(e),
        };
        lock.commit().await?;
        outcome
    }

    /// Names of steps that this binary has and the database lacks.
    pub async fn pending(&self, db: &Db) -> Result<Vec<String>, DbErr> {
        let steps = self.beside_newer(db).await?;
        let pending = steps.get_pending_migrations(db.connection()).await?;
        Ok(pending.iter().map(|m| m.name().to_owned()).collect())
    }

    /// These steps, and those that a newer version has taken in this database: done, and no fault.
    /// A newer version expands before it contracts, so that this one may go on or come back.
    async fn beside_newer(&self, db: &Db) -> Result<Steps, DbErr> {
        let mut steps = Steps { own: self.0.clone(), newer: vec![] };
        let taken = steps.get_migration_models(db.connection()).await?;
        let known = |name: &str| self.0.iter().any(|own| own.name == name);
        let newer = taken.into_iter().map(|model| model.version).filter(|name| !known(name));
        steps.newer = newer.map(Newer).collect();
        Ok(steps)
    }
}

struct Steps {
    own: Vec<SqlMigration>,
    newer: Vec<Newer>,
}

impl MigratorTraitSelf for Steps {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let own = self.own.iter().map(|m| Box::new(*m) as Box<dyn MigrationTrait>);
        own.chain(self.newer.iter().map(|m| Box::new(m.clone()) as Box<dyn MigrationTrait>))
            .collect()
    }
}

/// A step that this binary does not know and the database has behind it.
#[derive(Debug, Clone)]
struct Newer(String);

impl MigrationName for Newer {
    fn name(&self) -> &str {
        &self.0
    }
}

#[async_trait]
impl MigrationTrait for Newer {
    async fn up(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(format!("{} is a newer version's", self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_older_version_works_beside_a_newer_one() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/t.db", dir.path().display());
        let settings = crate::DbSettings { url, max_connections: 2, acquire_timeout_secs: 5 };
        let db = Db::connect(&settings).await.unwrap();
        let first = SqlMigration::new("m1", "create table a (id int)");
        let second = SqlMigration::new("m2", "create table b (id int)");
        let third = SqlMigration::new("m3", "create table c (id int)");
        Migrations(vec![first, third]).run(&db).await.unwrap();

        let older = Migrations(vec![first]);
        assert!(older.pending(&db).await.unwrap().is_empty());
        older.run(&db).await.unwrap();
        // One that branched off has own steps to take, and takes them.
        let other = Migrations(vec![first, second]);
        assert_eq!(other.pending(&db).await.unwrap(), ["m2"]);
        other.run(&db).await.unwrap();
        assert!(other.pending(&db).await.unwrap().is_empty());
    }

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
