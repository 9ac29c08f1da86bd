//! Evaluations: `draft`, `published`, `appealed`, `final`.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "evaluation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub inspection_id: Uuid,
    pub org: String,
    pub agent: Option<String>,
    pub scorecard_id: Uuid,
    pub scorecard_version: i32,
    pub scorer: String,
    pub state: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub answers: Json,
    pub comment: Option<String>,
    pub score: Option<f64>,
    pub fatal: bool,
    #[sea_orm(column_type = "JsonBinary")]
    pub result: Json,
    pub published_at: Option<DateTimeUtc>,
    pub appeal_until: Option<DateTimeUtc>,
    pub final_at: Option<DateTimeUtc>,
    pub final_reason: Option<String>,
    pub created_at: DateTimeUtc,
    pub version: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(has_one = "super::appeal::Entity")]
    Appeal,
    #[sea_orm(
        belongs_to = "super::inspection::Entity",
        from = "Column::InspectionId",
        to = "super::inspection::Column::Id"
    )]
    Inspection,
}

impl Related<super::inspection::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Inspection.def()
    }
}

impl Related<super::appeal::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Appeal.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
