//! Table `timeline`.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "timeline")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    pub customer_id: Uuid,
    pub org: String,
    #[sea_orm(column_name = "type")]
    pub ty: String,
    pub at: DateTimeUtc,
    pub ticket_id: Option<Uuid>,
    pub actor: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub summary: Json,
    pub trace_id: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
