//! A step of a timer that has fired; `told` is false where it passed in silence.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "timer_fire")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub timer_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: String,
    pub planned_at: DateTimeUtc,
    pub fired_at: DateTimeUtc,
    pub told: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
