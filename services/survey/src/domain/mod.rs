//! Pure rules of surveys: no storage, no HTTP, no clock.

pub mod answers;
pub mod canonical;
pub mod definition;
pub mod expr;
pub mod figures;
pub mod mask;
pub mod metrics;
pub mod reader;
mod reader_kinds;
pub mod templates;
pub mod text;
pub mod token;
pub mod trigger;

pub use reader_kinds::words;

#[cfg(test)]
mod tests;
