//! The ways out: mail and webhooks.

pub mod mail;
mod smtp;
pub mod webhook;

use crate::settings::Settings;

/// Everything that reaches the outside.
pub struct Channels {
    pub mailer: mail::Mailer,
    pub webhooks: webhook::Webhooks,
}

impl Channels {
    pub fn new(settings: &Settings) -> Result<Self, reqwest::Error> {
        Ok(Self {
            mailer: mail::Mailer::new(&settings.email),
            webhooks: webhook::Webhooks::new(&settings.webhooks)?,
        })
    }
}

/// An error with its causes, on one line of bounded length.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    crate::domain::address::one_line(&text, 500)
}
