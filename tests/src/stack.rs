//! A running Kefu: the suite (one process) or split (five processes on PostgreSQL and Kafka), the
//! real binaries either way.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{api::Caller, binary, mail::Maildir, required, root};

pub const SERVICES: [&str; 5] = ["customer", "ticketing", "quality", "survey", "notification"];

/// First path segments below `/api/v1/` and who owns them.
const OWNERS: [(&str, &[&str]); 5] = [
    ("customer", &["customers", "tiers", "customer-imports", "customer"]),
    (
        "ticketing",
        &[
            "tickets",
            "ticket-kinds",
            "ticket-categories",
            "queues",
            "calendars",
            "sla-policies",
            "ticket-imports",
            "departments",
            "ticket-reports",
            "tasks",
            "ticketing",
        ],
    ),
    (
        "quality",
        &[
            "scorecards",
            "sampling-plans",
            "inspections",
            "evaluations",
            "appeals",
            "rectifications",
            "service-reports",
            "quality",
        ],
    ),
    (
        "survey",
        &[
            "surveys",
            "survey-triggers",
            "invitations",
            "responses",
            "survey-results",
            "answers",
            "survey",
        ],
    ),
    (
        "notification",
        &[
            "templates",
            "workflows",
            "staff",
            "webhook-endpoints",
            "notices",
            "inbox",
            "notification",
        ],
    ),
];

/// Where each service answers.
#[derive(Debug, Clone)]
pub struct Urls {
    pub issuer: String,
    pub(crate) services: BTreeMap<String, String>,
}

impl Urls {
    /// Absolute URL of a path like `/api/v1/tickets?q=x`; anything absolute stays.
    #[must_use]
    pub fn of(&self, path: &str) -> String {
        if path.starts_with("http") {
            return path.to_owned();
        }
        let segment =
            path.trim_start_matches("/api/v1/").split(['/', '?']).next().unwrap_or_default();
        let owner = OWNERS
            .iter()
            .find(|(_, owned)| owned.contains(&segment))
            .map_or("ticketing", |(owner, _)| owner);
        format!("{}{path}", self.services[owner])
    }

    #[must_use]
    pub fn service(&self, name: &str) -> &str {
        &self.services[name]
    }
}

/// What a test may set.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Collector of spans.
    pub otlp_endpoint: Option<String>,
    /// The suite with its example data.
    pub demo: bool,
    /// Further settings as environment variables.
    pub env: Vec<(String, String)>,
}

/// A running stack; ended when dropped.
#[derive(Debug)]
pub struct Stack {
    pub urls: Urls,
    pub mails: Maildir,
    pub dir: TempDir,
    accounts: Value,
    postgres: String,
    process: Option<Child>,
    options: Options,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

impl Stack {
    /// One process on SQLite; mails go to the real SMTP server of `make test`.
    pub async fn suite(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let services = SERVICES.iter().map(|s| ((*s).to_owned(), url.clone())).collect();
        let mut stack = Self {
            urls: Urls { issuer: url, services },
            mails: Maildir::open(required("KEFU_TEST_MAILDIR")),
            dir,
            accounts: Value::Null,
            postgres: String::new(),
            process: None,
            options,
        };
        stack.start_suite().await;
        stack
    }

