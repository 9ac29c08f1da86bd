//! Walks over every operation of a module's OpenAPI document: rights, and bad input.

mod bad_input;
mod language;
mod operations;
mod parameters;
mod permissions;
mod wrong_body;

pub use bad_input::bad_input_walk;
pub use permissions::permission_walk;
