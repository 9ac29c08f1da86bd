//! Ticketing (工单): one front door for everything a customer asks for (一口对外), responsibility
//! that cannot get lost (首问负责), deadlines that speak up before they pass (时限警示).
//!
//! A request: `api/` → `app/` → `domain/` → `store/`. An event: `reactions/` → `app/`. Time:
//! `jobs/` → `app/`. Start reading at [`app`] with `open_ticket`, then [`domain::lifecycle`] and
//! [`domain::timer`].

pub mod api;
pub mod app;
pub mod codes;
pub mod domain;
mod jobs;
pub mod messages;
mod reactions;
pub mod store;

use actix_web::web::Data;
use host::{Built, Error, Module, Parts};

use crate::{
    app::{App, Arrivals, Numbers},
    store::configs::Configs,
};

/// This service for the host.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "ticketing",
        defaults: "",
        migrations: store::migrations,
        routes: api::routes,
        codes: codes::ALL,
        check: host::no_settings,
        build,
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the host's signature")]
fn build(parts: Parts) -> Result<Built, Error> {
    let app = App {
        db: parts.db,
        clock: parts.clock,
        pii: parts.pii,
        configs: Configs::default(),
        numbers: Numbers::default(),
        arrivals: Arrivals::default(),
    };
    let (reactions, jobs) = (reactions::all(&app), jobs::all(&app));
    let state = Data::new(app);
    let register = move |config: &mut actix_web::web::ServiceConfig| {
        config.app_data(state.clone());
    };
    Ok(Built { state: Box::new(register), reactions, jobs })
}
