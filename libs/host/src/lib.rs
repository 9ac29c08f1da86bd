//! Runs modules: settings, telemetry, lifecycle and command line. A service is a [`Module`]; one
//! of them makes a process of its own, several make the suite. Nothing else differs.

pub mod cli;
mod dead_letters;
mod error;
mod lifecycle;
mod memory;
mod module;
mod openapi;
pub mod settings;
mod telemetry;

pub use cli::main;
pub use error::Error;
pub use lifecycle::{Background, Overrides, Running, Service, issuer, migrate, start};
pub use module::{Built, Job, Module, Parts, Section, no_settings};
pub use openapi::openapi;
pub use settings::Settings;
