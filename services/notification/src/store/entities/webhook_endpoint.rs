//! Endpoints of partners; `state` is `active`, `disabled` or `deleted`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_endpoint")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org: String,
    pub name: String,
    pub url: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub event_types: Json,
    pub state: String,
    pub state_reason: Option<String>,
    pub failing_since: Option<DateTimeUtc>,
    pub paused_until: Option<DateTimeUtc>,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// `user:…` or `client:…`; absent: it is from before owners were known.
    pub owner: Option<String>,
    /// The owner's rights, see [`crate::domain::rights`].
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub rights: Option<Json>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
