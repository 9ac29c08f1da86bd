//! Work that goes on by itself.

pub mod deliver;
pub mod metrics;
