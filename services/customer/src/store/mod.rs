//! Tables and the statements on them.

pub mod bulk;
pub mod candidates;
pub mod customers;
pub mod entities;
pub mod erasures;
pub mod history;
pub mod identifiers;
pub mod sources;
pub mod suspects;
pub mod ticket_work;
pub mod tiers;

use store::{Migrations, SqlMigration};

/// All steps of this service's database.
#[must_use]
pub fn migrations() -> Migrations {
    Migrations::new([
        ::store::migrations(),
        events::migrations(),
        http::migrations(),
        vec![
            SqlMigration::new("m0100_customer", include_str!("m0100_customer.sql")),
            SqlMigration::new("m0101_customer_search", ::store::fts_ddl!("customer")),
            SqlMigration::new("m0102_erasure", include_str!("m0102_erasure.sql")),
            SqlMigration::new(
                "m0103_suspected_duplicate",
                include_str!("m0103_suspected_duplicate.sql"),
            ),
            SqlMigration::new("m0104_ticket_work", include_str!("m0104_ticket_work.sql")),
        ],
    ])
}
