//! Faults in split mode: real processes are killed under load, and afterwards every service's data
//! must agree, with nothing missing and nothing double.
#![allow(clippy::unwrap_used, reason = "test")]

mod kills;
