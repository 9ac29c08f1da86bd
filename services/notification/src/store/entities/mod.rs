//! Rows of the tables, one module each.

pub mod attempt;
pub mod customer;
pub mod delivery;
pub mod endpoint_secret;
pub mod inbox_item;
pub mod request;
pub mod sender;
pub mod staff;
pub mod staff_role;
pub mod template;
pub mod webhook_endpoint;
pub mod workflow_setting;
