//! Migrations written once in SQL for both databases.
//!
//! PostgreSQL's type names are used as they are wherever SQLite accepts them too (it accepts any);
//! four placeholders cover the rest: `{seq}` an auto-increment primary key, `{json}` a JSON
//! document, `{bytes}` binary data, `{ts}` an instant. A line starting with `--pg ` or `--lite `
//! holds a statement for that database alone.

use std::{collections::HashSet, time::Duration};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, Statement,
    TransactionTrait,
};
use sea_orm_migration::{
    MigrationName, MigrationTrait, MigratorTraitSelf, SchemaManager, seaql_migrations,
};

use crate::{Db, fault};

/// Between two looks whether another process still migrates.
const AGAIN: Duration = Duration::from_millis(100);

/// One forward step: expand/contract, never a rewrite of a released one.
///
/// It is one transaction, unless it makes an index `concurrently`, which PostgreSQL refuses in one:
/// then each statement stands for itself and must bear to be run again.
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
        Some(!self.sql.contains(" index concurrently "))
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
    /// Steps of a newer version that the database already has are left alone.
    pub async fn run(&self, db: &Db) -> Result<(), DbErr> {
        if !db.is_postgres() {
            // The data folder's lock already keeps other processes away.
            return self.beside_newer(db).await?.up(db.connection(), None).await;
        }
        ordered_by_bytes(db).await?;
        let lock = db.connection().begin().await?;
        // Asked again and again: who waits inside a statement keeps its view of the data meanwhile,
        // and an index made `concurrently` waits for all of those, also for this one.
        while !taken(&lock).await? {
            tokio::time::sleep(AGAIN).await;
        }
        let outcome = async { self.beside_newer(db).await?.up(db.connection(), None).await }.await;
        lock.commit().await?;
        outcome
    }

    /// Names of steps that this binary has and the database lacks. Needs no right to change the
    /// schema.
    pub async fn pending(&self, db: &Db) -> Result<Vec<String>, DbErr> {
        let all = self.beside_newer(db).await?;
        let pending = all.get_pending_migrations_read_only(db.connection()).await?;
        Ok(pending.iter().map(|m| m.name().to_owned()).collect())
    }

    /// Names of steps that the database has and this binary lacks: a newer version has been here.
    pub async fn newer(&self, db: &Db) -> Result<Vec<String>, DbErr> {
        Ok(self.beside_newer(db).await?.newer)
    }

    async fn beside_newer(&self, db: &Db) -> Result<BesideNewer, DbErr> {
        let connection = db.connection();
        let applied = match SchemaManager::new(connection).has_table("seaql_migrations").await? {
            true => seaql_migrations::Entity::find().all(connection).await?,
            false => vec![],
        };
        let known: HashSet<&str> = self.0.iter().map(|m| m.name).collect();
        let newer = applied.into_iter().map(|model| model.version);
        let newer = newer.filter(|name| !known.contains(name.as_str())).collect();
        Ok(BesideNewer { own: self.0.clone(), newer })
    }
}

async fn taken(lock: &DatabaseTransaction) -> Result<bool, DbErr> {
    // "kefu" in ASCII, any constant will do.
    let ask = "SELECT pg_try_advisory_xact_lock(1801807477) AS taken";
    let row = lock.query_one_raw(Statement::from_string(DbBackend::Postgres, ask)).await?;
    row.map_or(Ok(false), |row| row.try_get("", "taken"))
}

/// A unit's subtree is a range of text ([`kernel::OrgPath::below`]), which a locale's order tears
/// apart: `/a/z` would stand behind `/a0`, and lists would silently lack tickets.
async fn ordered_by_bytes(db: &Db) -> Result<(), DbErr> {
    let sql = "SELECT '/a/z' < '/a0' AND 'Z' < 'a' AS bytes, current_database()::text AS name, datcollate::text AS locale \
               FROM pg_database WHERE datname = current_database()";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("pg_database".to_owned()))?;
    if row.try_get("", "bytes")? {
        return Ok(());
    }
    let (name, locale): (String, String) = (row.try_get("", "name")?, row.try_get("", "locale")?);
    Err(DbErr::Migration(format!(
        "database {name} orders text by the locale {locale}; make it anew in byte order: \
         CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    )))
}

type Step = Box<dyn MigrationTrait>;

/// The steps of this version and the names of those that a newer one has applied.
///
/// The migrator takes a step that it does not know for a lost file and refuses to work. Here it is
/// the rule: during an upgrade, and after it was taken back, the old version runs on the schema
/// that the new one has expanded.
struct BesideNewer {
    own: Vec<SqlMigration>,
    newer: Vec<String>,
}

impl MigratorTraitSelf for BesideNewer {
    fn migrations(&self) -> Vec<Step> {
        let newer = self.newer.iter().map(|name| Box::new(Applied(name.clone())) as Step);
        newer.chain(self.own.iter().map(|m| Box::new(*m) as Step)).collect()
    }
}

/// A step of a newer version. It stands in the database already, so it is never run.
struct Applied(String);

impl MigrationName for Applied {
    fn name(&self) -> &str {
        &self.0
    }
}

#[async_trait]
impl MigrationTrait for Applied {
    async fn up(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(format!("{} belongs to a newer version", self.0)))
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

    #[tokio::test]
    async fn the_old_version_runs_on_the_schema_of_the_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/a.db", dir.path().display());
        let db = Db::connect(&crate::DbSettings::new(&url)).await.unwrap();
        let one = SqlMigration::new("m1", "create table a (id {seq});\n");
        let two = SqlMigration::new("m2", "alter table a add column b text;\n");
        let three = SqlMigration::new("m3", "create table c (id {seq});\n");
        let old = Migrations::new([vec![one]]);
        let new = Migrations::new([vec![one, two, three]]);
        assert_eq!(new.pending(&db).await.unwrap(), ["m1", "m2", "m3"]);
        Migrations::new([vec![one, two]]).run(&db).await.unwrap();
        assert_eq!(old.pending(&db).await.unwrap(), [] as [&str; 0]);
        assert_eq!(old.newer(&db).await.unwrap(), ["m2"]);
        old.run(&db).await.unwrap();
        assert_eq!(new.pending(&db).await.unwrap(), ["m3"]);
        assert_eq!(new.newer(&db).await.unwrap(), [] as [&str; 0]);
        new.run(&db).await.unwrap();
        assert_eq!(new.pending(&db).await.unwrap(), [] as [&str; 0]);
    }
}
