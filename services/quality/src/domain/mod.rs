//! The rules of quality inspection: values and pure functions. No database, no HTTP, no clock.

pub mod answers;
pub mod appeal;
pub mod builtin;
pub mod period;
pub mod rectification;
pub mod report;
pub mod report_terms;
pub mod risk;
pub mod sampling;
pub mod scorecard;
pub mod scoring;
pub mod stats;
pub mod visibility;
