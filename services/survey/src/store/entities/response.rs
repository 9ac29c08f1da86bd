//! Table `response`: an answered invitation.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "response")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org: String,
    pub root: String,
    pub survey_id: Uuid,
    pub survey_version: i32,
    pub invitation_id: Uuid,
    pub state: String,
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    pub handler: Option<String>,
    pub kind: Option<String>,
    pub tier: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub subject: Json,
    pub locale: String,
    pub csat: Option<i32>,
    pub nps: Option<i32>,
    pub settled: Option<bool>,
    pub comment: Option<String>,
    pub low: bool,
    pub follow_up_id: Option<Uuid>,
    pub follow_up_number: Option<String>,
    pub follow_up_state: Option<String>,
    pub follow_up_at: Option<DateTimeUtc>,
    pub answered_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
