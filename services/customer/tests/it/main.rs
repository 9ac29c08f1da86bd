//! Black-box scenarios of the customer service, each on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contacts;
mod creation;
mod duplicates;
mod erasure;
mod events;
mod import_batches;
mod import_files;
mod imports;
mod privacy;
mod reach;
mod search;
mod support;
mod tiers;
mod timeline;
mod walks;
