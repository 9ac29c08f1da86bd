//! What the notification service says about the delivery of an invitation.

use contracts::notification::Notice;
use kernel::{Context, OrgPath, Problem};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};
use store::Tx;

use crate::{
    App,
    store::{
        entities::invitation::{Column, Entity},
        invitations,
    },
};

/// The customer has it: by whichever channel first.
pub async fn delivered(app: &App, tx: &Tx, notice: &Notice) -> Result<(), Problem> {
    let Some(row) = invitation_of(tx, notice).await? else { return Ok(()) };
    Entity::update_many()
        .col_expr(Column::DeliveredAt, Expr::value(app.clock.now()))
        // One channel failed, another did not: he has got it.
        .col_expr(Column::BouncedAt, Expr::value(None::<chrono::DateTime<chrono::Utc>>))
        .col_expr(Column::BounceReason, Expr::value(None::<String>))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(row.id))
        .filter(Column::DeliveredAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// The customer does not get it: it leaves the denominator of the response rate.
pub async fn bounced(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    notice: &Notice,
    reason: &str,
) -> Result<(), Problem> {
    let Some(row) = invitation_of(tx, notice).await? else { return Ok(()) };
    let now = app.clock.now();
    Entity::update_many()
        .col_expr(Column::BouncedAt, Expr::value(now))
        .col_expr(Column::BounceReason, Expr::value(reason.chars().take(200).collect::<String>()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(row.id))
        .filter(Column::DeliveredAt.is_null())
        .exec(tx)
        .await?;
    if reason == "opted_out"
        && let Some(customer) = row.customer_id
    {
        invitations::set_opt_out(
            tx,
            &OrgPath::parse(&row.root)?,
            customer,
            Some(&ctx.actor.id),
            now,
        )
        .await?;
    }
    Ok(())
}

async fn invitation_of(
    tx: &Tx,
    notice: &Notice,
) -> Result<Option<crate::store::entities::invitation::Model>, Problem> {
    if notice.recipient_kind != "customer" {
        return Ok(None);
    }
    Ok(invitations::by_event(tx, notice.cause_id).await?)
}
