//! A service's database as its client sees it, by OpenTelemetry's conventions: statements,
//! connections, and waits for one that were given up.

use std::{sync::LazyLock, time::Duration};

use meter::{Counter, Gauge, Histogram, OneHistogram};
use prometheus_client::encoding::EncodeLabelSet;
use sea_orm::DbErr;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pool {
    service: String,
    db_client_connection_pool_name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connections {
    service: String,
    db_client_connection_pool_name: String,
    db_client_connection_state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    service: String,
    db_system_name: &'static str,
    db_operation_name: &'static str,
    error_type: &'static str,
}

static CONNECTIONS: LazyLock<Gauge<Connections>> = LazyLock::new(|| {
    meter::gauge("db_client_connection_count", "Open connections by state: used, idle")
});
static MOST: LazyLock<Gauge<Pool>> =
    LazyLock::new(|| meter::gauge("db_client_connection_max", "Connections that may be open"));
static TIMEOUTS: LazyLock<Counter<Pool>> = LazyLock::new(|| {
    meter::counter(
        "db_client_connection_timeouts",
        "Waits for a connection that were given up: none free, or no server",
    )
});
static OPERATIONS: LazyLock<Histogram<Operation>> = LazyLock::new(|| {
    meter::histogram(
        "db_client_operation_duration_seconds",
        "Time that a statement took, its connection at hand",
        &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0],
    )
});

const NAMES: [&str; 5] = ["SELECT", "INSERT", "UPDATE", "DELETE", "OTHER"];

/// Metrics of one database.
#[derive(Debug)]
pub(crate) struct Metrics {
    pool: Pool,
    most: u32,
}

impl Metrics {
    pub(crate) fn new(name: &str, most: u32) -> Self {
        let pool =
            Pool { service: name.to_owned(), db_client_connection_pool_name: name.to_owned() };
        meter::declare(&TIMEOUTS, &pool);
        Self { pool, most }
    }

    pub(crate) fn connections(&self, open: u32, idle: usize) {
        MOST.get_or_create(&self.pool).set(f64::from(self.most));
        let used = f64::from(open) - idle as f64;
        for (state, count) in [("used", used.max(0.0)), ("idle", idle as f64)] {
            let labels = Connections {
                service: self.pool.service.clone(),
                db_client_connection_pool_name: self.pool.db_client_connection_pool_name.clone(),
                db_client_connection_state: state,
            };
            CONNECTIONS.get_or_create(&labels).set(count);
        }
    }

    /// Passes an outcome on and counts it where no connection was to be had.
    pub(crate) fn seen<T>(&self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(DbErr::ConnectionAcquire(_)) = &outcome {
            TIMEOUTS.get_or_create(&self.pool).inc();
        }
        outcome
    }

    /// What is to be called after every statement; its histograms are looked up once.
    pub(crate) fn statements(
        &self,
        db_system_name: &'static str,
    ) -> impl Fn(&str, Duration, bool) + Send + Sync + use<> {
        let of = |db_operation_name, error_type| {
            OPERATIONS.get_or_create_owned(&Operation {
                service: self.pool.service.clone(),
                db_system_name,
                db_operation_name,
                error_type,
            })
        };
        let well = NAMES.map(|name| of(name, ""));
        let failed = NAMES.map(|name| of(name, "failed"));
        move |sql, took, has_failed| {
            let all: &[OneHistogram; NAMES.len()] = if has_failed { &failed } else { &well };
            all[kind(sql)].observe(took.as_secs_f64());
        }
    }
}

/// Place of the statement's first word in [`NAMES`].
fn kind(sql: &str) -> usize {
    let word = sql.trim_start().as_bytes();
    let is = |name: &&str| {
        word.get(..name.len()).is_some_and(|w| w.eq_ignore_ascii_case(name.as_bytes()))
    };
    NAMES.iter().position(is).unwrap_or(NAMES.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_told_by_its_first_word() {
        for (sql, name) in [
            ("select 1", "SELECT"),
            ("\n  SELECT 1", "SELECT"),
            ("Insert into a", "INSERT"),
            ("UPDATE a", "UPDATE"),
            ("delete from a", "DELETE"),
            ("with a as (select 1) select * from a", "OTHER"),
            ("", "OTHER"),
        ] {
            assert_eq!(NAMES[kind(sql)], name, "{sql}");
        }
    }

    #[tokio::test]
    async fn statements_connections_and_vain_waits_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/a.db", dir.path().display());
        let settings = crate::DbSettings {
            name: "metered".to_owned(),
            max_connections: 1,
            acquire_timeout_secs: 1,
            ..crate::DbSettings::new(url)
        };
        let db = crate::Db::connect(&settings).await.unwrap();
        let tx = db.begin().await.unwrap();
        crate::sql::execute(&tx, "create table a (b integer)", vec![]).await.unwrap();
        crate::sql::execute(&tx, "insert into a values (1)", vec![]).await.unwrap();
        assert!(crate::sql::all(&tx, "select nothing from a", vec![]).await.is_err());
        assert!(db.ping().await.is_err(), "the only connection is taken");
        db.measure();
        let text = meter::exposition("").unwrap().1;
        let line = |start: &str| {
            let found = text.lines().find_map(|l| l.strip_prefix(start)?.strip_prefix(' '));
            found.map(str::to_owned).unwrap_or_else(|| panic!("{start} in {text}"))
        };
        let count = "db_client_operation_duration_seconds_count{service=\"metered\",db_system_name=\"sqlite\",db_operation_name=";
        assert_eq!(line(&format!(r#"{count}"INSERT",error_type=""}}"#)), "1");
        assert_eq!(line(&format!(r#"{count}"SELECT",error_type="failed"}}"#)), "1");
        let pool = r#"{service="metered",db_client_connection_pool_name="metered""#;
        assert_eq!(line(&format!("db_client_connection_max{pool}}}")), "1.0");
        assert_eq!(
            line(&format!(
                r#"db_client_connection_count{pool},db_client_connection_state="used"}}"#
            )),
            "1.0"
        );
        assert_eq!(line(&format!("db_client_connection_timeouts_total{pool}}}")), "1");
        tx.rollback().await.unwrap();
    }
}
