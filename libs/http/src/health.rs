//! `/health/live`, `/health/ready` and `/metrics`: for the platform, not for callers; outside of
//! authentication, rate limits and the OpenAPI documents.

use std::{future::Future, sync::Arc, time::Duration};

use actix_web::{HttpResponse, http::header, web};
use futures::future::{BoxFuture, join_all};
use serde_json::json;

use crate::{Drain, exposition};

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A check that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(3);

/// What must be well for this process to take requests.
#[derive(Clone)]
pub struct Health {
    drain: Drain,
    checks: Vec<(String, Check)>,
}

impl Health {
    #[must_use]
    pub fn new(drain: Drain) -> Self {
        Self { drain, checks: vec![] }
    }

    /// Adds a check; its error text goes to the log, not to the caller.
    #[must_use]
    pub fn check<F, Fut>(mut self, name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.checks.push((name.into(), Arc::new(move || Box::pin(check()))));
        self
    }

    /// Registers the three endpoints.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        config
            .app_data(web::Data::new(self.clone()))
            .route("/health/live", web::get().to(live))
            .route("/health/ready", web::get().to(ready))
            .route("/metrics", web::get().to(metrics));
    }

    async fn outcome(&self) -> Vec<(String, bool)> {
        join_all(self.checks.iter().map(|(name, check)| async move {
            // A task of its own: it is left behind when it hangs, never cancelled in the middle of
            // a database call.
            let answer = tokio::time::timeout(PATIENCE, actix_web::rt::spawn(check())).await;
            let fault = match answer {
                Ok(Ok(Ok(()))) => return (name.clone(), true),
                Ok(Ok(Err(fault))) => fault,
                Ok(Err(panic)) => panic.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            tracing::warn!(check = %name, %fault, "not ready");
            (name.clone(), false)
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

async fn metrics() -> crate::Result {
    let text = exposition()?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4"))
        .body(text))
}

/// Whether a path belongs to the platform.
pub(crate) fn is_operational(path: &str) -> bool {
    path == "/metrics" || path.starts_with("/health/")
}
