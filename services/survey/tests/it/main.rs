//! Surveys as a running service: real HTTP, both databases, a clock that the test moves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod access;
mod answering;
mod by_hand;
mod erasure;
mod figures;
mod page;
mod support;
mod surveys;
mod triggers;