    /// Starts (again) the suite's process on its data folder; returns the time until it was ready.
    pub async fn start_suite(&mut self) -> Duration {
        let begun = Instant::now();
        let smtp = required("KEFU_TEST_SMTP");
        let (host, port) = smtp.rsplit_once(':').expect("HOST:PORT");
        let log = fs::File::create(self.dir.path().join("suite.log")).expect("log file");
        let data = self.data_dir();
        let child = Command::new(binary("kefu"))
            .arg(if self.options.demo { "demo" } else { "serve" })
            .env("KEFU__DATA__DIR", &data)
            .env("KEFU__HTTP__LISTEN", self.urls.issuer.trim_start_matches("http://"))
            .env("KEFU__HTTP__PUBLIC_URL", &self.urls.issuer)
            .env("KEFU__NOTIFICATION__EMAIL__KIND", "smtp")
            .env("KEFU__NOTIFICATION__EMAIL__HOST", host)
            .env("KEFU__NOTIFICATION__EMAIL__PORT", port)
            .env("KEFU__NOTIFICATION__EMAIL__TLS", "none")
            .env("KEFU__NOTIFICATION__WEBHOOKS__ALLOW_CIDRS", "127.0.0.0/8")
            .env("KEFU__NOTIFICATION__WEBHOOKS__ALLOW_HTTP", "true")
            .env(
                "KEFU__TELEMETRY__OTLP_ENDPOINT",
                self.options.otlp_endpoint.as_deref().unwrap_or_default(),
            )
            .envs(self.options.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log file"))
            .stderr(log)
            .spawn()
            .expect("kefu starts");
        self.process = Some(child);
        self.wait_ready().await;
        let ready = begun.elapsed();
        self.accounts = read_json(&data.join("accounts.json"));
        ready
    }

    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Id of the suite's process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Asks the suite's process to end and waits for it.
    pub fn stop_suite(&mut self) {
        if let Some(mut child) = self.process.take() {
            // A polite end, so that a hanging shutdown is seen as such and not papered over.
            let asked = Command::new("kill").arg(child.id().to_string()).status();
            assert!(asked.is_ok_and(|s| s.success()), "the suite was already gone");
            child.wait().expect("the suite ends");
        }
    }

    /// `kill -9` of the suite's process.
    pub fn kill_suite(&mut self) {
        if let Some(mut child) = self.process.take() {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
    }

    /// Five processes with PostgreSQL and Kafka of their own.
    pub async fn split(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let printed =
            split_sh(dir.path(), &options, &["start", "--dir", &dir.path().to_string_lossy()]);
        let exports = exports(&printed);
        let services = SERVICES
            .iter()
            .map(|s| ((*s).to_owned(), exports[&format!("KEFU_{}_URL", s.to_uppercase())].clone()))
            .collect();
        Self {
            urls: Urls { issuer: exports["KEFU_ISSUER_URL"].clone(), services },
            mails: Maildir::open(&exports["KEFU_TEST_MAILDIR"]),
            accounts: read_json(Path::new(&exports["KEFU_ACCOUNTS"])),
            postgres: exports["KEFU_TEST_POSTGRES"].clone(),
            dir,
            process: None,
            options,
        }
    }

    /// URL of a service's database (split).
    #[must_use]
    pub fn database(&self, service: &str) -> String {
        let server =
            self.postgres.rsplit_once('/').map_or(self.postgres.as_str(), |(server, _)| server);
        format!("{server}/kefu_{service}")
    }

    /// `kill -9` of one service of a split stack.
    pub fn kill_service(&self, name: &str) {
        split_sh(self.dir.path(), &self.options, &["service", name, "kill"]);
    }

    /// Starts one service of a split stack again and waits until it is ready.
    pub fn start_service(&self, name: &str) {
        split_sh(self.dir.path(), &self.options, &["service", name, "start"]);
    }

    async fn wait_ready(&self) {
        let http = reqwest::Client::new();
        let begun = Instant::now();
        let ready = format!("{}/health/ready", self.urls.issuer);
        while !http.get(&ready).send().await.is_ok_and(|r| r.status().is_success()) {
            let log = || fs::read_to_string(self.dir.path().join("suite.log")).unwrap_or_default();
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{ready} does not answer:\n{}",
                log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A demo member of staff, logged in.
    pub async fn user(&self, name: &str) -> Caller {
        let password = password(&self.accounts, name);
        Caller::user(&self.urls, name, &password).await
    }

    /// A demo partner system, logged in.
    pub async fn client(&self, id: &str) -> Caller {
        let secret = self.accounts["clients"]
            .as_array()
            .and_then(|clients| clients.iter().find(|c| c["id"] == id))
            .and_then(|client| client["secret"].as_str())
            .unwrap_or_else(|| panic!("no client {id} in {}", self.accounts));
        Caller::client(&self.urls, id, secret).await
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.stop_suite();
        if self.dir.path().join("parts.env").exists() {
            split_sh(
                self.dir.path(),
                &self.options,
                &["clean", "--dir", &self.dir.path().to_string_lossy()],
            );
        }
    }
}

fn split_sh(dir: &Path, options: &Options, args: &[&str]) -> String {
    let bin = binary("kefu");
    let output = Command::new(root().join("deploy/local/split.sh"))
        .args(args)
        .env("KEFU_SPLIT_DIR", dir)
        .env("KEFU_BIN_DIR", bin.parent().expect("target/PROFILE"))
        .env("KEFU_OTLP_ENDPOINT", options.otlp_endpoint.as_deref().unwrap_or_default())
        .env("KEFU_WEBHOOK_ALLOW_CIDRS", "127.0.0.0/8")
        .env("KEFU_WEBHOOK_ALLOW_HTTP", "true")
        .env("KEFU_POSTGRES_FSYNC", "off")
        .env_remove("KEFU_TEST_POSTGRES")
        .env_remove("KEFU_TEST_KAFKA")
        .envs(options.env.iter().cloned())
        .stdin(Stdio::null())
        .output()
        .expect("split.sh runs");
    assert!(
        output.status.success(),
        "split.sh {args:?}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The `export NAME=value` lines of a script.
pub(crate) fn exports(printed: &str) -> BTreeMap<String, String> {
    printed
        .lines()
        .flat_map(|l| l.trim_start_matches("export ").split(' '))
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
        .collect()
}

/// Password of a demo member of staff.
pub(crate) fn password(accounts: &Value, user: &str) -> String {
    accounts["users"]
        .as_array()
        .and_then(|users| users.iter().find(|u| u["name"] == user))
        .and_then(|user| user["password"].as_str())
        .unwrap_or_else(|| panic!("no user {user} in {accounts}"))
        .to_owned()
}

pub(crate) fn read_json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}
