//! Callers as partners' systems and browsers are: they repeat what got no answer with the same
//! key, at whichever replica a balancer gives them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rand::Rng;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::ledger::Ledger;
use crate::{
    api::Caller,
    cluster::Cluster,
    stack::{SERVICES, Urls},
};

/// Nothing the harness does keeps a service away longer than this.
pub const PATIENCE: Duration = Duration::from_secs(300);
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often what was answered.
#[derive(Debug, Default)]
pub struct Tally {
    pub ok: AtomicU64,
    /// 503 and 429.
    pub busy: AtomicU64,
    /// Requests that had to be repeated at least once.
    pub repeated: AtomicU64,
    /// No answer at all.
    pub lost: AtomicU64,
    /// 500 and other answers that no fault excuses.
    pub failed: AtomicU64,
}

/// A moment of a [`Tally`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    pub ok: u64,
    pub busy: u64,
    pub repeated: u64,
    pub lost: u64,
    pub failed: u64,
}

impl Tally {
    #[must_use]
    pub fn now(&self) -> Count {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Count {
            ok: of(&self.ok),
            busy: of(&self.busy),
            repeated: of(&self.repeated),
            lost: of(&self.lost),
            failed: of(&self.failed),
        }
    }
}

impl std::ops::Sub for Count {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            ok: self.ok - before.ok,
            busy: self.busy - before.busy,
            repeated: self.repeated - before.repeated,
            lost: self.lost - before.lost,
            failed: self.failed - before.failed,
        }
    }
}

/// Which replica of which service is ready, as a load balancer knows it.
#[derive(Debug)]
pub struct Balancer {
    urls: Vec<Urls>,
    ready: Vec<Vec<AtomicBool>>,
    /// While true, an answer other than 2xx or 503 with `Retry-After` is a broken promise.
    strict: AtomicBool,
}

impl Balancer {
    #[must_use]
    pub fn new(cluster: &Cluster, replicas: usize) -> Self {
        let urls: Vec<Urls> = (0..replicas).map(|n| cluster.urls(n).clone()).collect();
        let ready = urls.iter().map(|_| SERVICES.map(|_| AtomicBool::new(true)).into()).collect();
        Self { urls, ready, strict: AtomicBool::new(false) }
    }

    pub fn be_strict(&self, strict: bool) {
        self.strict.store(strict, Ordering::SeqCst);
    }

    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.strict.load(Ordering::SeqCst)
    }

    /// A replica for the next request; any where none is ready.
    fn pick(&self, service: &str) -> usize {
        let index = SERVICES.iter().position(|s| *s == service).unwrap_or(0);
        let ready: Vec<usize> = (0..self.ready.len())
            .filter(|n| self.ready[*n][index].load(Ordering::Relaxed))
            .collect();
        match ready.len() {
            0 => rand::rng().random_range(0..self.ready.len()),
            n => ready[rand::rng().random_range(0..n)],
        }
    }

    /// Asks every replica whether it is ready, again and again.
    pub async fn watch(self: Arc<Self>) {
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(2)).build().expect("client");
        loop {
            let rounds = self.urls.iter().zip(&self.ready).flat_map(|(urls, ready)| {
                let http = &http;
                SERVICES.iter().zip(ready).map(move |(service, ready)| async move {
                    let url = format!("{}/health/ready", urls.service(service));
                    let answer = http.get(url).send().await;
                    ready.store(answer.is_ok_and(|a| a.status().is_success()), Ordering::Relaxed);
                })
            });
            futures::future::join_all(rounds).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// One identity at all replicas.
#[derive(Debug, Clone)]
pub struct Client {
    callers: Vec<Caller>,
    balancer: Arc<Balancer>,
    tally: Arc<Tally>,
    ledger: Arc<Ledger>,
}

/// How a request ended that was repeated as often as needed.
#[derive(Debug)]
pub struct Settled {
    pub status: u16,
    pub body: Value,
    pub text: String,
    /// An earlier try got no answer or 503: it may have been carried out.
    pub uncertain: bool,
}

impl Settled {
    #[must_use]
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it was carried out: answered so, or refused as already done after an uncertain try.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_ok() || (self.uncertain && matches!(self.status, 409 | 410))
    }

    #[must_use]
    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_default().to_owned()
    }
}

