//! Directory of staff; the e-mail address is sealed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "staff")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub root: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    pub org: String,
    pub name: String,
    pub email: Option<String>,
    pub locale: String,
    pub active: bool,
    pub version: i64,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
