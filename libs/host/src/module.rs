//! What a service gives to the host, and what the host gives to a service.

use std::{future::Future, sync::Arc, time::Duration};

use actix_web::web::ServiceConfig as ActixConfig;
use futures::future::BoxFuture;
use kernel::{Clock, ErrorCode, Problem};
use serde::de::DeserializeOwned;
use store::{Db, Migrations, Pii};
use tokio_util::sync::CancellationToken;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::Error;

/// One service, ready to be run alone or beside others.
#[derive(Clone)]
pub struct Module {
    /// Name of the service: database, consumer group `kefu-NAME`, settings section, OpenAPI file.
    pub name: &'static str,
    /// Defaults of the settings section `[name]`: TOML without the section's header.
    pub defaults: &'static str,
    pub migrations: fn() -> Migrations,
    /// Registers the handlers, with `.service(handler)`, so that the OpenAPI document knows them.
    pub routes: fn(&mut ServiceConfig),
    /// The service's own error codes; the shared ones are added.
    pub codes: &'static [&'static ErrorCode],
    /// Judges the section `[name]` before anything is made, a database say: [`Section::get`] and what
    /// types cannot say. [`no_settings`] where there are none.
    pub check: fn(&Section) -> Result<(), Error>,
    /// Builds the service from what the host gives it. No I/O that can block for long.
    pub build: fn(Parts) -> Result<Built, Error>,
}

/// For [`Module::check`] of a service without settings of its own.
///
/// # Errors
/// Names what stands in the section all the same.
pub fn no_settings(section: &Section) -> Result<(), Error> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct None {}
    section.get::<None>().map(|None {}| ())
}

/// What a service is built from.
#[derive(Clone)]
pub struct Parts {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub pii: Pii,
    pub settings: Section,
    /// Where people reach this installation; no trailing slash.
    pub public_url: String,
    /// Cancelled when the process begins to end: answers that never end by themselves (server-sent
    /// events) must end then, or shutting down takes the whole grace time.
    pub stopping: CancellationToken,
}

/// A module's own section of the settings: its defaults under file and environment.
#[derive(Debug, Clone)]
pub struct Section {
    name: String,
    tree: config::Config,
}

impl Section {
    pub(crate) fn new(name: &str, tree: config::Config) -> Self {
        Self { name: name.to_owned(), tree }
    }

    /// The section from TOML text alone, for tests of a single part.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, Error> {
        Ok(Self::new(name, crate::settings::under(name, text)?))
    }

    /// Reads the section as `T`; the error names the setting that does not fit. An absent section
    /// reads like an empty one.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T, Error> {
        crate::settings::read(&self.tree, &self.name).map_err(|fault| Error::Settings(vec![fault]))
    }
}

/// A built service.
pub struct Built {
    /// Registers the state that handlers ask for (`web::Data<App>`); called once per HTTP worker.
    pub state: Box<dyn Fn(&mut ActixConfig) + Send + Sync>,
    pub reactions: events::Reactions,
    pub jobs: Vec<Job>,
}

type Run = Arc<dyn Fn() -> BoxFuture<'static, Result<(), Problem>> + Send + Sync>;

/// Work that is done again and again.
#[derive(Clone)]
pub struct Job {
    /// Unique within the service; also the name of the lease.
    pub name: &'static str,
    pub every: Duration,
    /// Whether one process at a time runs it; else each of them does.
    pub leased: bool,
    pub run: Run,
}

impl Job {
    /// `run` is called every `every` (give or take a tenth) by whichever process holds the job's
    /// lease. It should end well within a minute and take up the rest at the next turn.
    pub fn every<F, Fut>(name: &'static str, every: Duration, run: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Problem>> + Send + 'static,
    {
        Self { name, every, leased: true, run: Arc::new(move || Box::pin(run())) }
    }

    /// Like [`Job::every`], but every process runs it, without a lease: it must change nothing.
    pub fn in_every_process<F, Fut>(name: &'static str, every: Duration, run: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Problem>> + Send + 'static,
    {
        Self { leased: false, ..Self::every(name, every, run) }
    }
}
