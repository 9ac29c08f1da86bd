//! Black-box tests of the quality service, on SQLite and PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod access;
mod evaluations;
mod fixtures;
mod rectifications;
mod report;
mod sampling;
mod scorecards;
