//! One clock of one ticket: a metric in its nth cycle.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "timer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub ticket_id: Uuid,
    pub metric: String,
    pub cycle: i32,
    pub task_id: Option<Uuid>,
    pub state: String,
    pub policy: Option<String>,
    pub policy_version: Option<i64>,
    /// Every policy that has a part in the terms, first the one above; absent where there is only it.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub policies: Option<Json>,
    pub calendar: String,
    pub calendar_version: i64,
    pub target_us: i64,
    #[sea_orm(column_type = "JsonBinary")]
    pub terms: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub fired: Json,
    pub pause_count: i32,
    pub started_at: DateTimeUtc,
    pub due_at: Option<DateTimeUtc>,
    pub ended_at: Option<DateTimeUtc>,
    pub next_fire_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
