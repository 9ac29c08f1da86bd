//! Black-box scenarios of the ticketing service, each on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod blind;
mod claimed;
mod correcting;
mod creating;
mod customers;
mod erasure;
mod import_callers;
mod imports;
mod incident_log;
mod language;
mod lifecycle;
mod lists;
mod plans;
mod policies;
mod raising;
mod references;
mod reopening;
mod support;
mod tasks;
mod telling;
mod timers;
mod walks;
