//! Appeals: `lodged`, `decided`.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "appeal")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub evaluation_id: Uuid,
    pub inspection_id: Uuid,
    pub org: String,
    pub appellant: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub items: Json,
    pub state: String,
    pub lodged_at: DateTimeUtc,
    pub outcome: Option<String>,
    pub reason: Option<String>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub changes: Option<Json>,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "JsonBinary")]
    pub answers_before: Json,
    pub score_before: Option<f64>,
    pub score_after: Option<f64>,
    pub version: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::evaluation::Entity",
        from = "Column::EvaluationId",
        to = "super::evaluation::Column::Id"
    )]
    Evaluation,
}

impl Related<super::evaluation::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Evaluation.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
