//! Tables and how they are read.

pub mod customers;
pub mod entities;
pub mod figures;
pub mod invitations;
pub mod responses;
pub mod surveys;
pub mod tickets;
pub mod triggers;

use store::{Migrations, SqlMigration};

/// Every migration of this service, libraries first.
#[must_use]
pub fn migrations() -> Migrations {
    Migrations::new([
        store::migrations(),
        events::migrations(),
        http::migrations(),
        vec![
            SqlMigration::new("m0100_survey", include_str!("m0100_survey.sql")),
            SqlMigration::new("m0101_by_hand", include_str!("m0101_by_hand.sql")),
            SqlMigration::new("m0102_of_ticket", include_str!("m0102_of_ticket.sql")),
            SqlMigration::new("m0103_customers", include_str!("m0103_customers.sql")),
        ],
    ])
}
