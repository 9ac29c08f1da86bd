//! One matter of one customer (工单).

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org: String,
    pub root: String,
    pub number: String,
    pub kind: String,
    pub category: Option<String>,
    pub priority: String,
    pub status: String,
    pub status_reason: Option<String>,
    pub complaint_level: Option<String>,
    pub subject: String,
    pub channel: String,
    pub locale: String,
    pub customer_id: Option<Uuid>,
    pub tier: Option<String>,
    pub sla_policy: Option<String>,
    pub account_manager: Option<String>,
    pub queue: Option<String>,
    pub department: Option<String>,
    pub first_responder: Option<String>,
    pub handler: Option<String>,
    pub parent_id: Option<Uuid>,
    pub repeat_of: Option<Uuid>,
    pub origin_kind: Option<String>,
    pub origin_id: Option<Uuid>,
    pub external_ref: Option<String>,
    /// Named source of `external_ref`; without it, the reference is one of `opened_by`'s own.
    pub external_source: Option<String>,
    pub import_source: Option<String>,
    pub import_number: Option<String>,
    pub opened_by: String,
    pub opened_at: DateTimeUtc,
    pub first_responded_at: Option<DateTimeUtc>,
    pub resolved_at: Option<DateTimeUtc>,
    pub closed_at: Option<DateTimeUtc>,
    pub auto_close_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text")]
    pub resolution: Option<String>,
    pub reopen_count: i32,
    pub transfer_count: i32,
    pub urge_count: i32,
    pub escalation_level: i32,
    pub breached: bool,
    pub resolution_attained: Option<bool>,
    pub response_attained: Option<bool>,
    pub traceparent: Option<String>,
    pub updated_at: DateTimeUtc,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
