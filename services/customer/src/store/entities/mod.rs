//! sea-orm entities, one per table that is read as a whole.

pub mod assignment;
pub mod contact;
pub mod customer;
pub mod customer_org;
pub mod pii_access_log;
pub mod source_record;
pub mod suspected_duplicate;
pub mod tier;
pub mod timeline;
