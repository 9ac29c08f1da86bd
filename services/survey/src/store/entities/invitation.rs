//! Table `invitation`: one candidate: invited, waiting or skipped.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invitation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org: String,
    pub root: String,
    pub survey_id: Uuid,
    pub survey_version: i32,
    pub trigger_id: Uuid,
    pub ticket_id: Uuid,
    pub cycle: i32,
    pub customer_id: Option<Uuid>,
    pub handler: Option<String>,
    pub kind: Option<String>,
    pub tier: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub subject: Json,
    pub locale: String,
    pub state: String,
    pub skip_reason: Option<String>,
    pub token_hash: Option<String>,
    pub low_score_question: Option<String>,
    pub low_score_max: Option<i32>,
    pub expires_days: i32,
    pub send_at: DateTimeUtc,
    pub invited_at: Option<DateTimeUtc>,
    pub expires_at: Option<DateTimeUtc>,
    pub delivered_at: Option<DateTimeUtc>,
    pub bounced_at: Option<DateTimeUtc>,
    pub bounce_reason: Option<String>,
    pub answered_at: Option<DateTimeUtc>,
    pub event_id: Option<Uuid>,
    pub correlation_id: Option<Uuid>,
    pub traceparent: Option<String>,
    pub tracestate: Option<String>,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub invited_by: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
