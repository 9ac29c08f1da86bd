//! Table `source_record`.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "source_record")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub root_org: String,
    pub org: String,
    pub source: String,
    pub source_key: String,
    /// Sealed JSON of the input.
    pub received: String,
    /// Sealed JSON of [`crate::domain::record::Record`].
    pub normalised: String,
    /// Keyed hash of the input: equal means unchanged.
    pub fingerprint: String,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
