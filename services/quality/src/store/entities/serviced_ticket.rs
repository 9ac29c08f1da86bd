//! Newest known state of every ticket; org, tier, level and agent stand as at the latest resolution.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "serviced_ticket")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub ticket_id: Uuid,
    pub org: String,
    pub number: String,
    pub kind: String,
    pub category: Option<String>,
    pub priority: String,
    pub channel: String,
    pub status: String,
    pub complaint_level: Option<String>,
    pub customer_id: Option<Uuid>,
    pub tier: Option<String>,
    pub parent_id: Option<Uuid>,
    pub agent: Option<String>,
    pub opened_at: DateTimeUtc,
    pub first_responded_at: Option<DateTimeUtc>,
    pub resolved_at: Option<DateTimeUtc>,
    pub closed_at: Option<DateTimeUtc>,
    pub reopen_count: i32,
    pub urge_count: i32,
    pub breached: bool,
    pub response_attained: Option<bool>,
    pub resolution_attained: Option<bool>,
    pub imported: bool,
    pub traceparent: Option<String>,
    pub version: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
