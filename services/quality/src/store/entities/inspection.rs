//! Inspections: `open`, `assigned`, `published`.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "inspection")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org: String,
    pub ticket_id: Option<Uuid>,
    pub ticket_number: Option<String>,
    pub customer_id: Option<Uuid>,
    pub kind: Option<String>,
    pub tier: Option<String>,
    pub complaint_level: Option<String>,
    pub agent: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub reasons: Json,
    pub plan_id: Option<Uuid>,
    pub draw_id: Option<Uuid>,
    pub period: Option<String>,
    pub scorecard_id: Option<Uuid>,
    pub inspector: Option<String>,
    pub state: String,
    pub traceparent: Option<String>,
    pub created_at: DateTimeUtc,
    pub version: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
