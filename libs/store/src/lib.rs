//! Storage: one connection type for PostgreSQL (split) and SQLite (suite), the write transaction,
//! migrations written once for both, leases, full-text search that knows Chinese, and the cipher
//! for personal data.
//!
//! Writes go through [`Db::begin`] → [`Tx`]; reads use [`Db`] itself as a sea-orm connection.

mod db;
pub mod fault;
pub mod fts;
mod later;
mod lease;
mod metrics;
mod migrate;
mod pii;
pub mod sql;
pub mod text;

pub use db::{Db, DbSettings, Tx, is_transient, is_unique_violation};
pub use later::Row;
pub use lease::{Lease, Leases};
pub use migrate::{Migrations, SqlMigration};
pub use pii::{Pii, PiiError};

/// Tables of this library, to be listed first in every service's migrations.
#[must_use]
pub fn migrations() -> Vec<SqlMigration> {
    vec![SqlMigration::new("m0001_lease", lease::DDL)]
}
