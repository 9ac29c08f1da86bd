//! Databases, a test event, and reactions that write what they saw into a table.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use contracts::Event;
use events::{BackboneSettings, React};
use kernel::{Actor, Context, OrgPath, Problem, codes};
use schemars::JsonSchema;
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use store::{Db, DbSettings, Migrations, SqlMigration, Tx, sql};
use uuid::Uuid;

/// Something that happened to the thing `id`; the `n`-th.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stepped {
    pub id: Uuid,
    pub org: String,
    pub n: i64,
}

impl Event for Stepped {
    const TYPE: &'static str = "kefu.thing.stepped.v1";
    const TOPIC: &'static str = "kefu.testing.events";
    fn key(&self) -> Uuid {
        self.id
    }
    fn org(&self) -> &str {
        &self.org
    }
}

pub fn step(id: Uuid, n: i64) -> Stepped {
    Stepped { id, org: "/acme".into(), n }
}

pub fn context() -> Context {
    Context::of(Actor::system(OrgPath::parse("/acme").unwrap()))
}

pub fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_751_536_800, 0).unwrap()
}

/// A database with the backbone's tables and `effect`.
pub struct TestDb {
    pub db: Db,
    pub name: &'static str,
    _dir: Option<tempfile::TempDir>,
}

const EFFECT: &str = "create table effect (seq {seq}, key text not null, n bigint not null);";

async fn prepared(url: String, name: &'static str, dir: Option<tempfile::TempDir>) -> TestDb {
    let db = Db::connect(&DbSettings::new(&url)).await.unwrap();
    let effect = vec![SqlMigration::new("m0100_effect", EFFECT)];
    Migrations::new([store::migrations(), events::migrations(), effect]).run(&db).await.unwrap();
    TestDb { db, name, _dir: dir }
}

pub async fn sqlite() -> TestDb {
    let dir = tempfile::tempdir().unwrap();
    prepared(format!("sqlite://{}/service.db", dir.path().display()), "sqlite", Some(dir)).await
}

pub async fn postgres(test: &str) -> TestDb {
    prepared(fresh_postgres(test).await, "postgres", None).await
}

pub async fn databases(test: &str) -> Vec<TestDb> {
    vec![sqlite().await, postgres(test).await]
}

/// An empty database of this test's own; one left by an earlier run is replaced.
pub async fn fresh_postgres(test: &str) -> String {
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let server = std::env::var("KEFU_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("KEFU_TEST_POSTGRES is unset: run the tests by `make test`, or set it to what `deploy/local/postgres.sh start` prints")
    });
    let name = format!("events_{test}");
    let _turn = ONE_AT_A_TIME.lock().await;
    let admin = Db::connect(&DbSettings::new(&server)).await.unwrap();
    admin
        .execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        .await
        .unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
    admin.close().await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

/// Writes one row per event; fails as it is told to.
#[derive(Clone, Default)]
pub struct Recorder(pub Arc<Faults>);

#[derive(Default)]
pub struct Faults {
    /// How often the first step of any thing still fails.
    pub fail_first: AtomicUsize,
    /// How often any event still finds the service unavailable.
    pub unavailable: AtomicUsize,
    pub panics: AtomicUsize,
    pub calls: AtomicUsize,
}

fn take_one(counter: &AtomicUsize) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
}

#[async_trait]
impl React<Stepped> for Recorder {
    async fn react(&self, tx: &Tx, _ctx: &Context, event: Stepped) -> Result<(), Problem> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        // First the effect, then the fault: so a missing rollback shows.
        let values = vec![event.id.to_string().into(), event.n.into()];
        sql::execute(tx, "INSERT INTO effect (key, n) VALUES ($1, $2)", values).await?;
        if take_one(&self.0.unavailable) {
            return Err(Problem::of(&codes::UNAVAILABLE));
        }
        if event.n == 1 && take_one(&self.0.panics) {
            panic!("a bug");
        }
        if event.n == 1 && take_one(&self.0.fail_first) {
            return Err(Problem::of(&codes::CONFLICT).cause("not yet"));
        }
        Ok(())
    }
}

/// Steps of one thing that had an effect, in the order of the effects.
pub async fn effects(db: &Db, id: Uuid) -> Vec<i64> {
    let rows = sql::all(
        db,
        "SELECT n FROM effect WHERE key = $1 ORDER BY seq",
        vec![id.to_string().into()],
    )
    .await
    .unwrap();
    rows.iter().map(|row| row.try_get("", "n").unwrap()).collect()
}

pub async fn count(db: &Db, table: &str) -> i64 {
    let row =
        sql::one(db, &format!("SELECT count(*) AS n FROM {table}"), vec![]).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

/// Writes steps 1..=n of a thing, each in its own transaction.
pub async fn emit_steps(db: &Db, id: Uuid, n: i64) {
    for n in 1..=n {
        let tx = db.begin().await.unwrap();
        events::emit(&tx, &context(), noon(), &step(id, n)).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// Waits until `done` says so, 20 s at most.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain: {what}");
}

/// Settings that make tests quick.
pub fn quick() -> BackboneSettings {
    BackboneSettings {
        retry_poll_ms: 20,
        relay_poll_ms: 50,
        retry_ms: vec![20, 20],
        ..BackboneSettings::default()
    }
}
