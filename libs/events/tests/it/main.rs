//! Tests of the event backbone on real databases and a real broker. `make test` starts them;
//! by hand: `deploy/local/postgres.sh start` and `deploy/local/kafka.sh start`.

#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod backbone;
mod conformance;
mod faults;
mod kafka;
mod log_kinds;
mod parking;
mod relay;
mod support;
mod trace;
