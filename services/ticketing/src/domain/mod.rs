//! The rules of ticketing as pure functions: no I/O, no clock; `now` is passed in.

pub mod builtin;
pub mod category;
pub mod colleagues;
pub mod config;
pub mod customer;
pub mod escalation;
pub mod kind;
pub mod lifecycle;
pub mod priority;
pub mod replay;
pub mod servicenow;
pub mod sla;
pub mod timer;

/// Words that stand in rows and events, once each.
pub mod words {
    /// Metrics of timers.
    pub const FIRST_RESPONSE: &str = "first_response";
    pub const RESOLUTION: &str = "resolution";
    pub const TASK: &str = "task";

    /// Kind with levels, repeats and its own report.
    pub const COMPLAINT: &str = "complaint";
    pub const COMPLAINT_LEVELS: [&str; 3] = ["general", "major", "critical"];

    /// Channels a caller may name; `survey` and `import` are the suite's own.
    pub const CHANNELS: [&str; 6] = ["api", "web", "email", "phone", "chat", "counter"];
    pub const SURVEY: &str = "survey";

    pub const INBOUND: &str = "inbound";
    pub const OUTBOUND: &str = "outbound";
    pub const INTERNAL: &str = "internal";
}
