//! A split stack whose parts can be struck one by one: replicas of every service, brokers, the
//! database server.
//!
//! `split.sh prepare` starts what services stand on and writes what each is started with; the
//! services themselves are children of this process, so that to kill one and to see it end costs
//! nothing. Dropped, also by a panic, everything is ended by its process id and the folder removed.

mod http;
mod parts;
mod process;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use http::get;
pub use process::faketime;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    api::Caller,
    binary,
    mail::Maildir,
    root,
    stack::{self, SERVICES, Urls},
};

/// Even ten debug builds on a busy machine are up within this.
const START: Duration = Duration::from_secs(120);

/// What a cluster is made of.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Processes of every service: 1 (also for 0) or 2.
    pub replicas: usize,
    /// Kafka brokers: 1 (also for 0) or 3.
    pub brokers: usize,
    /// Whether PostgreSQL waits for the disk.
    pub fsync: bool,
    /// Further environment of every service and of the issuer.
    pub env: Vec<(String, String)>,
    /// Where the binaries are, if not beside this one.
    pub bin_dir: Option<PathBuf>,
}

/// A running cluster. A process is named by its service, the second replica `ticketing-2`; brokers
/// are counted from 0.
pub struct Cluster {
    pub mails: Maildir,
    plan: Plan,
    bin_dir: PathBuf,
    urls: Vec<Urls>,
    accounts: Value,
    postgres: String,
    brokers: String,
    processes: Mutex<BTreeMap<String, Child>>,
    /// Absent where somebody else runs the cluster.
    dir: Option<Folder>,
}

/// Where a cluster is that somebody else runs: one address per service, balanced behind it.
#[derive(Debug, Clone)]
pub struct Given {
    pub issuer: String,
    /// By service.
    pub services: BTreeMap<String, String>,
    /// The issuer's accounts.
    pub accounts: PathBuf,
    /// URL of the database server.
    pub postgres: String,
    pub brokers: String,
    /// The mail sink's Maildir.
    pub mails: PathBuf,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cluster({:?})", self.urls)
    }
}

impl Cluster {
    /// Starts everything and waits until every service is ready; panics with the log of what does
    /// not come up.
    pub async fn start(plan: Plan) -> Self {
        let begin = move || Self::begin(plan);
        tokio::task::spawn_blocking(begin).await.unwrap_or_else(|e| match e.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(e) => panic!("{e}"),
        })
    }

    fn begin(plan: Plan) -> Self {
        let bin = binary("kefu");
        let bin_dir =
            plan.bin_dir.clone().or_else(|| bin.parent().map(Path::to_owned)).unwrap_or_default();
        let dir = Folder(tempfile::tempdir().expect("temporary folder"));
        let printed = split_sh(&dir, &bin_dir, &plan, "prepare").expect("split.sh prepare");
        let exports = stack::exports(&printed);
        let replicas = plan.replicas.max(1);
        let cluster = Self {
            mails: Maildir::open(&exports["KEFU_TEST_MAILDIR"]),
            urls: (0..replicas).map(|n| urls(&exports, n)).collect(),
            accounts: stack::read_json(Path::new(&exports["KEFU_ACCOUNTS"])),
            postgres: exports["KEFU_TEST_POSTGRES"].clone(),
            brokers: exports["KEFU_TEST_KAFKA"].clone(),
            processes: Mutex::default(),
            plan,
            bin_dir,
            dir: Some(dir),
        };
        let names = cluster.processes();
        for name in &names {
            cluster.spawn(name, &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        for name in &names {
            cluster.wait_ready(name, START).unwrap_or_else(|e| panic!("{e}"));
        }
        cluster
    }

    /// A cluster that somebody else runs: nothing of it is started or ended here.
    #[must_use]
    pub fn given(given: Given) -> Self {
        Self {
            mails: Maildir::open(given.mails),
            plan: Plan::default(),
            bin_dir: PathBuf::new(),
            urls: vec![Urls { issuer: given.issuer, services: given.services }],
            accounts: stack::read_json(&given.accounts),
            postgres: given.postgres,
            brokers: given.brokers,
            processes: Mutex::default(),
            dir: None,
        }
    }

    /// Names of all service processes.
    #[must_use]
    pub fn processes(&self) -> Vec<String> {
        (0..self.urls.len()).flat_map(|n| SERVICES.map(|s| process_name(s, n))).collect()
    }

    /// Where the services of a replica answer, counted from 0.
    #[must_use]
    pub fn urls(&self, replica: usize) -> &Urls {
        &self.urls[replica]
    }

    /// A demo member of staff, logged in, who asks one replica.
    pub async fn user(&self, name: &str, replica: usize) -> Caller {
        let password = stack::password(&self.accounts, name);
        Caller::user(self.urls(replica), name, &password).await
    }

    /// URL of a service's database.
    #[must_use]
    pub fn database(&self, service: &str) -> String {
        let server = self.postgres.rsplit_once('/').map_or(self.postgres.as_str(), |(s, _)| s);
        format!("{server}/kefu_{service}")
    }

    /// What `psql` prints: rows as lines, columns parted by `|`.
    pub fn psql(&self, service: &str, sql: &str) -> Result<String, String> {
        psql(&self.database(service), &[sql])
    }

    /// The one number that a query answers; panics where it does not.
    #[must_use]
    pub fn count(&self, service: &str, sql: &str) -> usize {
        let text = self.psql(service, sql).unwrap_or_else(|e| panic!("{service}: {sql}: {e}"));
        text.trim().parse().unwrap_or_else(|e| panic!("{service}: {sql}: {e}: {text}"))
    }

    /// Everything a process has said, over all its lives.
    #[must_use]
    pub fn log_of(&self, name: &str) -> PathBuf {
        self.path().join(name).join("log")
    }

    fn path(&self) -> &Path {
        self.dir.as_ref().expect("a cluster of this process").0.path()
    }

    fn children(&self) -> MutexGuard<'_, BTreeMap<String, Child>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.dir.is_none() {
            return;
        }
        for (name, child) in self.children().iter_mut() {
            if let Err(e) = child.kill().and_then(|()| child.wait()) {
                eprintln!("{name} could not be ended: {e}");
            }
        }
        // In order they would take their time; nobody needs their data any more.
        for node in 0..self.plan.brokers.max(1) {
            self.kafka_kill(node);
        }
        self.postgres_kill();
    }
}

