//! Walks over every operation of a module's OpenAPI document: rights, and bad input.

mod bad_input;
mod operations;
mod permissions;

pub use bad_input::bad_input_walk;
pub use permissions::permission_walk;
