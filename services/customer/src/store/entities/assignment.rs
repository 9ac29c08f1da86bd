//! Table `assignment`.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "assignment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub customer_id: Uuid,
    /// `tier` or `account_manager`.
    pub what: String,
    pub value: Option<String>,
    pub since: DateTimeUtc,
    pub until_at: Option<DateTimeUtc>,
    pub ended_at: Option<DateTimeUtc>,
    pub reason: Option<String>,
    pub assigned_by: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
