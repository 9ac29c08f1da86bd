//! Table `pii_access_log`.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pii_access_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub customer_id: Uuid,
    pub actor: String,
    pub actor_kind: String,
    /// `customer`, `contacts` or `reach`: seen unmasked; `erasure`.
    pub what: String,
    pub purpose: Option<String>,
    pub trace_id: Option<String>,
    pub at: DateTimeUtc,
    /// Ticket for whose sake it was seen.
    pub ticket_id: Option<Uuid>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
