//! Read model of customers, fed by their events.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "customer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org: String,
    /// Units that may see the customer; absent where only `org` is known.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub orgs: Option<Json>,
    pub number: String,
    pub locale: String,
    pub tier: Option<String>,
    pub sla_policy: Option<String>,
    pub account_manager: Option<String>,
    pub version: i64,
    pub erased_at: Option<DateTimeUtc>,
}

impl Model {
    /// Units that may see the customer.
    pub fn units(&self) -> impl Iterator<Item = &str> {
        let told = self.orgs.as_ref().and_then(Json::as_array).filter(|told| !told.is_empty());
        let only = told.is_none().then_some(self.org.as_str());
        told.into_iter().flatten().filter_map(Json::as_str).chain(only)
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
