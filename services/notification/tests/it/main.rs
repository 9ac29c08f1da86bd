//! Scenarios of the notification service, each on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
mod climbing;
mod crash;
mod edge;
mod erasure;
mod inbox;
mod ledger;
mod letters;
mod mail;
mod recipients;
mod rights;
mod smtp;
mod templates;
mod walks;
mod webhooks;
