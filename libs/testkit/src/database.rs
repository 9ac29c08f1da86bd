//! Fresh databases for tests.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, Database};
use tempfile::TempDir;

const MENDING: &str = "KEFU_TEST_POSTGRES is not set: tests run on SQLite and on PostgreSQL. \
    Start a server and set it with: eval \"$(deploy/local/postgres.sh start)\"";

/// One empty database. Clones name the same one; it is removed with the last of them.
#[derive(Debug, Clone)]
pub struct TestDb {
    /// `sqlite` or `postgres`, for messages.
    pub name: &'static str,
    pub url: String,
    pub(crate) dir: Arc<TempDir>,
    _drop: Option<Arc<DropDatabase>>,
}

/// An empty SQLite database and an empty PostgreSQL one.
///
/// # Panics
/// When `KEFU_TEST_POSTGRES` (URL of a superuser's database) is not set or does not answer.
pub async fn databases() -> Vec<TestDb> {
    vec![sqlite(), postgres().await]
}

/// An empty SQLite database alone, for what does not depend on the database.
#[must_use]
pub fn sqlite() -> TestDb {
    let dir = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    TestDb {
        name: "sqlite",
        url: format!("sqlite://{}/{{service}}.db", dir.path().display()),
        dir,
        _drop: None,
    }
}

/// An empty PostgreSQL database alone.
pub async fn postgres() -> TestDb {
    let server = std::env::var("KEFU_TEST_POSTGRES").unwrap_or_else(|_| panic!("{MENDING}"));
    // Service settings want a name per service; here it is the same text in both places.
    let name = format!("kefu_test_{}", kernel::new_id().simple());
    let mut options = sea_orm::ConnectOptions::new(&server);
    options.max_connections(1).sqlx_logging(false);
    let admin = Database::connect(options).await.unwrap_or_else(|e| {
        panic!("KEFU_TEST_POSTGRES does not answer ({e}): deploy/local/postgres.sh start")
    });
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .expect("the test's user may create databases");
    admin.close().await.expect("the connection closes");
    let mut url = url::Url::parse(&server).expect("KEFU_TEST_POSTGRES is a URL");
    url.set_path(&name);
    let drop = Arc::new(DropDatabase { server, name });
    let dir = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    TestDb { name: "postgres", url: url.to_string(), dir, _drop: Some(drop) }
}

/// Removes the database at the end, from a thread of its own, for the test's runtime may be
/// ending. Best effort: what stays is in a server that exists for tests.
#[derive(Debug)]
struct DropDatabase {
    server: String,
    name: String,
}

impl Drop for DropDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server.clone();
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut options = sea_orm::ConnectOptions::new(&server);
                options.max_connections(1).sqlx_logging(false);
                let admin = Database::connect(options).await.map_err(std::io::Error::other)?;
                admin.execute_unprepared(&statement).await.map_err(std::io::Error::other).map(drop)
            })
        });
        if !matches!(removed.join(), Ok(Ok(()))) {
            eprintln!("the test database {} is left behind", self.name);
        }
    }
}
