//! Table `tier`.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tier")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub root_org: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// 1 is the highest.
    pub rank: i32,
    pub name_zh: String,
    pub name_en: String,
    pub sla_policy: Option<String>,
    pub channel: Option<String>,
    pub revisit_days: Option<i32>,
    pub version: i64,
    pub refreshed_version: i64,
    pub updated_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
