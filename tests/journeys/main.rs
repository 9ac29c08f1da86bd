//! Journeys of people and partner systems through the whole suite: real processes, real mail
//! server, real webhook receiver, real collector of spans. The same code runs against the suite
//! (one process) and split (five processes).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test")]

mod bad_input;
mod curl_walk;
mod erasure;
mod history_import;
mod imports;
mod main_job;
mod main_job_parts;
mod smoke;
mod suite_restore;
