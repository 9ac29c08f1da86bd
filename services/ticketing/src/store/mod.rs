//! Tables and how they are read.

pub mod configs;
pub mod entities;
pub mod facets;
pub mod finding;
pub mod tickets;
pub mod wanted;

use store::{Migrations, SqlMigration};

/// Every migration of this service, libraries first.
#[must_use]
pub fn migrations() -> Migrations {
    Migrations::new([
        store::migrations(),
        events::migrations(),
        http::migrations(),
        vec![
            SqlMigration::new("m0100_ticketing", include_str!("m0100_ticketing.sql")),
            SqlMigration::new("m0101_ticket_fts", store::fts_ddl!("ticket")),
            SqlMigration::new("m0102_lists", include_str!("m0102_lists.sql")),
            SqlMigration::new("m0103_erasure", include_str!("m0103_erasure.sql")),
            SqlMigration::new("m0104_lists", include_str!("m0104_lists.sql")),
            SqlMigration::new("m0105_customer_units", include_str!("m0105_customer_units.sql")),
            SqlMigration::new("m0106_policies", include_str!("m0106_policies.sql")),
            SqlMigration::new("m0107_external", include_str!("m0107_external.sql")),
            SqlMigration::new("m0108_external", include_str!("m0108_external.sql")),
            SqlMigration::new("m0109_unassigned", include_str!("m0109_unassigned.sql")),
        ],
    ])
}
