//! The ledger: one message to one recipient by one channel.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub request_id: Uuid,
    pub event_id: Uuid,
    pub org: String,
    pub workflow: String,
    pub channel: String,
    pub recipient_kind: String,
    pub recipient: String,
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    pub lane: String,
    pub state: String,
    pub reason: Option<String>,
    pub attempts: i32,
    pub round_start: i32,
    pub next_attempt_at: Option<DateTimeUtc>,
    pub lease_token: Option<Uuid>,
    pub lease_until: Option<DateTimeUtc>,
    pub last_error: Option<String>,
    pub template_version: Option<i64>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub delivered_at: Option<DateTimeUtc>,
    /// Role that nobody holds, where the recipient is told in its place.
    pub instead_of: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
