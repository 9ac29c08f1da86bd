//! Table `customer`.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Enterprise: first segment of `org`.
    pub root_org: String,
    pub org: String,
    pub number: String,
    pub kind: String,
    pub name: String,
    pub latin_name: Option<String>,
    pub locale: String,
    pub phone_sealed: Option<String>,
    pub phone_valid: bool,
    pub email_sealed: Option<String>,
    pub email_valid: bool,
    pub address_sealed: Option<String>,
    pub tier: Option<String>,
    /// Version of the tier that the last event carried.
    pub tier_version: i64,
    pub tier_until: Option<DateTimeUtc>,
    pub account_manager: Option<String>,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub created_by: String,
    pub erased_at: Option<DateTimeUtc>,
    /// A former customer: they are known by another id now.
    pub merged_at: Option<DateTimeUtc>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
