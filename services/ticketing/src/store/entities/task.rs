//! What another department was asked to do (协办单).

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub ticket_id: Uuid,
    pub department: String,
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub body: Option<String>,
    pub mandatory: bool,
    pub state: String,
    pub due_at: Option<DateTimeUtc>,
    pub opened_at: DateTimeUtc,
    pub opened_by: String,
    pub ended_at: Option<DateTimeUtc>,
    pub ended_by: Option<String>,
    pub note: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
