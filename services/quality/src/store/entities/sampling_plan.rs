//! Sampling plans.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sampling_plan")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub title: Json,
    pub active: bool,
    pub scorecard_id: Option<Uuid>,
    pub quota: i32,
    #[sea_orm(column_type = "JsonBinary")]
    pub kinds: Json,
    pub include_imported: bool,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub risk: Option<Json>,
    #[sea_orm(column_type = "JsonBinary")]
    pub inspectors: Json,
    pub created_at: DateTimeUtc,
    pub created_by: String,
    pub version: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
