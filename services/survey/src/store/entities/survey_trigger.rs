//! Table `survey_trigger`: when a survey is sent.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "survey_trigger")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org: String,
    pub root: String,
    pub name: String,
    pub survey_id: Uuid,
    pub event: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub filters: Json,
    pub delay_minutes: i32,
    pub cool_down_days: i32,
    pub cool_down_across_days: i32,
    pub low_score_question: Option<String>,
    pub low_score_max: Option<i32>,
    pub expires_days: i32,
    pub enabled: bool,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
