//! Deletes a trigger. What it led to stays, with the rule it was made under.

use kernel::{Context, Problem, codes};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use store::Tx;
use uuid::Uuid;

use crate::store::{entities::survey_trigger, triggers};

pub async fn run(tx: &Tx, ctx: &Context, id: Uuid, if_match: i64) -> Result<(), Problem> {
    let trigger = triggers::get(tx, &ctx.actor.org, id).await?;
    http::check_version(if_match, trigger.version)?;
    let done = survey_trigger::Entity::delete_many()
        .filter(survey_trigger::Column::Id.eq(id))
        .filter(survey_trigger::Column::Version.eq(if_match))
        .exec(tx)
        .await?;
    if done.rows_affected == 0 { Err(Problem::of(&codes::PRECONDITION_FAILED)) } else { Ok(()) }
}
