//! From settings to a running process, and back in order: not ready → requests end → jobs end →
//! consumers drain → relay flushes.

mod auth;
mod backbone;
mod clock;
mod databases;
mod folder;
mod jobs;
mod server;
pub(crate) mod signals;

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::web::ServiceConfig as ActixConfig;
use events::log::EventLog;
use kernel::{Clock, SystemClock};
use store::{Db, Leases, Pii};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Error, Job, Module, Parts, Settings, settings::redacted};
use backbone::Backbones;
use clock::DatabaseClock;
use folder::DataFolder;

pub(crate) use auth::Accounts;
pub use auth::issuer;
pub(crate) use backbone::kafka;
pub use backbone::topics;
pub use databases::migrate;
pub(crate) use databases::open_one as connect;

type Configure = Arc<dyn Fn(&mut ActixConfig) + Send + Sync>;

/// For each of the last steps of a shutdown, also when the grace time is over.
pub(crate) const LAST_STEPS: Duration = Duration::from_secs(5);

/// Whether anything happens without being asked over HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Background {
    /// Relay, consumers and jobs run.
    #[default]
    All,
    /// None of them: a test drives them.
    None,
}

/// What stands in for what the settings would give; for tests and compositions.
#[derive(Clone, Default)]
pub struct Overrides {
    pub clock: Option<Arc<dyn Clock>>,
    pub log: Option<Arc<dyn EventLog>>,
    /// Keys that tokens are verified with, of the issuer that the settings name.
    pub keys: Option<http::KeySource>,
    pub background: Background,
    /// More routes and state beside those of the modules.
    pub routes: Option<Configure>,
}

/// One service as it runs.
pub struct Service {
    pub name: &'static str,
    pub db: Db,
    pub reactions: events::Reactions,
    /// The module's own jobs.
    pub jobs: Vec<Job>,
}

/// A running process. Dropped without [`Running::shutdown`] it stops as if it were killed.
pub struct Running {
    addr: SocketAddr,
    figures: Option<SocketAddr>,
    base_url: String,
    services: Vec<Service>,
    pii: Pii,
    drain: http::Drain,
    stopping: CancellationToken,
    server: server::Server,
    backbones: Backbones,
    jobs: Vec<JoinHandle<()>>,
    delay: Duration,
    grace: Duration,
    // Last: the folder is let go when nothing uses it any more.
    _folder: Option<DataFolder>,
}

/// `service.name` of telemetry.
pub(crate) fn service_name(settings: &Settings, modules: &[Module]) -> String {
    match (settings.telemetry.service_name.as_str(), modules) {
        ("", [only]) => format!("kefu-{}", only.name),
        ("", _) => "kefu-suite".to_owned(),
        (name, _) => name.to_owned(),
    }
}

/// Brings everything up. What cannot be used (settings, folder, port, database) is told before
/// anything is served.
pub async fn start(
    modules: Vec<Module>,
    settings: Settings,
    overrides: Overrides,
) -> Result<Running, Error> {
    let follower = Arc::new(DatabaseClock::new());
    let clock = match &overrides.clock {
        Some(clock) => clock.clone(),
        None if settings.database.is_sqlite() => Arc::new(SystemClock),
        None => follower.clone(),
    };
    let folder = settings
        .uses_data_folder()
        .then(|| DataFolder::open(&settings.data.dir, clock.now()))
        .transpose()?;
    let (listener, addr) = listen(&settings.http.listen, "http.listen")?;
    let figures = match settings.metrics.listen.as_str() {
        "" => None,
        address => Some(listen(address, "metrics.listen")?),
    };
    let figures_addr = figures.as_ref().map(|(_, addr)| *addr);
    let base_url = format!("http://{addr}");
    let public_url = match settings.http.public_url.trim_end_matches('/') {
        "" => base_url.clone(),
        url => url.to_owned(),
    };
    let pii = pii(&settings, folder.as_ref())?;
    let auth = auth::prepare(&settings, &overrides, &public_url, &clock)?;
    let dbs = databases::open(&modules, &settings).await?;
    let stopping = CancellationToken::new();
    let timekeeper = dbs.iter().find(|db| db.is_postgres() && overrides.clock.is_none()).cloned();
    if let Some(db) = &timekeeper {
        let fault = |e| Error::other("asking the database for the time", e);
        follower.set(db).await.map_err(fault)?;
    }
    let mut services = vec![];
    let mut states: Vec<Configure> = vec![];
    for (module, db) in modules.iter().zip(dbs) {
        let parts = Parts {
            db: db.clone(),
            clock: clock.clone(),
            pii: pii.clone(),
            settings: settings.section(module.name),
            public_url: public_url.clone(),
            stopping: stopping.clone(),
        };
        let built = (module.build)(parts)?;
        states.push(Arc::from(built.state));
        services.push(Service {
            name: module.name,
            db,
            reactions: built.reactions,
            jobs: built.jobs,
        });
    }
    let log = match &overrides.log {
        Some(log) => log.clone(),
        None => backbone::log(&settings, &clock).await?,
    };
    let on = overrides.background == Background::All;
    let mut backbones = if on {
        Backbones::start(&services, &log, &clock, &settings)
    } else {
        Backbones::default()
    };
    let drain = http::Drain::default();
    let plan = server::Plan {
        settings: &settings,
        modules: &modules,
        services: &services,
        backbones: &backbones,
        states,
        extra: overrides.routes.clone(),
        auth,
        drain: drain.clone(),
        clock: clock.clone(),
        pii: pii.clone(),
    };
    let figures = figures.map(|(listener, _)| listener);
    let server = match server::start(plan, listener, figures) {
        Ok(server) => server,
        Err(e) => {
            backbones.kill();
            return Err(e);
        }
    };
    let mut running_jobs = vec![];
    running_jobs.extend(timekeeper.map(|db| follower.keep(db, stopping.clone())));
    for service in services.iter().filter(|_| on) {
        let leases = Leases::new(service.db.clone(), holder(&service.db));
        let own = [service.jobs.clone(), server::housekeeping(service, &clock)].concat();
        running_jobs.extend(jobs::start(service.name, own, &leases, &clock, &stopping));
    }
    tracing::info!(address = %addr, metrics = %figures_addr.unwrap_or(addr), public_url, services = ?services.iter().map(|s| s.name).collect::<Vec<_>>(), "ready");
    Ok(Running {
        addr,
        figures: figures_addr,
        base_url,
        services,
        pii,
        drain,
        stopping,
        server,
        backbones,
        jobs: running_jobs,
        delay: Duration::from_secs(settings.shutdown.delay_secs),
        grace: Duration::from_secs(settings.shutdown.grace_secs),
        _folder: folder,
    })
}

