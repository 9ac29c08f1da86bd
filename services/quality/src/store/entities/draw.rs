//! Draws, with everything needed to repeat them.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "draw")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub plan_id: Uuid,
    pub org: String,
    pub period: String,
    pub seed: i64,
    pub frame_hash: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub frame: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub items: Json,
    pub drawn_at: DateTimeUtc,
    pub drawn_by: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
