//! One service alone, with its own issuer: `kefu-ticketing` on a database that is there already.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    error,
    http::Connection,
    watch::{self, Watched},
};

pub struct Server {
    pub url: String,
    pub token: String,
    service: Ended,
    _issuer: Ended,
    dir: TempDir,
}

/// A process that is asked to end, and waited for, when this is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        if !asked.is_ok_and(|s| s.success()) || self.0.wait().is_err() {
            eprintln!("process {} did not end by itself", self.0.id());
        }
    }
}

/// A free port of this machine, as a URL.
fn free_url() -> Result<String, String> {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(error)?;
    Ok(format!("http://{address}"))
}

fn spawn(command: &mut Command, log: &Path) -> Result<Ended, String> {
    let log = fs::File::create(log).map_err(error)?;
    let child = command.stdin(Stdio::null()).stdout(log.try_clone().map_err(error)?).stderr(log);
    child.spawn().map(Ended).map_err(error)
}

impl Server {
    pub async fn ticketing(database: &str) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(error)?;
        let (issuer, url) = (free_url()?, free_url()?);
        let mut command = Command::new(kefu_tests::binary("kefu"));
        command.arg("issuer").arg("--data").arg(dir.path().join("issuer"));
        command.args(["--listen", issuer.trim_start_matches("http://")]);
        let issuing = spawn(&mut command, &dir.path().join("issuer.log"))?;
        let jwks = format!("{issuer}/oauth2/jwks");
        answers(&issuer, "/oauth2/jwks", &dir.path().join("issuer.log")).await?;
        let mut command = Command::new(kefu_tests::binary("kefu-ticketing"));
        command
            .arg("serve")
            .env("KEFU__HTTP__LISTEN", url.trim_start_matches("http://"))
            .env("KEFU__HTTP__RATE_PER_SECOND", "0")
            .env("KEFU__DATA__DIR", dir.path().join("data"))
            .env("KEFU__DATABASE__URL", database)
            .env("KEFU__DATABASE__AUTO_MIGRATE", "true")
            .env("KEFU__AUTH__MODE", "oidc")
            .env("KEFU__AUTH__ISSUER", &issuer)
            .env("KEFU__AUTH__JWKS_URL", jwks)
            // Nothing personal is in the made tickets.
            .env("KEFU__PII__ACTIVE", "bench")
            .env("KEFU__PII__KEYS__BENCH", "0b".repeat(32))
            .env("KEFU__PII__INDEX_KEY", "0c".repeat(32));
        let service = spawn(&mut command, &dir.path().join("log"))?;
        answers(&url, "/health/ready", &dir.path().join("log")).await?;
        let token = token(&issuer, &dir.path().join("issuer/accounts.json")).await?;
        Ok(Self { url, token, service, _issuer: issuing, dir })
    }

    pub fn watched(&self, name: &str) -> Watched {
        watch::process(name, self.service.0.id())
    }

    pub fn connection(&self) -> Connection {
        Connection::new(&self.url, &self.token)
    }

    /// What the service has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

async fn answers(url: &str, path: &str, log: &Path) -> Result<(), String> {
    let begun = Instant::now();
    let mut connection = Connection::new(url, "");
    while !connection.get(path).await.is_ok_and(|r| r.status == 200) {
        if begun.elapsed() > Duration::from_secs(60) {
            let log = fs::read_to_string(log).unwrap_or_default();
            return Err(format!("{url}{path} does not answer:\n{log}"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// A token of the issuer's administrator.
async fn token(issuer: &str, accounts: &Path) -> Result<String, String> {
    let text = fs::read_to_string(accounts).map_err(|e| format!("{}: {e}", accounts.display()))?;
    let accounts: Value = serde_json::from_str(&text).map_err(error)?;
    let users = accounts["users"].as_array().cloned().unwrap_or_default();
    let admin = users.iter().find(|u| u["name"] == "admin").ok_or("there is no admin")?;
    let form = [
        ("grant_type", "password"),
        ("username", "admin"),
        ("password", admin["password"].as_str().unwrap_or_default()),
    ];
    let url = format!("{issuer}/oauth2/token");
    let answer = reqwest::Client::new().post(url).form(&form).send().await.map_err(error)?;
    let body: Value = answer.json().await.map_err(error)?;
    let token = body["access_token"].as_str().ok_or_else(|| format!("no token: {body}"))?;
    Ok(token.to_owned())
}
