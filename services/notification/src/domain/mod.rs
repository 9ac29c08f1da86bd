//! The rules of notification, pure: who is told what by which channel, how texts come out, when a
//! delivery is tried again, where a webhook may go and how it is signed.

pub mod address;
pub mod builtin;
pub mod cloud_event;
pub mod endpoint;
pub mod facts;
pub mod retry;
pub mod rights;
pub mod samples;
pub mod sealed;
pub mod sender;
pub mod signature;
pub mod ssrf;
pub mod template;
pub mod vars;
pub mod verdict;
pub mod wordless;
pub mod words;
pub mod workflow;