impl Client {
    pub async fn login(
        cluster: &Cluster,
        name: &str,
        balancer: &Arc<Balancer>,
        tally: &Arc<Tally>,
        ledger: &Arc<Ledger>,
    ) -> Self {
        let mut callers = vec![];
        for replica in 0..balancer.urls.len() {
            callers.push(cluster.user(name, replica).await);
        }
        Self { callers, balancer: balancer.clone(), tally: tally.clone(), ledger: ledger.clone() }
    }

    pub async fn get(&self, path: &str) -> Settled {
        self.insist(Method::GET, path, None, None).await
    }

    pub async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Settled {
        self.insist(Method::POST, path, key, Some(body)).await
    }

    /// Sends until there is an answer that settles the request.
    async fn insist(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Settled {
        let begun = Instant::now();
        let service = service_of(&self.balancer.urls[0], path);
        let (mut uncertain, mut tries) = (false, 0);
        loop {
            let caller = &self.callers[self.balancer.pick(&service)];
            let mut request = caller.request(method.clone(), path).timeout(TIMEOUT);
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            tries += 1;
            match request.send().await {
                Ok(answer) => {
                    let status = answer.status();
                    let comes_again = answer.headers().contains_key("retry-after");
                    let Ok(text) = answer.text().await else {
                        uncertain = true;
                        self.lost(&service, path, "the answer broke off");
                        continue;
                    };
                    let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
                    if !passing(status, &body) {
                        if tries > 1 {
                            self.tally.repeated.fetch_add(1, Ordering::Relaxed);
                        }
                        self.count(status, &method, path, &text);
                        // A key makes the answer come again; without one the effect itself is met.
                        let uncertain = uncertain && key.is_none();
                        return Settled { status: status.as_u16(), body, text, uncertain };
                    }
                    uncertain |= status.is_server_error();
                    self.tally.busy.fetch_add(1, Ordering::Relaxed);
                    if status == StatusCode::SERVICE_UNAVAILABLE && !comes_again {
                        self.ledger
                            .complain(format!("503 without Retry-After: {method} {path}: {text}"));
                    }
                }
                Err(error) => {
                    uncertain = true;
                    self.lost(&service, path, &format!("{error:?}"));
                }
            }
            if begun.elapsed() > PATIENCE {
                self.ledger.complain(format!("{method} {path}: no answer within {PATIENCE:?}"));
                return Settled { status: 0, body: Value::Null, text: String::new(), uncertain };
            }
            let pause = (50 * tries).min(1_000) + rand::rng().random_range(0..100);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    fn lost(&self, service: &str, path: &str, why: &str) {
        self.tally.lost.fetch_add(1, Ordering::Relaxed);
        if self.balancer.is_strict() {
            self.ledger.complain(format!("rolling restart: {path} of {service} failed: {why}"));
        }
    }

    fn count(&self, status: StatusCode, method: &Method, path: &str, text: &str) {
        if status.is_server_error() || status == StatusCode::UNAUTHORIZED {
            self.tally.failed.fetch_add(1, Ordering::Relaxed);
            self.ledger.complain(format!("{method} {path} was answered {status}: {text}"));
        } else {
            self.tally.ok.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Answers after which the same request is to be sent again.
fn passing(status: StatusCode, body: &Value) -> bool {
    matches!(status.as_u16(), 429 | 503) || body["code"] == "request-in-flight"
}

/// Who answers a path.
fn service_of(urls: &Urls, path: &str) -> String {
    let url = urls.of(path);
    let owner = SERVICES.iter().find(|s| url.starts_with(&format!("{}/", urls.service(s))));
    owner.map_or_else(|| "ticketing".to_owned(), |s| (*s).to_owned())
}
