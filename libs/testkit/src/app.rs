//! [`TestApp`].

use std::sync::Arc;

use chrono::{DateTime, Utc};
use contracts::Event;
use events::{Envelope, Outcome};
use host::{Background, Module, Overrides, Running, Settings, settings::Sources};
use kernel::{Clock, ManualClock, Permission, Problem, Role, TraceContext};
use store::{Db, Pii};

use crate::{AUDIENCE, Client, ISSUER, Mint, TestDb, documented::Documented};

/// One module as a real HTTP server on a loopback port. Nothing happens by itself: the clock is
/// moved, jobs are run and events are delivered by the test; what the module emits stays in its
/// outbox to be looked at. Ends when it is dropped.
pub struct TestApp {
    pub clock: ManualClock,
    /// URL without a trailing slash.
    pub base: String,
    pub db: Db,
    pub pii: Pii,
    pub mint: Mint,
    module: Module,
    settings: String,
    test_db: TestDb,
    running: Running,
    documented: Arc<Documented>,
}

/// Monday 2026-03-02, 09:00 in Shanghai.
fn start_of_tests() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_413_200, 0).expect("a date")
}

impl TestApp {
    /// # Panics
    /// When the module cannot be brought up.
    pub async fn start(module: Module, db: TestDb) -> Self {
        Self::start_with(module, db, "").await
    }

    /// With settings over the module's defaults: TOML with section headers, e.g.
    /// `"[ticketing]\nclose_after_days = 1"`.
    pub async fn start_with(module: Module, db: TestDb, settings: &str) -> Self {
        Self::start_at(module, db, settings, ManualClock::at(start_of_tests()), Mint::new()).await
    }

    async fn start_at(
        module: Module,
        test_db: TestDb,
        toml: &str,
        clock: ManualClock,
        mint: Mint,
    ) -> Self {
        let overrides = Overrides {
            clock: Some(Arc::new(clock.clone())),
            log: Some(Arc::new(events::log::MemoryLog::new())),
            keys: Some(mint.keys()),
            background: Background::None,
            ..Overrides::default()
        };
        let settings = settings(&module, &test_db, toml);
        let running = host::start(vec![module.clone()], settings, overrides)
            .await
            .unwrap_or_else(|e| panic!("{e}"));
        let service = &running.services()[0];
        let (db, pii) = (service.db.clone(), running.pii().clone());
        let documented = Arc::new(Documented::of(&module));
        Self {
            clock,
            base: running.base_url().to_owned(),
            db,
            pii,
            mint,
            module,
            settings: toml.to_owned(),
            test_db,
            running,
            documented,
        }
    }

    /// As after `kill -9` and a new start: everything in memory is gone, the database stays.
    #[must_use]
    pub async fn restart(self) -> Self {
        let Self { clock, mint, module, settings, test_db, running, .. } = self;
        drop(running);
        Self::start_at(module, test_db, &settings, clock, mint).await
    }

    /// A member of staff with one role, named after it.
    #[must_use]
    pub fn as_role(&self, role: Role, org: &str) -> Client {
        self.as_user(role.as_str(), &[role], org)
    }

    #[must_use]
    pub fn as_user(&self, sub: &str, roles: &[Role], org: &str) -> Client {
        self.with_token(self.mint.user(sub, roles, org))
    }

    /// A partner system.
    #[must_use]
    pub fn as_client(&self, id: &str, scopes: &[Permission], org: &str) -> Client {
        self.with_token(self.mint.client(id, scopes, org))
    }

    #[must_use]
    pub fn with_token(&self, token: String) -> Client {
        Client::new(&self.base, Some(token)).held_against(self.documented.clone())
    }

    #[must_use]
    pub fn anonymous(&self) -> Client {
        Client::new(&self.base, None).held_against(self.documented.clone())
    }

    /// Feeds an event of another service through inbox and reactions.
    ///
    /// # Panics
    /// When the reaction fails, or nothing reacts to it.
    pub async fn deliver<E: Event>(&self, event: E) {
        self.deliver_envelope(&self.envelope(event)).await;
    }