/// The temporary folder: whatever still runs in it is ended before it goes.
struct Folder(TempDir);

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(e) = split_sh(self, Path::new(""), &Plan::default(), "clean") {
            eprintln!("{e}");
        }
    }
}

fn process_name(service: &str, replica: usize) -> String {
    match replica {
        0 => service.to_owned(),
        n => format!("{service}-{}", n + 1),
    }
}

fn urls(exports: &BTreeMap<String, String>, replica: usize) -> Urls {
    let url = |service: &str| {
        let name = process_name(service, replica).to_uppercase().replace('-', "_");
        exports[&format!("KEFU_{name}_URL")].clone()
    };
    Urls {
        issuer: exports["KEFU_ISSUER_URL"].clone(),
        services: SERVICES.iter().map(|s| ((*s).to_owned(), url(s))).collect(),
    }
}

fn split_sh(dir: &Folder, bin_dir: &Path, plan: &Plan, command: &str) -> Result<String, String> {
    let mut script = Command::new(root().join("deploy/local/split.sh"));
    script
        .args([command, "--dir"])
        .arg(dir.0.path())
        .env("KEFU_BIN_DIR", bin_dir)
        .env("KEFU_REPLICAS", plan.replicas.max(1).to_string())
        .env("KEFU_BROKERS", plan.brokers.max(1).to_string())
        .env("KEFU_POSTGRES_FSYNC", if plan.fsync { "on" } else { "off" })
        .env("KEFU_WEBHOOK_ALLOW_CIDRS", "127.0.0.0/8")
        .env("KEFU_WEBHOOK_ALLOW_HTTP", "true")
        // Parts of its own, whatever this process was given.
        .env_remove("KEFU_TEST_POSTGRES")
        .env_remove("KEFU_TEST_KAFKA")
        .env_remove("KEFU_TEST_SMTP")
        .env_remove("KEFU_OTLP_ENDPOINT")
        .envs(plan.env.iter().map(|(name, value)| (name, value)));
    run(&mut script)
}

fn psql(url: &str, statements: &[&str]) -> Result<String, String> {
    let mut command = Command::new("psql");
    command.args(["-XqAt", "-v", "ON_ERROR_STOP=1", url]);
    for sql in statements {
        command.args(["-c", sql]);
    }
    run(&mut command)
}

/// Standard output, or what went wrong in words.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let Output { status, stdout, stderr } = output.map_err(|e| format!("{command:?}: {e}"))?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    Err(format!("{command:?}: {status}: {}", String::from_utf8_lossy(&stderr)))
}
