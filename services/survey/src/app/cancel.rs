//! A ticket was reopened: invitations about it that have not gone out yet stay unsent.

use contracts::survey::SurveySkipped;
use kernel::{Context, Problem};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};
use store::Tx;
use uuid::Uuid;

use crate::{
    App,
    domain::trigger::Skip,
    store::{
        entities::{
            contact,
            invitation::{Column, Entity},
        },
        invitations,
    },
};

pub async fn run(app: &App, tx: &Tx, ctx: &Context, ticket_id: Uuid) -> Result<(), Problem> {
    let now = app.clock.now();
    let reason = Skip::Reopened.reason();
    for row in invitations::waiting_of(tx, ticket_id).await? {
        let done = Entity::update_many()
            .col_expr(Column::State, Expr::value("skipped"))
            .col_expr(Column::SkipReason, Expr::value(reason))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .filter(Column::Id.eq(row.id))
            .filter(Column::State.eq("waiting"))
            .exec(tx)
            .await?;
        if done.rows_affected == 0 {
            continue;
        }
        // He was not asked, so he may be.
        contact::Entity::delete_by_id(row.id).exec(tx).await?;
        let event = SurveySkipped {
            invitation_id: row.id,
            subject: row.survey_subject()?,
            reason: reason.to_owned(),
        };
        events::emit(tx, ctx, now, &event).await?;
    }
    Ok(())
}
