//! The suite's own commands use the public REST API like anybody else.

use std::{path::PathBuf, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::accounts::{self, Accounts};

/// A logged-in REST client.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// Where and as whom to call.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// Base URL of the API.
    #[arg(long, env = "KEFU_URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Access token; without it, the account `admin` logs in.
    #[arg(long, env = "KEFU_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[command(flatten)]
    pub login: Login,
}

/// With which accounts and where to log in.
#[derive(Debug, Clone, clap::Args)]
pub struct Login {
    /// Data folder whose accounts are used.
    #[arg(long, default_value = "./data")]
    pub data: PathBuf,
    /// File of the accounts, where it stands elsewhere; split mode's scripts name it.
    #[arg(long, env = "KEFU_ACCOUNTS", value_name = "FILE", conflicts_with = "data")]
    pub accounts: Option<PathBuf>,
    /// Base URL of the token issuer, where it is not the API's.
    #[arg(long, env = "KEFU_ISSUER_URL")]
    pub issuer: Option<String>,
}

impl Login {
    /// As the suite itself does: by the accounts of its data folder, at its own address.
    pub fn of_folder(data: PathBuf) -> Self {
        Self { data, accounts: None, issuer: None }
    }

    fn file(&self) -> PathBuf {
        self.accounts.clone().unwrap_or_else(|| self.data.join(accounts::FILE))
    }
}

impl Client {
    /// As `--token` says, else as the account `admin`.
    pub async fn connect(target: &Target) -> Result<Self, String> {
        Self::connect_as(target, "admin").await
    }

    pub async fn connect_as(target: &Target, name: &str) -> Result<Self, String> {
        let token = match &target.token {
            Some(token) => token.clone(),
            None => login(target, name).await?,
        };
        Self::new(&target.url, &token)
    }

    /// Calls the API at `url` with a token that is there.
    pub fn new(url: &str, token: &str) -> Result<Self, String> {
        let base = url.trim_end_matches('/').to_owned();
        Ok(Self { http: http_client()?, base, token: token.to_owned() })
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sends JSON and returns status and JSON; answers 429 and 503, and 409 that say when to come
    /// again, are waited out, for a minute at most.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Result<(StatusCode, Value), String> {
        for attempt in 0.. {
            let mut request = self
                .http
                .request(method.clone(), format!("{}{path}", self.base))
                .bearer_auth(&self.token);
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            if !body.is_null() {
                request = request.json(body);
            }
            let response = match request.send().await {
                Ok(response) => response,
                Err(e) if attempt < 5 && e.is_connect() => {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    continue;
                }
                Err(e) => return Err(format!("{} cannot be reached: {e}", self.base)),
            };
            let status = response.status();
            let not_yet = status == 409 && response.headers().contains_key("retry-after");
            if (not_yet || matches!(status.as_u16(), 429 | 503)) && attempt < 30 {
                let wait = response
                    .headers()
                    .get("retry-after")
                    .and_then(|v| v.to_str().ok()?.parse().ok())
                    .unwrap_or(2);
                tokio::time::sleep(Duration::from_secs(std::cmp::min(wait, 10))).await;
                continue;
            }
            let text = response.text().await.map_err(|e| e.to_string())?;
            return Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))));
        }
        unreachable!("the loop returns")
    }

    pub async fn get(&self, path: &str) -> Result<Value, String> {
        let (status, body) = self.send(Method::GET, path, None, &Value::Null).await?;
        accept(status, body, path)
    }

    pub async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Result<Value, String> {
        let (status, answer) = self.send(Method::POST, path, key, body).await?;
        accept(status, answer, path)
    }

    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, String> {
        let (status, answer) = self.send(Method::PUT, path, None, body).await?;
        accept(status, answer, path)
    }

    /// Makes what has no version yet; what is there stays as it is.
    pub async fn put_new(&self, path: &str, body: &Value) -> Result<(), String> {
        let (status, found) = self.send(Method::GET, path, None, &Value::Null).await?;
        if status != StatusCode::NOT_FOUND {
            return accept(status, found, path).map(drop);
        }
        let request = self.http.put(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let response = request.header("if-match", "\"0\"").json(body).send().await;
        let response = response.map_err(|e| format!("{} cannot be reached: {e}", self.base))?;
        let status = response.status();
        let text = response.text().await.map_err(|e| e.to_string())?;
        accept(status, Value::String(text), path).map(drop)
    }

    /// A public page, as a browser asks for it: without a token, with a form's fields.
    pub async fn page(
        &self,
        method: Method,
        path: &str,
        fields: &[(String, String)],
    ) -> Result<(StatusCode, String), String> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !fields.is_empty() {
            request = request.form(fields);
        }
        let away = |e: reqwest::Error| format!("{} cannot be reached: {e}", self.base);
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        Ok((status, response.text().await.map_err(away)?))
    }
}

fn http_client() -> Result<reqwest::Client, String> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(120)).build();
    client.map_err(|e| e.to_string())
}

pub fn accept(status: StatusCode, body: Value, path: &str) -> Result<Value, String> {
    if status.is_success() { Ok(body) } else { Err(format!("{path} answered {status}: {body}")) }
}

async fn login(target: &Target, name: &str) -> Result<String, String> {
    let file = target.login.file();
    if !file.exists() {
        return Err(format!(
            "there is no {}; give --token, --data with the suite's data folder, or --accounts with split mode's file",
            file.display()
        ));
    }
    let accounts = Accounts::read(&file)?;
    let user = accounts.user(name).ok_or_else(|| {
        format!("there is no account {name}; one of: {}", accounts.names().join(", "))
    })?;
    let form = [("grant_type", "password"), ("username", name), ("password", &user.password)];
    let issuer = target.login.issuer.as_deref().unwrap_or(&target.url);
    let url = format!("{}/oauth2/token", issuer.trim_end_matches('/'));
    token_of(http_client()?.post(&url).form(&form), &url).await
}

/// A token by the client credentials grant of any OAuth2 provider.
pub async fn client_credentials(
    url: &str,
    id: &str,
    secret: &str,
    scope: Option<&str>,
) -> Result<String, String> {
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(scope.map(|scope| ("scope", scope)));
    let request = http_client()?.post(url).basic_auth(id, Some(secret)).form(&form);
    token_of(request, url).await
}

async fn token_of(request: reqwest::RequestBuilder, url: &str) -> Result<String, String> {
    let response =
        request.send().await.map_err(|e| format!("{url} cannot be reached: {e}; does it run?"))?;
    let status = response.status();
    let body: Value = response.json().await.map_err(|e| format!("{url} answered {status}: {e}"))?;
    let token = body["access_token"].as_str().map(str::to_owned);
    token.ok_or_else(|| format!("{url} gave no token ({status}): {body}"))
}
