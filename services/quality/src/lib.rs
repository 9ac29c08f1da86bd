//! Quality inspection (质检): sample, score, appeal, rectify, report.

pub mod api;
pub mod app;
pub mod codes;
pub mod domain;
pub mod jobs;
mod messages;
pub mod reactions;
pub mod settings;
pub mod store;

pub use app::App;

use host::{Built, Module, Parts};

/// The service, to be run alone or beside others.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "quality",
        defaults: settings::DEFAULTS,
        migrations: store::migrations,
        routes: api::routes,
        codes: codes::ALL,
        check: |section| section.get::<settings::Settings>()?.rules().map(drop),
        build,
    }
}

fn build(parts: Parts) -> Result<Built, host::Error> {
    let rules = parts.settings.get::<settings::Settings>()?.rules()?;
    let app = App { db: parts.db, clock: parts.clock, rules: rules.into() };
    let state = actix_web::web::Data::new(app.clone());
    Ok(Built {
        state: Box::new(move |config| {
            config.app_data(state.clone());
        }),
        reactions: reactions::all(&app),
        jobs: jobs::all(&app),
    })
}
