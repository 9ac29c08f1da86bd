//! Scenarios of the notification service, each on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
mod crash;
mod edge;
mod erasure;
mod inbox;
mod ledger;
mod mail;
mod recipients;
mod smtp;
mod templates;
mod walks;
mod webhooks;
