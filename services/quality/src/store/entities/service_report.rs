//! Frozen monthly reports.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "service_report")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org: String,
    pub period: String,
    pub number: i32,
    #[sea_orm(column_type = "JsonBinary")]
    pub figures: Json,
    pub published_at: DateTimeUtc,
    pub published_by: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
