//! The library as a service uses it: a small application behind the middleware, on a loopback
//! port, on both databases.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod bed;
mod callers;
mod documents;
mod edge;
mod idempotency;
mod inputs;
mod issuer;
mod notes;
mod orgs;
mod slow;
mod tracing;
