//! The HTTP server: all modules behind one listener, with documents, health and metrics.

use std::{collections::HashMap, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::ServerHandle,
    middleware::from_fn,
    web::{self, Bytes, Data},
};
use kernel::{Clock, Problem};
use store::Pii;
use tokio::{task::JoinHandle, time::Instant};
use utoipa::openapi::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config, SwaggerUi, Url};

use super::{Configure, Service, auth::Prepared, backbone::Backbones};
use crate::{Error, Job, Module, Settings, dead_letters, openapi};

/// Everything that is served.
pub(super) struct Plan<'a> {
    pub settings: &'a Settings,
    pub modules: &'a [Module],
    pub services: &'a [Service],
    pub backbones: &'a Backbones,
    pub states: Vec<Configure>,
    pub extra: Option<Configure>,
    pub auth: Prepared,
    pub drain: http::Drain,
    pub clock: Arc<dyn Clock>,
    pub pii: Pii,
}

pub(super) struct Server {
    handle: ServerHandle,
    task: Option<JoinHandle<std::io::Result<()>>>,
    /// The listener for figures, if they have their own.
    figures: Option<ServerHandle>,
}

impl Server {
    /// Lets requests end until `end`, then cuts them off.
    pub(super) async fn stop(&mut self, end: Instant) {
        if let Some(figures) = self.figures.take() {
            figures.stop(false).await;
        }
        let graceful = tokio::time::timeout_at(end, self.handle.stop(true)).await;
        if graceful.is_err() {
            tracing::warn!("requests were cut off at the end of the grace time");
            self.handle.stop(false).await;
        }
        if let Some(task) = self.task.take() {
            match task.await {
                Ok(Ok(())) => {}
                Ok(Err(e)) => tracing::warn!(error = %e, "the HTTP server did not end in order"),
                Err(e) => tracing::warn!(error = %e, "the HTTP server did not end in order"),
            }
        }
    }

    /// Ends at once.
    pub(super) fn kill(&mut self) {
        if self.task.is_some() {
            // The order to stop is sent by the call; nobody is left to wait for the outcome.
            drop(self.handle.stop(false));
        }
        if let Some(figures) = self.figures.take() {
            drop(figures.stop(false));
        }
    }
}

/// Starts serving on threads of its own.
pub(super) fn start(
    plan: Plan<'_>,
    listener: TcpListener,
    figures: Option<TcpListener>,
) -> Result<Server, Error> {
    let mut documents: Vec<(&'static str, OpenApi)> =
        plan.modules.iter().map(|m| (m.name, openapi::openapi(m))).collect();
    if plan.auth.issuer.is_some() {
        documents.push(("issuer", http::issuer::openapi()));
    }
    let documents_served = served(&documents)?;
    let names: Vec<&'static str> = documents.iter().map(|(name, _)| *name).collect();
    let table = Data::new(http::RouteTable::of(documents.iter().map(|(_, api)| api)));
    let settings = &plan.settings.http;
    let limits = http::RateLimits::new(http::RateSettings {
        per_second: settings.rate_per_second,
        burst: settings.rate_burst,
        trust_forwarded: settings.trust_forwarded,
        forwarded_hops: settings.forwarded_hops,
    });
    let edge = Data::new(http::Edge {
        authenticator: plan.auth.authenticator.clone(),
        limits,
        drain: plan.drain.clone(),
        service_of: service_of(&documents),
    });
    let health = health(&plan).figures(http::Figures {
        token: Some(plan.settings.metrics.token.clone()).filter(|token| !token.is_empty()),
        elsewhere: figures.is_some(),
    });
    let figures = figures.map(|listener| serve_figures(health.clone(), listener)).transpose()?;
    let letters = Data::new(dead_letters::Letters::new(plan.services, &plan.clock));
    let (body_limit, clock, pii) = (settings.body_limit, plan.clock, plan.pii);
    let patience = http::BodyPatience {
        limit: Duration::from_secs(settings.body_timeout_secs),
        bytes_per_sec: settings.body_bytes_per_sec,
    };
    let issuer = plan.auth.issuer.map(Data::from);
    let (states, extra) = (plan.states, plan.extra);
    let modules = plan.modules.to_vec();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(edge.clone())
            .app_data(table.clone())
            .app_data(letters.clone())
            .app_data(http::BodyLimit(body_limit))
            .app_data(patience)
            .app_data(http::RequestClock(clock.clone()))
            .app_data(http::SealReplies(pii.clone()))
            .configure(|config| {
                dead_letters::routes(config);
                for (module, state) in modules.iter().zip(&states) {
                    state(config);
                    (module.routes)(&mut ServiceConfig::new(config));
                }
                if let Some(issuer) = &issuer {
                    config.app_data(issuer.clone());
                    http::issuer::routes(&mut ServiceConfig::new(config));
                }
                if let Some(extra) = &extra {
                    extra(config);
                }
                health.configure(config);
                documents_served.configure(config, &names);
            })
            .default_service(http::default_service())
            .wrap(from_fn(http::edge))
    });
    let server = server
        .workers(settings.workers)
        .keep_alive(Duration::from_secs(settings.keep_alive_secs))
        .shutdown_timeout(3600)
        .disable_signals()
        .listen(listener)
        .map_err(|e| Error::other("starting the HTTP server", e))?
        .run();
    let handle = server.handle();
    Ok(Server { handle, task: Some(tokio::spawn(server)), figures })
}

