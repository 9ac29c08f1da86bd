//! Customer master data (客户主数据): one truthful record per customer, computed from what every
//! contact point says about him, found again by what tells who he is, with everything that
//! happened to him in one timeline.

pub mod api;
pub mod app;
pub mod codes;
pub mod domain;
pub mod jobs;
pub mod messages;
pub mod reactions;
pub mod store;

use std::sync::Arc;

use actix_web::web::Data;
use chrono::FixedOffset;
use host::{Built, Error, Module, Parts, Section};
use serde::Deserialize;

use crate::{
    app::{App, Numbering},
    domain::number::Pattern,
};

/// The service, to be run alone or beside others.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "customer",
        defaults: include_str!("defaults.toml"),
        migrations: store::migrations,
        routes: api::routes,
        codes: codes::ALL,
        check,
        build,
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    number_pattern: String,
    utc_offset_minutes: i32,
    #[serde(default)]
    number_patterns: Vec<OwnPattern>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnPattern {
    org: String,
    pattern: String,
}

fn numbering(settings: &Settings) -> Result<Numbering, Vec<String>> {
    let mut faults = vec![];
    let mut pattern = |text: &str| match Pattern::parse(text) {
        Ok(pattern) => Some(pattern),
        Err(e) => {
            faults.push(format!("customer.number_pattern {text:?}: {e}"));
            None
        }
    };
    let default = pattern(&settings.number_pattern);
    let own: Vec<(String, Pattern)> = settings
        .number_patterns
        .iter()
        .filter_map(|own| Some((own.org.clone(), pattern(&own.pattern)?)))
        .collect();
    let seconds = settings.utc_offset_minutes.checked_mul(60);
    let offset = seconds.and_then(FixedOffset::east_opt);
    if offset.is_none() {
        faults.push("customer.utc_offset_minutes must be -1439 to 1439".to_owned());
    }
    match (default, offset) {
        (Some(pattern), Some(offset)) if faults.is_empty() => {
            Ok(Numbering { pattern, own, offset })
        }
        _ => Err(faults),
    }
}

fn check(section: &Section) -> Result<(), Error> {
    numbering(&section.get()?).map(drop).map_err(Error::Settings)
}

fn build(parts: Parts) -> Result<Built, Error> {
    let numbering = numbering(&parts.settings.get()?).map_err(Error::Settings)?;
    let app =
        App { db: parts.db, clock: parts.clock, pii: parts.pii, numbering: Arc::new(numbering) };
    let data = Data::new(app.clone());
    Ok(Built {
        state: Box::new(move |config| {
            config.app_data(data.clone());
        }),
        reactions: reactions::all(),
        jobs: jobs::all(&app),
    })
}
