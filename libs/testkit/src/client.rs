//! A caller of the service under test.

use std::sync::Arc;

use reqwest::{Method, header::HeaderMap};
use serde::Serialize;
use serde_json::Value;

use crate::documented::Documented;

/// Calls with one token, or none.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    http: reqwest::Client,
    documented: Option<Arc<Documented>>,
}

impl Client {
    /// `base`: URL without a trailing slash.
    #[must_use]
    pub fn new(base: &str, token: Option<String>) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client without TLS settings can be made");
        Self { base: base.to_owned(), token, http, documented: None }
    }

    /// Holds answers against a document: one that it does not list fails the test.
    #[must_use]
    pub(crate) fn held_against(mut self, documented: Arc<Documented>) -> Self {
        self.documented = Some(documented);
        self
    }

    /// The bearer token, for what needs it by itself.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }
    pub fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }
    pub fn patch(&self, path: &str) -> Call {
        self.call(Method::PATCH, path)
    }
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// `path` starts with a slash and may carry a query; a full URL is taken as it is.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let what = format!("{method} {path}");
        let request = self.http.request(method, url);
        Call {
            request: match &self.token {
                Some(token) => request.bearer_auth(token),
                None => request,
            },
            what,
            documented: self.documented.clone(),
        }
    }
}

/// A request being put together.
#[derive(Debug)]
#[must_use = "send() it"]
pub struct Call {
    request: reqwest::RequestBuilder,
    what: String,
    documented: Option<Arc<Documented>>,
}

impl Call {
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.request = self.request.json(body);
        self
    }
    /// A body as it is, e.g. a CSV file or broken JSON.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.request = self.request.header("content-type", content_type).body(body.into());
        self
    }
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.request = self.request.header(name, value.to_string());
        self
    }
    /// `If-Match` with the given version.
    pub fn if_match(self, version: i64) -> Self {
        self.header("if-match", format!("\"{version}\""))
    }
    pub fn query(mut self, query: &impl Serialize) -> Self {
        self.request = self.request.query(query);
        self
    }

    /// # Panics
    /// When there is no answer at all.
    pub async fn send(self) -> Reply {
        let what = self.what.clone();
        self.try_send().await.unwrap_or_else(|e| panic!("{what}: {e}"))
    }

    /// The answer, or why there is none.
    ///
    /// # Panics
    /// When the operation's document does not list the status.
    pub async fn try_send(self) -> Result<Reply, reqwest::Error> {
        let response = self.request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        if let (Some(documented), Some((method, path))) =
            (&self.documented, self.what.split_once(' '))
            && let Some(fault) = documented.fault(method, path, status)
        {
            panic!("{} {fault}: {text}", self.what);
        }
        Ok(Reply { status, headers, body, text, what: self.what })
    }

    /// The status, and the text of a refusal; a good answer may be an endless stream.
    pub(crate) async fn status_and_text(self) -> (u16, String) {
        let response = self.request.send().await.unwrap_or_else(|e| panic!("{}: {e}", self.what));
        let status = response.status().as_u16();
        let text =
            if status < 400 { String::new() } else { response.text().await.unwrap_or_default() };
        (status, text)
    }

    /// The status alone; the body, which may be an endless stream, is not read.
    pub(crate) async fn status_only(self) -> u16 {
        let response = self.request.send().await.unwrap_or_else(|e| panic!("{}: {e}", self.what));
        response.status().as_u16()
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    /// The body as JSON; `null` when it is none.
    pub body: Value,
    pub text: String,
    what: String,
}

impl Reply {
    /// # Panics
    /// When the status is another one.
    #[track_caller]
    #[must_use = "or write expect(…).done()"]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} was answered {}", self.what, self.text);
        self
    }

    /// Ends a chain whose answer is of no further interest.
    pub fn done(self) {}

    /// # Panics
    /// When the answer is not problem+json with this status and code.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.problem_code(), code, "{} was answered {}", reply.what, reply.text);
        reply
    }

    /// Stable code of a problem+json answer.
    ///
    /// # Panics
    /// When the answer is none.
    #[track_caller]
    #[must_use]
    pub fn problem_code(&self) -> &str {
        let kind = self.header("content-type").unwrap_or_default();
        assert!(
            kind.starts_with("application/problem+json"),
            "{} was answered {kind}: {}",
            self.what,
            self.text
        );
        self.body["code"]
            .as_str()
            .unwrap_or_else(|| panic!("{} was answered without a code: {}", self.what, self.text))
    }

    /// JSON pointers of the fields that a problem complains of.
    #[must_use]
    pub fn problem_pointers(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|e| e["pointer"].as_str()).collect()
    }

    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// Version in the `ETag`.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    #[must_use]
    pub fn version(&self) -> i64 {
        let tag = self
            .header("etag")
            .unwrap_or_else(|| panic!("{} was answered without ETag", self.what));
        tag.trim_matches('"')
            .parse()
            .unwrap_or_else(|_| panic!("{} was answered with the ETag {tag}", self.what))
    }

    /// `id` of the answered resource.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    #[must_use]
    pub fn id(&self) -> uuid::Uuid {
        let id = self.body["id"].as_str().and_then(|id| id.parse().ok());
        id.unwrap_or_else(|| panic!("{} was answered without an id: {}", self.what, self.text))
    }
}
