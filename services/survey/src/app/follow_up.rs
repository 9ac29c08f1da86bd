//! The follow-up ticket of a bad answer, and what becomes of it, are kept beside the response.

use contracts::ticketing::TicketSnapshot;
use kernel::Problem;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use store::Tx;

use crate::{
    App,
    store::{
        entities::response::{Column, Entity},
        responses,
    },
};

/// Kind of origin that ticketing gives to tickets opened for a response.
const ORIGIN: &str = "survey_response";

/// A ticket was opened; if it follows up a response, the response gets to know it.
pub async fn opened(app: &App, tx: &Tx, ticket: &TicketSnapshot) -> Result<(), Problem> {
    let Some(origin) = ticket.origin.as_ref().filter(|o| o.kind == ORIGIN) else { return Ok(()) };
    let done = Entity::update_many()
        .col_expr(Column::FollowUpId, Expr::value(ticket.ticket_id))
        .col_expr(Column::FollowUpNumber, Expr::value(ticket.number.clone()))
        .col_expr(Column::FollowUpState, Expr::value("open"))
        .col_expr(Column::FollowUpAt, Expr::value(app.clock.now()))
        .filter(Column::Id.eq(origin.id))
        .filter(Column::FollowUpId.is_null())
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        tracing::warn!(response = %origin.id, ticket = %ticket.ticket_id, "a follow-up ticket names no response that waits for one");
    }
    Ok(())
}

/// A ticket is now `resolved`, `closed` or `open` again.
pub async fn moved(
    app: &App,
    tx: &Tx,
    ticket: &TicketSnapshot,
    state: &str,
) -> Result<(), Problem> {
    if ticket.origin.as_ref().is_none_or(|o| o.kind != ORIGIN) {
        return Ok(());
    }
    let Some(response) = responses::by_follow_up(tx, ticket.ticket_id).await? else {
        return Ok(());
    };
    Entity::update_many()
        .col_expr(Column::FollowUpState, Expr::value(state))
        .col_expr(Column::FollowUpAt, Expr::value(app.clock.now()))
        .filter(Column::Id.eq(response.id))
        .exec(tx)
        .await?;
    Ok(())
}
