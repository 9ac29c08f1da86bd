//! Replaces a trigger. Invitations that it led to keep the rule they were made under.

use kernel::{Context, Problem, codes};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};
use serde_json::json;
use store::Tx;
use uuid::Uuid;

use super::create_trigger::{self, Wanted};
use crate::{
    App,
    store::{
        entities::survey_trigger::{Column, Entity, Model},
        triggers,
    },
};

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    if_match: i64,
    wanted: Wanted,
) -> Result<Model, Problem> {
    let trigger = triggers::get(tx, &ctx.actor.org, id).await?;
    http::check_version(if_match, trigger.version)?;
    create_trigger::check(tx, ctx, &wanted).await?;
    let low = wanted.low_score.as_ref();
    let done = Entity::update_many()
        .col_expr(Column::Name, Expr::value(wanted.name))
        .col_expr(Column::SurveyId, Expr::value(wanted.survey_id))
        .col_expr(Column::Event, Expr::value(wanted.event.as_str()))
        .col_expr(Column::Filters, Expr::value(json!(wanted.filters)))
        .col_expr(Column::DelayMinutes, Expr::value(wanted.delay_minutes))
        .col_expr(Column::CoolDownDays, Expr::value(wanted.cool_down_days))
        .col_expr(Column::CoolDownAcrossDays, Expr::value(wanted.cool_down_across_days))
        .col_expr(Column::LowScoreQuestion, Expr::value(low.map(|l| l.question.clone())))
        .col_expr(Column::LowScoreMax, Expr::value(low.map(|l| l.max)))
        .col_expr(Column::ExpiresDays, Expr::value(wanted.expires_days))
        .col_expr(Column::Enabled, Expr::value(wanted.enabled))
        .col_expr(Column::UpdatedAt, Expr::value(app.clock.now()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(if_match))
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        return Err(Problem::of(&codes::PRECONDITION_FAILED));
    }
    triggers::get(tx, &ctx.actor.org, id).await
}