    /// The event as it would arrive now, to be altered and delivered, perhaps twice.
    ///
    /// # Panics
    /// When the event is no JSON.
    #[must_use]
    pub fn envelope<E: Event>(&self, event: E) -> Envelope {
        Envelope {
            id: kernel::new_id(),
            ty: E::TYPE.to_owned(),
            source: format!("/kefu/{}", E::TOPIC.split('.').nth(1).unwrap_or_default()),
            topic: E::TOPIC.to_owned(),
            key: event.key().to_string(),
            time: self.clock.now(),
            org: event.org().to_owned(),
            actor: "test".to_owned(),
            correlation_id: None,
            causation_id: None,
            trace: TraceContext::default(),
            data: serde_json::to_value(&event).expect("an event is JSON"),
        }
    }

    /// Feeds an envelope through inbox and reactions and tells whether it was a duplicate.
    ///
    /// # Panics
    /// When the reaction fails, or nothing reacts to it.
    pub async fn deliver_envelope(&self, envelope: &Envelope) -> Outcome {
        let outcome = self
            .try_deliver(envelope)
            .await
            .unwrap_or_else(|p| panic!("reaction to {}: {p}", envelope.ty));
        assert_ne!(outcome, Outcome::Ignored, "nothing reacts to {}", envelope.ty);
        outcome
    }

    /// Feeds an envelope through inbox and reactions; a failure leaves nothing behind.
    pub async fn try_deliver(&self, envelope: &Envelope) -> Result<Outcome, Problem> {
        let service = &self.running.services()[0];
        events::process_one(&self.db, &service.reactions, service.name, envelope, &self.clock).await
    }

    /// Everything in the outbox so far, in order.
    ///
    /// # Panics
    /// When an outbox row is no event.
    pub async fn emitted(&self) -> Vec<Envelope> {
        let rows = events::unpublished(&self.db).await.expect("the outbox can be read");
        rows.into_iter().map(|row| row.expect("an outbox row is an event")).collect()
    }

    /// The events of one type in the outbox so far, in order.
    pub async fn emitted_of<E: Event>(&self) -> Vec<E> {
        let all = self.emitted().await;
        all.iter()
            .filter(|e| e.is::<E>())
            .map(|e| e.parse().expect("the event parses as its type"))
            .collect()
    }

    /// Runs every job of the module once, in their order.
    ///
    /// # Panics
    /// When one fails.
    pub async fn run_jobs(&self) {
        for job in &self.running.services()[0].jobs {
            (job.run)().await.unwrap_or_else(|p| panic!("job {}: {p}", job.name));
        }
    }

    /// Runs one job once.
    ///
    /// # Panics
    /// When it fails or there is none of that name.
    pub async fn run_job(&self, name: &str) {
        let jobs = &self.running.services()[0].jobs;
        let job = jobs
            .iter()
            .find(|j| j.name == name)
            .unwrap_or_else(|| panic!("there is no job {name}"));
        (job.run)().await.unwrap_or_else(|p| panic!("job {name}: {p}"));
    }
}

fn settings(module: &Module, db: &TestDb, toml: &str) -> Settings {
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let sources = Sources {
        overrides: vec![
            set("http.listen", "127.0.0.1:0"),
            set("http.workers", "1"),
            set("http.rate_per_second", "100000"),
            set("http.rate_burst", "100000"),
            set("data.dir", &db.dir.path().join("data").display().to_string()),
            set("database.url", &db.url),
            set("database.max_connections", "5"),
            set("database.auto_migrate", "true"),
            set("pii.active", "k1"),
            set("pii.keys.k1", &"1".repeat(64)),
            set("pii.index_key", &"2".repeat(64)),
            set("auth.issuer", ISSUER),
            set("auth.audience", AUDIENCE),
        ],
        ..Sources::only(toml)
    };
    Settings::load(std::slice::from_ref(module), &sources).unwrap_or_else(|e| panic!("{e}"))
}
