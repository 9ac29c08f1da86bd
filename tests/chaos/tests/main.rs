//! The harness's own tests: plans are the same for the same seed, and broken guarantees are seen.

mod mutations;
mod plans;
mod verdicts;
