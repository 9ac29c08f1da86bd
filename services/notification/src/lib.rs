//! Notifications (通知): what the other services tell becomes mails, inbox items and webhooks.
//!
//! Way of an event: `reactions/on_any.rs` → `app/decide.rs` (workflows → requests and deliveries,
//! in the event's transaction) → `jobs/deliver.rs` (leased rows, lanes) → `channels/` (SMTP, HTTP)
//! → `app/settle.rs` (ledger, retry, events).

mod api;
mod app;
mod channels;
mod codes;
pub mod domain;
mod jobs;
mod messages;
mod reactions;
mod settings;
mod store;

use std::{sync::Arc, time::Duration};

use ::store::{Db, Migrations, Pii, SqlMigration};
use actix_web::web;
use host::{Built, Job, Module, Parts};
use kernel::Clock;

use crate::{
    channels::Channels,
    domain::workflow::Channel,
    jobs::{
        deliver::Dispatcher,
        metrics::{self, Meters},
    },
    reactions::on_any::OnAny,
    settings::Settings,
};

/// Everything that use cases need. Cheap to clone.
#[derive(Clone)]
pub struct App {
    db: Db,
    clock: Arc<dyn Clock>,
    pii: Pii,
    settings: Arc<Settings>,
    public_url: Arc<str>,
    channels: Arc<Channels>,
    dispatcher: Arc<Dispatcher>,
    meters: Arc<Meters>,
    /// Whose rights have been looked at.
    watch: Arc<app::watch_rights::Watch>,
    /// Told whenever this process may have written an inbox item.
    inbox_signal: Arc<tokio::sync::watch::Sender<u64>>,
}

/// The defaults of the settings section, as TOML.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The service as the host runs it.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "notification",
        defaults: DEFAULTS,
        migrations,
        routes: api::routes,
        codes: codes::ALL,
        check: |section| checked(section).map(drop),
        build,
    }
}

fn migrations() -> Migrations {
    Migrations::new([
        ::store::migrations(),
        events::migrations(),
        http::migrations(),
        vec![
            SqlMigration::new(
                "m0100_notification",
                include_str!("../migrations/m0100_notification.sql"),
            ),
            SqlMigration::new("m0101_erasure", include_str!("../migrations/m0101_erasure.sql")),
            SqlMigration::new("m0102_senders", include_str!("../migrations/m0102_senders.sql")),
            SqlMigration::new("m0103_rights", include_str!("../migrations/m0103_rights.sql")),
        ],
    ])
}

fn checked(section: &host::Section) -> Result<Settings, host::Error> {
    let settings: Settings = section.get()?;
    match settings.fault() {
        Some(fault) => Err(host::Error::Settings(vec![fault])),
        None => Ok(settings),
    }
}

fn build(parts: Parts) -> Result<Built, host::Error> {
    let settings = checked(&parts.settings)?;
    let channels = Channels::new(&settings)
        .map_err(|e| host::Error::Settings(vec![format!("notification: {e}")]))?;
    let dispatcher = Dispatcher::new(&settings);
    let meters = Meters::new(&settings);
    let app = App {
        db: parts.db,
        clock: parts.clock,
        pii: parts.pii,
        settings: Arc::new(settings),
        public_url: parts.public_url.into(),
        channels: Arc::new(channels),
        dispatcher: Arc::new(dispatcher),
        meters: Arc::new(meters),
        watch: Arc::default(),
        inbox_signal: Arc::new(tokio::sync::watch::Sender::new(0)),
    };
    let (state, deliver, measured) = (app.clone(), app.clone(), app.clone());
    let (watching, adopting) = (app.clone(), app.clone());
    let on_caller = http::OnCaller::new(move |actor| {
        let app = watching.clone();
        async move { app::watch_rights::seen(&app, &actor).await }
    });
    Ok(Built {
        state: Box::new(move |config| {
            config.app_data(web::Data::new(state.clone())).app_data(on_caller.clone());
        }),
        reactions: events::Reactions::none().on_any(&contracts::TOPICS, OnAny(app)),
        jobs: vec![
            Job::every("deliver", Duration::from_millis(200), move || {
                let app = deliver.clone();
                async move {
                    app::recover::run(&app).await?;
                    app.dispatcher.drain(&app).await
                }
            }),
            Job::every("adopt_endpoints", Duration::from_secs(60), move || {
                let app = adopting.clone();
                async move { app::watch_rights::adopt(&app).await }
            }),
            Job::in_every_process("measure_queue", Duration::from_secs(5), move || {
                let app = measured.clone();
                async move { metrics::measure(&app).await }
            }),
        ],
    })
}

impl App {
    /// The lane in which a delivery waits and is counted: mail has one, every endpoint its own.
    fn lane(channel: Channel, recipient: &str) -> String {
        match channel {
            Channel::Webhook => format!("webhook:{recipient}"),
            Channel::Email | Channel::Inbox => channel.as_str().to_owned(),
        }
    }
}
