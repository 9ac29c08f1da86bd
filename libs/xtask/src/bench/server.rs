//! One service alone, with its own issuer, on a database that is there already.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
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
    name: &'static str,
    database: String,
    issuer: String,
    service: Ended,
    _issuer: Ended,
    dir: TempDir,
}

/// A program of this version, or of the one in `KEFU_BENCH_BINARIES`.
pub fn binary(name: &str) -> PathBuf {
    let other = std::env::var_os("KEFU_BENCH_BINARIES").map(PathBuf::from);
    other.map_or_else(|| kefu_tests::binary(name), |folder| folder.join(name))
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
        Self::of("ticketing", database).await
    }

    /// `name` is the service's.
    pub async fn of(name: &'static str, database: &str) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(error)?;
        let (issuer, url) = (free_url()?, free_url()?);
        let mut command = Command::new(binary("kefu"));
        command.arg("issuer").arg("--data").arg(dir.path().join("issuer"));
        command.args(["--listen", issuer.trim_start_matches("http://")]);
        let issuing = spawn(&mut command, &dir.path().join("issuer.log"))?;
        answers(&issuer, "/oauth2/jwks", &dir.path().join("issuer.log")).await?;
        let service = serve(name, database, (&issuer, &url), dir.path())?;
        answers(&url, "/health/ready", &dir.path().join("log")).await?;
        let token = token(&issuer, &dir.path().join("issuer/accounts.json")).await?;
        let database = database.to_owned();
        Ok(Self { url, token, name, database, issuer, service, _issuer: issuing, dir })
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> Result<(), String> {
        self.service.0.kill().and_then(|()| self.service.0.wait()).map_err(error).map(drop)
    }

    /// Starts again what was killed, at the same address.
    pub async fn restart(&mut self) -> Result<(), String> {
        let addresses = (self.issuer.as_str(), self.url.as_str());
        let new = serve(self.name, &self.database, addresses, self.dir.path())?;
        // The one that was killed is not asked to end.
        std::mem::forget(std::mem::replace(&mut self.service, new));
        answers(&self.url, "/health/ready", &self.dir.path().join("log")).await
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

fn serve(
    name: &str,
    database: &str,
    (issuer, url): (&str, &str),
    dir: &Path,
) -> Result<Ended, String> {
    let mut command = Command::new(binary(&format!("kefu-{name}")));
    command
        .arg("serve")
        .env("KEFU__HTTP__LISTEN", url.trim_start_matches("http://"))
        .env("KEFU__HTTP__RATE_PER_SECOND", "0")
        .env("KEFU__DATA__DIR", dir.join("data"))
        .env("KEFU__DATABASE__URL", database)
        .env("KEFU__DATABASE__AUTO_MIGRATE", "true")
        .env("KEFU__AUTH__MODE", "oidc")
        .env("KEFU__AUTH__ISSUER", issuer)
        .env("KEFU__AUTH__JWKS_URL", format!("{issuer}/oauth2/jwks"))
        // Nothing personal is in what is made.
        .env("KEFU__PII__ACTIVE", "bench")
        .env("KEFU__PII__KEYS__BENCH", "0b".repeat(32))
        .env("KEFU__PII__INDEX_KEY", "0c".repeat(32));
    spawn(&mut command, &dir.join("log"))
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
