//! Rectification orders: `open`, `done`, `verified`, `withdrawn`.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rectification")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org: String,
    pub evaluation_id: Option<Uuid>,
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    pub title: String,
    pub cause: String,
    pub owner: String,
    pub required_evidence: Option<String>,
    pub first_due_at: DateTimeUtc,
    pub due_at: DateTimeUtc,
    pub state: String,
    pub evidence: Option<String>,
    pub done_at: Option<DateTimeUtc>,
    pub verifier: Option<String>,
    pub verified_at: Option<DateTimeUtc>,
    pub reopen_count: i32,
    pub traceparent: Option<String>,
    pub created_at: DateTimeUtc,
    pub created_by: String,
    pub version: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
