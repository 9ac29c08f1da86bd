//! Commands that speak to a running process.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use super::{Common, Options, settings};
use crate::{Error, Module};

/// Where a running process is and with what token to come.
#[derive(Debug, Clone, Args)]
pub struct Remote {
    /// Base URL of the running process.
    #[arg(long, env = "KEFU_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub url: String,
    /// Access token; better given by the environment than in the list of processes.
    #[arg(long, env = "KEFU_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
}

impl Remote {
    /// Calls the API and answers its JSON; a refusal becomes an error in the API's words.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let client = client(Duration::from_secs(60))?;
        let mut request = client.request(method, &url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let doing = || format!("calling {url}");
        let response = request.send().await.map_err(|e| Error::other(doing(), e))?;
        let status = response.status();
        let text = response.text().await.map_err(|e| Error::other(doing(), e))?;
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() {
            Ok(answer)
        } else {
            Err(Error::other(doing(), refusal(status.as_u16(), &answer)))
        }
    }
}

fn refusal(status: u16, problem: &Value) -> String {
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let hint = if status == 401 { " (give a token with --token or KEFU_TOKEN)" } else { "" };
    format!("answered {status} {}: {} {}{hint}", text("code"), text("title"), text("detail"))
}

fn client(timeout: Duration) -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .timeout(timeout)
        .build()
        .map_err(|e| Error::other("making an HTTP client", e))
}

#[derive(Debug, Args)]
pub struct DeadLetters {
    #[command(flatten)]
    remote: Remote,
    /// Which service; needed when there are several.
    #[arg(long, global = true)]
    service: Option<String>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One line per dead letter.
    List,
    /// Everything known about one.
    Show { id: Uuid },
    /// Hands one, or all, to the service again.
    Redrive {
        #[arg(required_unless_present = "all")]
        id: Option<Uuid>,
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

pub(super) fn dead_letters(command: DeadLetters, modules: &[Module]) -> Result<(), Error> {
    let service = match (&command.service, modules) {
        (Some(name), _) => name.clone(),
        (None, [only]) => only.name.to_owned(),
        (None, _) => {
            return Err(Error::setting(
                "--service",
                "must name the service, for there are several",
            ));
        }
    };
    block_on(async {
        let base = format!("/api/v1/{service}/dead-letters");
        match command.what {
            What::List => list(&command.remote, &base).await,
            What::Show { id } => {
                let letter =
                    command.remote.call(Method::GET, &format!("{base}/{id}"), None).await?;
                println!("{letter:#}");
                Ok(())
            }
            What::Redrive { id, .. } => {
                let path = id
                    .map_or_else(|| format!("{base}/redrive"), |id| format!("{base}/{id}/redrive"));
                let done = command.remote.call(Method::POST, &path, None).await?;
                println!("{} handed to {service} again", done["redriven"]);
                Ok(())
            }
        }
    })
}

async fn list(remote: &Remote, base: &str) -> Result<(), Error> {
    let mut cursor = String::new();
    loop {
        let page = remote.call(Method::GET, &format!("{base}?limit=200{cursor}"), None).await?;
        for letter in page["items"].as_array().into_iter().flatten() {
            let text = |name: &str| letter[name].as_str().unwrap_or_default().to_owned();
            println!("{}  {}  {}  {}", text("id"), text("created_at"), text("type"), text("error"));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(()),
        }
    }
}

pub(super) fn healthcheck(
    modules: &[Module],
    common: &Common,
    options: &Options,
    url: Option<String>,
) -> Result<(), Error> {
    let url = match url {
        Some(url) => url,
        None => format!("http://{}", reachable(&settings(modules, common, options)?.http.listen)?),
    };
    block_on(async {
        let doing = || format!("asking {url}");
        let answer = client(Duration::from_secs(3))?
            .get(format!("{}/health/ready", url.trim_end_matches('/')))
            .send()
            .await
            .map_err(|e| Error::other(doing(), e))?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(Error::other(doing(), format!("not ready ({status})")))
        }
    })
}

/// The listening address as one to call: 0.0.0.0 is everywhere, so also here.
fn reachable(listen: &str) -> Result<SocketAddr, Error> {
    let mut found =
        listen.to_socket_addrs().map_err(|e| Error::setting("http.listen", e.to_string()))?;
    let mut address =
        found.next().ok_or_else(|| Error::setting("http.listen", "names no address"))?;
    if address.ip().is_unspecified() {
        let local = if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        };
        address.set_ip(local);
    }
    Ok(address)
}

fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Error::other("starting", e))?.block_on(work)
}
