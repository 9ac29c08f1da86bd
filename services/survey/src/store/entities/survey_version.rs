//! Table `survey_version`: a published version, never changed.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "survey_version")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub survey_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i32,
    pub definition: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub metrics: Json,
    pub hash: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub report: Json,
    pub published_at: DateTimeUtc,
    pub published_by: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
