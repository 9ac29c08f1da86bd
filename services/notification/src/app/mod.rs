//! Use cases, one file each.

pub mod accept;
pub mod decide;
pub mod endpoints;
pub mod forget_customer;
pub mod inbox;
pub mod notices;
pub mod preview;
pub mod put_staff;
pub mod put_template;
pub mod recipients;
pub mod recover;
pub mod replay;
pub mod retry;
pub mod send;
pub mod sender;
pub mod settle;
pub mod staff;
pub mod templates;
pub mod test_event;
pub mod texts;
pub mod watch_rights;
pub mod workflows;
