//! The host and the test bench themselves, on a service of one table.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod bench;
mod databases;
mod lifecycle;
mod notes;
mod process;
mod walks;
