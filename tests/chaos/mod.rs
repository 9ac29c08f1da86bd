//! The fault harness: load, a ledger of everything that was answered 2xx, faults by a seed, and a
//! reconciliation of every service's data against the ledger.
//!
//! The same code serves the binary `chaos` and the test target `chaos`.

pub mod client;
pub mod faults;
pub mod field;
pub mod ledger;
pub mod load;
pub mod plan;
pub mod quiet;
pub mod reconcile;
pub mod report;
pub mod run;
pub mod seeds;
pub mod topics;