/// Serves `/metrics` alone.
fn serve_figures(health: http::Health, listener: TcpListener) -> Result<ServerHandle, Error> {
    let server = HttpServer::new(move || {
        App::new()
            .configure(|config| health.configure_figures(config))
            .default_service(http::default_service())
    });
    let server = server
        .workers(1)
        .disable_signals()
        .listen(listener)
        .map_err(|e| Error::other("starting the server of /metrics", e))?
        .run();
    let handle = server.handle();
    tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::warn!(%error, "the server of /metrics did not end in order");
        }
    });
    Ok(handle)
}

/// Route template → service; templates of no service belong to the host.
fn service_of(
    documents: &[(&'static str, OpenApi)],
) -> Arc<dyn Fn(&str) -> &'static str + Send + Sync> {
    let mut by_route: HashMap<String, &'static str> = HashMap::new();
    for (name, api) in documents {
        by_route.extend(api.paths.paths.keys().map(|path| (path.clone(), *name)));
    }
    Arc::new(move |route| by_route.get(route).copied().unwrap_or("host"))
}

fn health(plan: &Plan<'_>) -> http::Health {
    let mut health = http::Health::new(plan.drain.clone());
    for service in plan.services {
        let db = service.db.clone();
        health = health.check("database", service.name, move || {
            let db = db.clone();
            async move { db.ping().await.map_err(|e| e.to_string()) }
        });
        let db = service.db.clone();
        health = health.gauges(move || db.measure());
    }
    for (service, backbone) in plan.services.iter().zip(plan.backbones.each()) {
        let backbone = backbone.clone();
        health = health.check("events", service.name, move || std::future::ready(backbone.ready()));
    }
    // By this check a process fetches the keys before anybody calls, and says so when it cannot.
    let authenticator = plan.auth.authenticator.clone();
    health.check("identity provider", "host", move || {
        let authenticator = authenticator.clone();
        async move { authenticator.ready().await.map_err(|e| e.to_string()) }
    })
}

/// The documents as text, shared by all workers.
#[derive(Clone)]
struct Served(Arc<Vec<(&'static str, Bytes)>>);

fn served(documents: &[(&'static str, OpenApi)]) -> Result<Served, Error> {
    let text = |(name, api): &(&'static str, OpenApi)| {
        let json = api.to_json().map_err(|e| Error::other("writing the OpenAPI document", e))?;
        // Swagger UI wants addresses that live as long as the process: a few bytes per service.
        let path: &'static str = Box::leak(format!("/openapi/{name}.json").into_boxed_str());
        Ok((path, Bytes::from(json)))
    };
    documents.iter().map(text).collect::<Result<Vec<_>, Error>>().map(|all| Served(Arc::new(all)))
}

impl Served {
    fn configure(&self, config: &mut web::ServiceConfig, names: &[&'static str]) {
        for (path, json) in self.0.iter() {
            let json = json.clone();
            let answer = move || {
                let json = json.clone();
                async move { HttpResponse::Ok().content_type("application/json").body(json) }
            };
            config.route(path, web::get().to(answer));
        }
        let urls: Vec<Url<'static>> =
            names.iter().zip(self.0.iter()).map(|(name, (path, _))| Url::new(name, path)).collect();
        // Who opens the bare address is shown what there is.
        config.service(web::redirect("/", "/docs/"));
        config.service(web::redirect("/docs", "/docs/")).service(
            SwaggerUi::new("/docs/{_:.*}").config(Config::new(urls).persist_authorization(true)),
        );
    }
}

/// Answers to idempotency keys are kept this long: the API promises 48 hours.
const KEEP_KEYS: chrono::TimeDelta = chrono::TimeDelta::hours(49);

/// Jobs that every service has.
pub(super) fn housekeeping(service: &Service, clock: &Arc<dyn Clock>) -> Vec<Job> {
    let (db, clock, name) = (service.db.clone(), clock.clone(), service.name);
    let purge = move || {
        let (db, before) = (db.clone(), clock.now() - KEEP_KEYS);
        async move {
            let purged = http::purge_idempotency(&db, before).await?;
            tracing::debug!(service = name, purged, "old idempotency keys forgotten");
            Ok::<(), Problem>(())
        }
    };
    vec![Job::every("purge-idempotency", Duration::from_secs(3600), purge)]
}
