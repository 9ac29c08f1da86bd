//! One decision: this event by this workflow.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "request")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub event_id: Uuid,
    pub event_type: String,
    pub source: String,
    pub subject: String,
    pub event_time: DateTimeUtc,
    pub org: String,
    pub workflow: String,
    pub workflow_version: i32,
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    pub locale: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub data: Json,
    pub correlation_id: Option<Uuid>,
    pub traceparent: Option<String>,
    pub tracestate: Option<String>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
