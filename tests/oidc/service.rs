//! A service that believes Keycloak, and what it answers to whom.

use std::{
    fs::{self, File},
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use kefu_tests::{binary, cluster::faketime, eventually};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).unwrap().port()
}

/// Ticketing alone, on SQLite.
pub struct Service {
    url: String,
    http: Client,
    process: Child,
    dir: TempDir,
}

/// Status, problem code and detail.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(pub u16, pub String, pub String);

impl Refused {
    pub fn new(status: u16, code: &str, detail: &str) -> Self {
        Self(status, code.to_owned(), detail.to_owned())
    }

    pub fn unauthenticated(detail: &str) -> Self {
        Self::new(401, "unauthenticated", detail)
    }
}

impl Service {
    /// `clock` is how far its time of day is off, e.g. `+90s`.
    pub fn start(issuer: &str, settings: &[(&str, &str)], clock: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listen = format!("127.0.0.1:{}", free_port());
        let log = File::create(dir.path().join("log")).unwrap();
        let mut command = Command::new(binary("kefu-ticketing"));
        command
            .arg("serve")
            .env("KEFU__HTTP__LISTEN", &listen)
            .env("KEFU__DATA__DIR", dir.path().join("data"))
            .env("KEFU__AUTH__MODE", "oidc")
            .env("KEFU__AUTH__ISSUER", issuer)
            .env("KEFU__AUTH__AUDIENCE", "kefu")
            .env("KEFU__AUTH__ROLES_CLAIM", "/resource_access/kefu/roles")
            .env("KEFU__AUTH__KEYS_MAX_AGE_SECS", "5")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if let Some(clock) = clock {
            command
                .env("LD_PRELOAD", faketime().unwrap())
                .env("FAKETIME", clock)
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DONT_FAKE_MONOTONIC", "1");
        }
        let process = command.spawn().unwrap();
        let http = Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
        Self { url: format!("http://{listen}"), http, process, dir }
    }

    pub async fn ready(self) -> Self {
        eventually("the service is ready", Duration::from_secs(60), || async {
            self.readiness().await.filter(|(status, _)| *status == 200)
        })
        .await;
        self
    }

    /// Status and checks of `/health/ready`, once it answers.
    pub async fn readiness(&self) -> Option<(u16, Value)> {
        let answer = self.http.get(format!("{}/health/ready", self.url)).send().await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.ok()?))
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Result<Value, Refused> {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let (status, retry) = (answer.status(), answer.headers().contains_key("retry-after"));
        let body: Value = answer.json().await.unwrap();
        if status.is_success() {
            return Ok(body);
        }
        assert!(status != 503 || retry, "503 without Retry-After: {body}");
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Err(Refused(status.as_u16(), text("code"), text("detail")))
    }

    /// What any agent may do.
    pub async fn list(&self, token: &str) -> Result<(), Refused> {
        self.ask(Method::GET, "/api/v1/tickets?limit=1", token, None).await.map(drop)
    }

    /// What an agent may do: answers the ticket.
    pub async fn open(&self, token: &str, subject: &str) -> Result<Value, Refused> {
        let ticket = json!({ "kind": "consultation", "subject": subject, "channel": "api" });
        self.ask(Method::POST, "/api/v1/tickets", token, Some(ticket)).await
    }

    /// What only an administrator may do.
    pub async fn administer(&self, token: &str) -> Result<(), Refused> {
        let policy = json!({
            "name": { "zh": "限时", "en": "Quick" }, "order": 1, "calendar": "always",
            "first_response_minutes": 10, "resolution_minutes": 20,
        });
        self.ask(Method::PUT, "/api/v1/sla-policies/quick", token, Some(policy)).await.map(drop)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(e) = self.process.kill().and_then(|()| self.process.wait()) {
            eprintln!("the service was not ended: {e}");
        }
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}
