//! A REST caller with one identity and, for a journey, one trace.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::stack::Urls;

/// Acts as one user or partner system.
#[derive(Debug, Clone)]
pub struct Caller {
    http: reqwest::Client,
    urls: Urls,
    token: Option<String>,
    traceparent: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub text: String,
    pub etag: Option<String>,
    pub content_type: String,
    pub replayed: bool,
}

impl Answer {
    /// The body, if the status is `expected`.
    #[track_caller]
    pub fn expect(self, expected: u16) -> Value {
        assert_eq!(self.status, expected, "{}", self.text);
        self.body
    }

    /// The problem's stable code, if this is a problem with status `expected`.
    #[track_caller]
    #[must_use]
    pub fn problem(&self, expected: u16) -> &str {
        assert_eq!(self.status, expected, "{}", self.text);
        assert_eq!(self.content_type, "application/problem+json", "{}", self.text);
        self.body["code"].as_str().unwrap_or_else(|| panic!("no code in {}", self.text))
    }
}

/// How long unused connections are kept: `KEFU_TEST_IDLE_SECS`, for servers that keep them shorter
/// than ours do, or 90 s.
fn idle() -> Duration {
    let secs = std::env::var("KEFU_TEST_IDLE_SECS").ok();
    Duration::from_secs(secs.map_or(90, |text| text.parse().expect("KEFU_TEST_IDLE_SECS")))
}

impl Caller {
    #[must_use]
    pub fn anonymous(urls: &Urls) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .pool_idle_timeout(idle())
            .build()
            .expect("client");
        Self { http, urls: urls.clone(), token: None, traceparent: None }
    }

    /// Logs in as a member of staff (password grant of the built-in issuer).
    pub async fn user(urls: &Urls, name: &str, password: &str) -> Self {
        Self::login(urls, &[("grant_type", "password"), ("username", name), ("password", password)])
            .await
    }

    /// Logs in as a partner system (client credentials).
    pub async fn client(urls: &Urls, id: &str, secret: &str) -> Self {
        Self::login(
            urls,
            &[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)],
        )
        .await
    }

    async fn login(urls: &Urls, form: &[(&str, &str)]) -> Self {
        let mut caller = Self::anonymous(urls);
        let answer = caller
            .http
            .post(format!("{}/oauth2/token", urls.issuer))
            .form(form)
            .send()
            .await
            .expect("issuer");
        let status = answer.status();
        let body: Value = answer.json().await.expect("token response");
        assert!(status.is_success(), "login failed: {body}");
        caller.token = body["access_token"].as_str().map(str::to_owned);
        caller
    }

    /// The same caller, with every request in the given trace.
    #[must_use]
    pub fn in_trace(&self, traceparent: &str) -> Self {
        Self { traceparent: Some(traceparent.to_owned()), ..self.clone() }
    }

    #[must_use]
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, self.urls.of(path));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(traceparent) = &self.traceparent {
            request = request.header("traceparent", traceparent);
        }
        request
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.expect("the server answers")
    }

    /// Like [`Self::send`], for servers that may be dead at the moment.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = request.send().await?;
        let header = |name: &str| {
            response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
        };
        let (etag, content_type) = (header("etag"), header("content-type").unwrap_or_default());
        let replayed = header("idempotency-replayed").is_some();
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status, body, text, etag, content_type, replayed })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// PUT or PATCH with the version that a GET just told.
    pub async fn change(&self, method: Method, path: &str, body: Value) -> Answer {
        let etag = self.get(path).await.etag.unwrap_or_default();
        self.send(self.request(method, path).header("if-match", etag).json(&body)).await
    }

    /// POST that is safe to repeat.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).header("idempotency-key", key).json(body)).await
    }

    /// All items of a list, page by page.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let mut items = vec![];
        let mut cursor: Option<String> = None;
        loop {
            let join = if path.contains('?') { '&' } else { '?' };
            let next = cursor.map(|c| format!("&cursor={c}")).unwrap_or_default();
            let mut page = self.get(&format!("{path}{join}limit=200{next}")).await.expect(200);
            items.extend(page["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return items;
            }
        }
    }
}

/// A fresh W3C trace parent.
#[must_use]
pub fn new_trace() -> String {
    let id: [u8; 16] = rand::random();
    let span: [u8; 8] = rand::random();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    format!("00-{}-{}-01", hex(&id), hex(&span))
}

/// `null` fields left out, for comparing only what is told.
#[must_use]
pub fn pick(value: &Value, fields: &[&str]) -> Value {
    fields
        .iter()
        .map(|f| ((*f).to_owned(), value[*f].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[must_use]
pub fn empty() -> Value {
    json!({})
}
