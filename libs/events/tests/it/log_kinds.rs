//! The adapters under test, each able to open the same log again.

use std::sync::Arc;

use events::log::{EventLog, KafkaLog, KafkaSettings, MemoryLog, SqlLog};
use kernel::SystemClock;
use store::{Db, DbSettings};
use tempfile::TempDir;

use crate::support;

pub enum Kind {
    Memory(MemoryLog),
    Sqlite(TempDir),
    Postgres(String),
    Kafka(KafkaSettings),
}

impl Kind {
    pub async fn open(&self) -> Arc<dyn EventLog> {
        let url = match self {
            Kind::Memory(log) => return Arc::new(log.clone()),
            Kind::Kafka(settings) => return Arc::new(KafkaLog::new(settings.clone()).unwrap()),
            Kind::Sqlite(dir) => format!("sqlite://{}/events.db", dir.path().display()),
            Kind::Postgres(url) => url.clone(),
        };
        let db = Db::connect(&DbSettings::new(url)).await.unwrap();
        Arc::new(SqlLog::open(db, Arc::new(SystemClock), 7).await.unwrap())
    }

    pub fn name(&self) -> &'static str {
        match self {
            Kind::Memory(_) => "memory",
            Kind::Sqlite(_) => "sqlite",
            Kind::Postgres(_) => "postgres",
            Kind::Kafka(_) => "kafka",
        }
    }
}

pub fn kafka() -> KafkaSettings {
    let brokers = std::env::var("KEFU_TEST_KAFKA").unwrap_or_else(|_| {
        panic!("KEFU_TEST_KAFKA is unset: run the tests by `make test`, or set it to what `deploy/local/kafka.sh start` prints")
    });
    KafkaSettings { partitions: 4, ..KafkaSettings::new(brokers) }
}

/// All adapters, each empty as far as topics of new names go.
pub async fn kinds(test: &str) -> Vec<Kind> {
    vec![
        Kind::Memory(MemoryLog::new()),
        Kind::Sqlite(tempfile::tempdir().unwrap()),
        Kind::Postgres(support::fresh_postgres(&format!("log_{test}")).await),
        Kind::Kafka(kafka()),
    ]
}
