//! Table `suspected_duplicate`.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "suspected_duplicate")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub root_org: String,
    /// Both ids in order.
    pub pair: String,
    /// The customer who came later; a former one after `same`.
    pub newcomer_id: Uuid,
    pub known_id: Uuid,
    /// Kinds of the identifiers that are equal, with commas between.
    pub matched_on: String,
    pub state: String,
    pub version: i64,
    pub suspected_at: DateTimeUtc,
    pub agreed_by: Option<String>,
    pub agreed_at: Option<DateTimeUtc>,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTimeUtc>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
