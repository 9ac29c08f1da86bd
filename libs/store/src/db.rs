//! [`Db`] and [`Tx`].
//!
//! SQLite: WAL, `BEGIN IMMEDIATE`, and one gate per database file in front of it, because writers
//! that queue fairly in the process are faster than writers that poll the file lock. A begin is
//! never wrapped in `timeout` or `select!`: sqlx 0.9.0 poisons the pool when it is cancelled.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::future::BoxFuture;
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult, RuntimeErr, SqlErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use serde::Deserialize;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use crate::{
    later::{Later, Row},
    metrics::Metrics,
};

/// Where a service's data lives.
#[derive(Debug, Clone, Deserialize)]
pub struct DbSettings {
    /// Whose it is, for metrics.
    #[serde(default)]
    pub name: String,
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`.
    pub url: String,
    /// Upper bound of open connections.
    #[serde(default = "default_connections")]
    pub max_connections: u32,
    /// How long a request waits for a free connection before it is answered 503, in seconds.
    #[serde(default = "default_acquire")]
    pub acquire_timeout_secs: u64,
}

fn default_connections() -> u32 {
    16
}

fn default_acquire() -> u64 {
    5
}

impl DbSettings {
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            name: String::new(),
            url: url.into(),
            max_connections: default_connections(),
            acquire_timeout_secs: default_acquire(),
        }
    }
}

/// A service's database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    conn: DatabaseConnection,
    gate: Option<Arc<Mutex<()>>>,
    outbox: Arc<watch::Sender<()>>,
    metrics: Arc<Metrics>,
}

impl Db {
    pub async fn connect(settings: &DbSettings) -> Result<Self, DbErr> {
        let mut options = ConnectOptions::new(&settings.url);
        let sqlite = settings.url.starts_with("sqlite:");
        let connections =
            if sqlite { settings.max_connections.min(4) } else { settings.max_connections };
        options
            .max_connections(connections)
            .min_connections(0)
            .acquire_timeout(Duration::from_secs(settings.acquire_timeout_secs))
            .connect_timeout(Duration::from_secs(settings.acquire_timeout_secs))
            // A connection that was in use a moment ago is not asked whether it lives: that is a
            // round trip. Should it be dead, the request is answered 503.
            .test_before_acquire_if_idle_for(Duration::from_secs(1))
            .sqlx_logging(false);
        options.map_sqlx_sqlite_opts(|o| {
            o.create_if_missing(true)
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("foreign_keys", "ON")
                .pragma("busy_timeout", "10000")
                .pragma("journal_size_limit", "67108864")
        });
        // Compiling a plan takes longer than running any of ours; the planner's guess of a search
        // over many slices of time would have it compiled.
        options.map_sqlx_postgres_opts(|o| o.options([("jit", "off")]));
        let mut conn = Database::connect(options).await?;
        let metrics = Metrics::new(&settings.name, connections);
        let seen = metrics.statements(if sqlite { "sqlite" } else { "postgresql" });
        conn.set_metric_callback(move |told| {
            seen(&told.statement.sql, told.elapsed, told.failed);
        });
        Ok(Self {
            conn,
            gate: sqlite.then(|| Arc::new(Mutex::new(()))),
            outbox: Arc::new(watch::Sender::new(())),
            metrics: Arc::new(metrics),
        })
    }

    /// Starts a write transaction. Dropped without [`Tx::commit`], it rolls back.
    pub async fn begin(&self) -> Result<Tx, DbErr> {
        let gate = match &self.gate {
            Some(gate) => Some(gate.clone().lock_owned().await),
            None => None,
        };
        let mode = self.gate.is_some().then_some(SqliteTransactionMode::Immediate);
        let options =
            TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
        let inner = self.metrics.seen(self.conn.begin_with_options(options).await)?;
        Ok(Tx {
            inner,
            outbox: self.outbox.clone(),
            has_events: AtomicBool::new(false),
            last: Last::default(),
            after: Hooks::default(),
            later: Later::default(),
            _gate: gate,
        })
    }

    /// A read-only view that does not change while several queries run on it.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        match self.gate {
            Some(_) => self.conn.begin().await,
            None => {
                self.conn
                    .begin_with_config(
                        Some(IsolationLevel::RepeatableRead),
                        Some(AccessMode::ReadOnly),
                    )
                    .await
            }
        }
    }

    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.conn.get_database_backend() == DbBackend::Postgres
    }

    /// The pool itself, for what needs sea-orm's own type (migrations, streams).
    #[must_use]
    pub fn connection(&self) -> &DatabaseConnection {
        &self.conn
    }

    /// Changes whenever a transaction that wrote events has committed in this process.
    #[must_use]
    pub fn outbox_signal(&self) -> watch::Receiver<()> {
        self.outbox.subscribe()
    }

    /// Tells databases apart within this process; the same for all clones of one.
    #[must_use]
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.outbox) as usize
    }

    /// Sets the gauges of the connections, just before they are read.
    pub fn measure(&self) {
        let (open, idle) = if self.is_postgres() {
            let pool = self.conn.get_postgres_connection_pool();
            (pool.size(), pool.num_idle())
        } else {
            let pool = self.conn.get_sqlite_connection_pool();
            (pool.size(), pool.num_idle())
        };
        self.metrics.connections(open, idle);
    }

    /// Answers whether the database answers; for readiness.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.execute_unprepared("SELECT 1").await.map(drop)
    }

    pub async fn close(self) -> Result<(), DbErr> {
        self.conn.close().await
    }
}

/// A write transaction; use it wherever sea-orm takes a connection.
#[derive(Debug)]
pub struct Tx {
    inner: DatabaseTransaction,
    outbox: Arc<watch::Sender<()>>,
    has_events: AtomicBool,
    last: Last,
    after: Hooks,
    later: Later,
    // Last field: the gate opens after the transaction has ended.
    _gate: Option<OwnedMutexGuard<()>>,
}

impl Tx {
    pub async fn commit(self) -> Result<(), DbErr> {
        for work in self.last.take() {
            work(&self).await?;
        }
        self.write_later_rows().await?;
        self.inner.commit().await?;
        if self.has_events.load(Ordering::Relaxed) {
            self.outbox.send_replace(());
        }
        for hook in self.after.take() {
            hook();
        }
        Ok(())
    }

    pub async fn rollback(self) -> Result<(), DbErr> {
        self.inner.rollback().await
    }

    /// Inserts a row together with others before the next statement of this transaction, or before
    /// its commit; an error comes from there.
    pub fn insert_later(&self, row: Row) {
        self.later.add(row);
    }

    /// Writes the rows of [`Tx::insert_later`] now, for who wants to know what becomes of them.
    pub async fn write_later_rows(&self) -> Result<(), DbErr> {
        self.later.write(&self.inner).await
    }

    /// Gives up the rows of [`Tx::insert_later`] that are not yet written, for who goes back to a
    /// savepoint.
    pub fn forget_later_rows(&self) {
        self.later.forget();
    }

    /// Does `work` just before the commit. It is for what takes a lock that many want, say a counter's:
    /// the lock is held briefly, and transactions that take several wait for each other in one
    /// direction only, because the work is done in the order of the locks' names.
    pub fn before_commit(
        &self,
        lock: String,
        work: impl for<'a> FnOnce(&'a Self) -> BoxFuture<'a, Result<(), DbErr>> + Send + 'static,
    ) {
        self.last.add(lock, Box::new(work));
    }

    /// Calls `hook` once the transaction has committed, and never if it does not.
    pub fn after_commit(&self, hook: impl FnOnce() + Send + 'static) {
        self.after.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(hook));
    }

    /// Tells that this transaction wrote to the outbox, so that the relay is woken on commit.
    pub fn mark_events(&self) {
        self.has_events.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.inner.get_database_backend() == DbBackend::Postgres
    }
}

type Work = Box<dyn for<'a> FnOnce(&'a Tx) -> BoxFuture<'a, Result<(), DbErr>> + Send>;

/// What is to be done just before the commit, by the lock that it takes.
#[derive(Default)]
struct Last(std::sync::Mutex<BTreeMap<String, Vec<Work>>>);

impl Last {
    fn add(&self, lock: String, work: Work) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(lock).or_default().push(work);
    }

    fn take(&self) -> Vec<Work> {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        all.into_values().flatten().collect()
    }
}

impl std::fmt::Debug for Last {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Last")
    }
}

type Hook = Box<dyn FnOnce() + Send>;

/// What is to be done after the commit.
#[derive(Default)]
struct Hooks(std::sync::Mutex<Vec<Hook>>);

impl Hooks {
    fn take(&self) -> Vec<Hook> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hooks")
    }
}

macro_rules! delegate_connection {
    ($type:ty, $field:ident $(, before $before:ident)? $(, seen by $metrics:ident)?) => {
        #[async_trait]
        impl ConnectionTrait for $type {
            fn get_database_backend(&self) -> DbBackend {
                self.$field.get_database_backend()
            }
            async fn execute_raw(&self, stmt: Statement) -> Result<ExecResult, DbErr> {
                $(self.$before().await?;)?
                let outcome = self.$field.execute_raw(stmt).await;
                $(let outcome = self.$metrics.seen(outcome);)?
                outcome
            }
            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                $(self.$before().await?;)?
                let outcome = self.$field.execute_unprepared(sql).await;
                $(let outcome = self.$metrics.seen(outcome);)?
                outcome
            }
            async fn query_one_raw(&self, stmt: Statement) -> Result<Option<QueryResult>, DbErr> {
                $(self.$before().await?;)?
                let outcome = self.$field.query_one_raw(stmt).await;
                $(let outcome = self.$metrics.seen(outcome);)?
                outcome
            }
            async fn query_all_raw(&self, stmt: Statement) -> Result<Vec<QueryResult>, DbErr> {
                $(self.$before().await?;)?
                let outcome = self.$field.query_all_raw(stmt).await;
                $(let outcome = self.$metrics.seen(outcome);)?
                outcome
            }
        }
    };
}

delegate_connection!(Db, conn, seen by metrics);
delegate_connection!(Tx, inner, before write_later_rows);

/// Whether the same work may succeed later: connection lost, pool exhausted, serialisation
/// failure, deadlock, database shutting down or starting, SQLite busy.
#[must_use]
pub fn is_transient(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(e) = next {
        if let Some(db) = e.downcast_ref::<DbErr>() {
            return db_is_transient(db);
        }
        next = e.source();
    }
    false
}

fn db_is_transient(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => {
            use sea_orm::sqlx::Error as Sqlx;
            match &**e {
                Sqlx::Io(_) | Sqlx::PoolTimedOut | Sqlx::PoolClosed | Sqlx::WorkerCrashed => true,
                Sqlx::Database(d) => d.code().is_some_and(|code| {
                    // SQLSTATE classes 08 connection, 40 rollback, 53 resources, 57P admin
                    // intervention; SQLite 5 busy, 6 locked, 13 full and their extensions.
                    ["08", "40", "53", "57P"].iter().any(|class| code.starts_with(class))
                        || matches!(&*code, "5" | "6" | "13" | "261" | "517")
                }),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether a unique constraint refused the row.
#[must_use]
pub fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql;

    async fn add(db: &Db, names: &[&'static str]) -> Tx {
        let tx = db.begin().await.unwrap();
        for name in names.iter().copied() {
            tx.before_commit(name.to_owned(), move |tx| {
                Box::pin(async move {
                    tx.insert_later(Row::new("a (b)", "(?)", vec![name.into()]));
                    Ok(())
                })
            });
        }
        tx
    }

    #[tokio::test]
    async fn what_is_left_for_the_end_is_done_in_the_order_of_the_locks() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/a.db", dir.path().display());
        let db = Db::connect(&DbSettings::new(url)).await.unwrap();
        db.execute_unprepared("create table a (n integer primary key, b text)").await.unwrap();
        add(&db, &["x"]).await.rollback().await.unwrap();
        add(&db, &["c", "a", "b"]).await.commit().await.unwrap();
        let rows = sql::all(&db, "SELECT b FROM a ORDER BY n", vec![]).await.unwrap();
        let names: Vec<String> = rows.iter().map(|r| r.try_get("", "b").unwrap()).collect();
        assert_eq!(names, ["a", "b", "c"]);

        let tx = add(&db, &["d"]).await;
        tx.before_commit("e".to_owned(), |_| {
            Box::pin(async { Err(DbErr::Custom("no".to_owned())) })
        });
        assert!(tx.commit().await.is_err());
        let rows = sql::all(&db, "SELECT b FROM a", vec![]).await.unwrap();
        assert_eq!(rows.len(), 3, "a failure at the end undoes everything");
    }
}
