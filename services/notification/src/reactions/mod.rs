//! What this service does when the others tell something.

pub mod on_any;
