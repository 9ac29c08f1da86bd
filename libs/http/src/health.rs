//! `/health/live`, `/health/ready` and `/metrics`: for the platform, not for callers; outside of
//! rate limits and the OpenAPI documents. Health is everybody's to ask, figures are not: they tell
//! how much is going on, and where.

use std::{future::Future, sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use aws_lc_rs::digest;
use futures::future::{BoxFuture, join_all};
use kernel::{Problem, codes};
use serde_json::json;

use crate::{Drain, auth::bearer_token, messages, metrics};

type Probe = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;
type Gauges = Arc<dyn Fn() + Send + Sync>;

/// A check that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(3);
/// What a scrape waits for them.
const SCRAPE: Duration = Duration::from_secs(1);

/// What must be well for this process to take requests.
#[derive(Clone)]
pub struct Health {
    drain: Drain,
    checks: Vec<(metrics::Check, Probe)>,
    gauges: Vec<Gauges>,
    figures: Figures,
}

/// Who may read `/metrics`.
#[derive(Clone, Default)]
pub struct Figures {
    /// What a scraper must show as a bearer token; without one who asks from this machine.
    pub token: Option<String>,
    /// Whether they have a listener of their own ([`Health::configure_figures`]), and are on no other.
    pub elsewhere: bool,
}

impl Figures {
    /// `alone`: on a listener that exists for them, which only scrapers reach.
    fn check(&self, req: &HttpRequest, alone: bool) -> Result<(), Problem> {
        match &self.token {
            _ if self.elsewhere && !alone => Err(Problem::not_found()),
            Some(token) => {
                let digest = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
                // Of digests, so that the time it takes tells nothing.
                let same = |shown| digest(shown).as_ref() == digest(token).as_ref();
                match bearer_token(req.headers()) {
                    Ok(shown) if same(shown) => Ok(()),
                    _ => Err(Problem::of(&codes::UNAUTHENTICATED)),
                }
            }
            None if alone || is_local(req) => Ok(()),
            None => Err(Problem::of(&codes::FORBIDDEN).detail(messages::figures_elsewhere())),
        }
    }
}

/// Whether a program on this machine asks, and asks itself: a proxy on it speaks for others.
fn is_local(req: &HttpRequest) -> bool {
    let loopback = req.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let forwarded = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    loopback && !forwarded.iter().any(|name| req.headers().contains_key(*name))
}

impl Health {
    #[must_use]
    pub fn new(drain: Drain) -> Self {
        Self { drain, checks: vec![], gauges: vec![], figures: Figures::default() }
    }

    /// Adds a check of one service's; its error text goes to the log, not to the caller.
    #[must_use]
    pub fn check<F, Fut>(mut self, what: &'static str, service: &str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        let name = metrics::Check { service: service.to_owned(), check: what };
        self.checks.push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// Adds something that sets gauges just before they are read.
    #[must_use]
    pub fn gauges(mut self, set: impl Fn() + Send + Sync + 'static) -> Self {
        self.gauges.push(Arc::new(set));
        self
    }

    /// Says who may read the figures.
    #[must_use]
    pub fn figures(mut self, figures: Figures) -> Self {
        self.figures = figures;
        self
    }

    /// Registers the figures alone, for a listener of their own.
    pub fn configure_figures(&self, config: &mut web::ServiceConfig) {
        config
            .app_data(web::Data::new(self.clone()))
            .route("/metrics", web::get().to(figures_alone));
    }

    /// Registers the three endpoints.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        config
            .app_data(web::Data::new(self.clone()))
            .route("/health/live", web::get().to(live))
            .route("/health/ready", web::get().to(ready))
            .route("/metrics", web::get().to(figures_too));
    }

    async fn outcome(&self) -> Vec<(String, bool)> {
        join_all(self.checks.iter().map(|(check, probe)| async move {
            let name = format!("{} {}", check.check, check.service);
            // A task of its own: it is left behind when it hangs, never cancelled in the middle of
            // a database call.
            let answer = tokio::time::timeout(PATIENCE, actix_web::rt::spawn(probe())).await;
            let fault = match answer {
                Ok(Ok(Ok(()))) => {
                    metrics::ready(check, true);
                    return (name, true);
                }
                Ok(Ok(Err(fault))) => fault,
                Ok(Err(panic)) => panic.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            metrics::ready(check, false);
            tracing::warn!(check = %name, %fault, "not ready");
            (name, false)
        }))
        .await
    }
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "live"}))
}

async fn ready(health: web::Data<Health>) -> HttpResponse {
    let checks = health.outcome().await;
    let draining = !health.drain.is_ready();
    let well = !draining && checks.iter().all(|(_, ok)| *ok);
    let status = if draining {
        "draining"
    } else if well {
        "ready"
    } else {
        "not ready"
    };
    let listed: serde_json::Map<_, _> = checks
        .into_iter()
        .map(|(name, ok)| (name, json!(if ok { "ok" } else { "failed" })))
        .collect();
    let mut answer = if well { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.json(json!({"status": status, "checks": listed}))
}

async fn figures_alone(req: HttpRequest, health: web::Data<Health>) -> crate::Result {
    expose(&req, &health, true).await
}

async fn figures_too(req: HttpRequest, health: web::Data<Health>) -> crate::Result {
    expose(&req, &health, false).await
}

/// Asks the checks, so that Prometheus sees them where nobody else probes. One that hangs is told by
/// the next scrape: were it waited for, figures would be missing just when they are wanted.
async fn expose(req: &HttpRequest, health: &web::Data<Health>, alone: bool) -> crate::Result {
    health.figures.check(req, alone)?;
    let asked = health.clone();
    let checks = actix_web::rt::spawn(async move { asked.outcome().await });
    tokio::time::timeout(SCRAPE, checks).await.ok();
    health.gauges.iter().for_each(|set| set());
    let accept = req.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    let (kind, text) = meter::exposition(accept)?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, kind)).body(text))
}

/// Whether a path belongs to the platform.
pub(crate) fn is_operational(path: &str) -> bool {
    path == "/metrics" || path.starts_with("/health/")
}
