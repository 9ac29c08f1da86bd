//! Surveys (满意度调查): asks the right customer once, counts honestly, and tells of bad answers.
//!
//! A ticket event meets the triggers of its enterprise (`reactions/`, `domain/trigger.rs`); each
//! candidate becomes an invitation or a recorded skip. The invitation's link opens the public
//! answer page (`page/`); the answer spends the token, is stored with its figures and told to the
//! other services (`app/answer.rs`).

mod api;
mod app;
mod codes;
pub mod domain;
mod jobs;
mod messages;
mod page;
mod reactions;
mod store;

use std::sync::Arc;

use kernel::Clock;
use serde::Deserialize;

// The crate's own `store` module holds this service's tables; the library is `::store`.
use ::store::{Db, Pii};

/// What handlers, reactions and jobs share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub pii: Pii,
    /// Where links point to; no trailing slash.
    pub public_url: String,
    pub settings: Arc<Settings>,
    /// Where the days on the answer page begin and end.
    pub zone: chrono_tz::Tz,
    pub pages: Arc<page::Renderer>,
}

/// Section `[survey]` of the settings; what they mean stands in `defaults.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub brand: String,
    pub zone: String,
    pub send_every_secs: u64,
    pub send_batch: u64,
}

/// This service, to be run by the host alone or beside others.
#[must_use]
pub fn module() -> host::Module {
    host::Module {
        name: "survey",
        defaults: include_str!("defaults.toml"),
        migrations: store::migrations,
        routes: api::routes,
        codes: codes::ALL,
        check: |section| checked(section).map(drop),
        build,
    }
}

fn checked(section: &host::Section) -> Result<(Settings, chrono_tz::Tz), host::Error> {
    let settings: Settings = section.get()?;
    if !(1..=3600).contains(&settings.send_every_secs) {
        return Err(host::Error::setting("survey.send_every_secs", "must be 1 to 3600"));
    }
    if !(1..=10_000).contains(&settings.send_batch) {
        return Err(host::Error::setting("survey.send_batch", "must be 1 to 10000"));
    }
    let zone = settings.zone.parse().map_err(|_| {
        host::Error::setting(
            "survey.zone",
            "must be the IANA name of a time zone, e.g. Asia/Shanghai",
        )
    })?;
    Ok((settings, zone))
}

fn build(parts: host::Parts) -> Result<host::Built, host::Error> {
    let (settings, zone) = checked(&parts.settings)?;
    let pages =
        page::Renderer::new().map_err(|e| host::Error::other("reading the page templates", e))?;
    let app = App {
        db: parts.db,
        clock: parts.clock,
        pii: parts.pii,
        public_url: parts.public_url,
        settings: Arc::new(settings),
        zone,
        pages: Arc::new(pages),
    };
    let state = actix_web::web::Data::new(app.clone());
    Ok(host::Built {
        state: Box::new(move |config| {
            config.app_data(state.clone());
        }),
        reactions: reactions::all(&app),
        jobs: jobs::all(&app),
    })
}
