//! Rows as sea-orm sees them, one file per table.

pub mod article;
pub mod config;
pub mod config_head;
pub mod customer;
pub mod history;
pub mod import_row;
pub mod task;
pub mod ticket;
pub mod timer;
pub mod timer_fire;
pub mod timer_pause;
pub mod urge;
