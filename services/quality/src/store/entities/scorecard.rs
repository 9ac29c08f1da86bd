//! Scorecards; `version` is the ETag of the whole aggregate.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "scorecard")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org: String,
    pub key: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub title: Json,
    pub latest_published: Option<i32>,
    pub created_at: DateTimeUtc,
    pub created_by: String,
    pub version: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