impl Running {
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where `/metrics` is served, if on an address of its own.
    #[must_use]
    pub fn figures_addr(&self) -> Option<SocketAddr> {
        self.figures
    }

    /// URL of the listener on this machine, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    #[must_use]
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    #[must_use]
    pub fn pii(&self) -> &Pii {
        &self.pii
    }

    /// Ends in order: what was begun is finished, within the grace time.
    pub async fn shutdown(mut self) {
        let end = tokio::time::Instant::now() + self.delay + self.grace;
        self.drain.unready();
        tokio::time::sleep(self.delay).await;
        self.stopping.cancel();
        self.drain.refuse();
        self.server.stop(end).await;
        for job in std::mem::take(&mut self.jobs) {
            let abort = job.abort_handle();
            if tokio::time::timeout_at(end, job).await.is_err() {
                abort.abort();
                tracing::warn!(
                    "a job did not end in time; what it left is done after the next start"
                );
            }
        }
        self.backbones.stop(end).await;
        // Closing waits for every connection in use, and what did not end in time may hold one.
        let end = end.max(tokio::time::Instant::now() + LAST_STEPS);
        for service in std::mem::take(&mut self.services) {
            match tokio::time::timeout_at(end, service.db.close()).await {
                Ok(Ok(())) => {}
                Ok(Err(e)) => {
                    tracing::warn!(service = service.name, error = %e, "the database connections were not closed in order");
                }
                Err(_) => tracing::warn!(
                    service = service.name,
                    "a database connection is still in use; its transaction is rolled back"
                ),
            }
        }
        tracing::info!("stopped");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.server.kill();
        self.backbones.kill();
        self.jobs.iter().for_each(JoinHandle::abort);
    }
}

/// Name under which this process holds leases: in a database of this process alone always the
/// same, so that a restart takes them over at once.
fn holder(db: &Db) -> String {
    if db.is_postgres() { kernel::new_id().to_string() } else { "the only process".to_owned() }
}

fn listen(address: &str, setting: &str) -> Result<(TcpListener, SocketAddr), Error> {
    let variable = format!("KEFU__{}", setting.to_uppercase().replace('.', "__"));
    let fault = |cause: std::io::Error| {
        let mend = match cause.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!(
                    "the port is taken: end the program that uses it, or choose another with {setting} ({variable}=127.0.0.1:8081)"
                )
            }
            std::io::ErrorKind::PermissionDenied => {
                format!(
                    "ports below 1024 need rights: choose a higher one with {setting} ({variable})"
                )
            }
            _ => format!("choose an address of this machine with {setting} ({variable})"),
        };
        Error::Listen { address: address.to_owned(), cause, mend }
    };
    let listener = TcpListener::bind(address).map_err(fault)?;
    let addr = listener.local_addr().map_err(fault)?;
    Ok((listener, addr))
}

fn pii(settings: &Settings, folder: Option<&DataFolder>) -> Result<Pii, Error> {
    let keys = &settings.pii;
    let made = match folder {
        Some(folder) if keys.keys.is_empty() => Pii::from_secret(&folder.secret("pii.key")?),
        _ => Pii::new(&keys.keys, &keys.active, &keys.index_key),
    };
    made.map_err(|e| Error::setting("pii", e.to_string()))
}

/// What a database error means to the person at the console.
fn database_fault(service: &str, url: &str, cause: &sea_orm::DbErr) -> Error {
    let mend = if url.starts_with("sqlite:") {
        format!("{url}: check the folder's rights and free space")
    } else {
        format!(
            "{}: check that the server runs, that the database exists, and database.url (KEFU__DATABASE__URL)",
            redacted(url)
        )
    };
    Error::Database { service: service.to_owned(), cause: cause.to_string(), mend }
}
