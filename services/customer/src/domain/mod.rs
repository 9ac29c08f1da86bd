//! Pure rules of customer master data: no I/O, no clock, no storage.

pub mod columns;
pub mod email;
pub mod file;
pub mod golden;
pub mod id_card;
pub mod identifier;
pub mod matching;
pub mod name;
pub mod number;
pub mod phone;
pub mod record;
pub mod repair;
pub mod rows;
pub mod suspicion;
pub mod ticket_work;
pub mod timeline;
pub mod uscc;
