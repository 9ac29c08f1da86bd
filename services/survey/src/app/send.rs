//! Sends an invitation: makes its token, keeps the hash, and gives the sealed link to whoever
//! delivers it.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{Sealed, survey::SurveyInvited};
use kernel::{Context, OrgPath, Problem};
use rand::{TryRngCore, rngs::OsRng};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};
use store::Tx;
use tracing::Instrument;

use crate::{
    App,
    domain::token::Token,
    store::{
        entities::invitation::{Column, Entity, Model},
        invitations,
    },
};

/// Sends what is due, each in its own transaction and in the trace of its ticket; one that fails
/// does not hold up the others.
pub async fn run_due(app: &App) -> Result<(), Problem> {
    let now = app.clock.now();
    for row in invitations::due(&app.db, now, app.settings.send_batch).await? {
        let span = events::resume_span("send invitation", &row.trace());
        let id = row.id;
        if let Err(problem) = send_alone(app, row, now).instrument(span).await {
            tracing::error!(invitation = %id, %problem, "an invitation could not be sent and will be tried again");
        }
    }
    Ok(())
}

async fn send_alone(app: &App, row: Model, now: DateTime<Utc>) -> Result<(), Problem> {
    let mut ctx = Context::system(OrgPath::parse(&row.org)?, row.trace());
    ctx.correlation_id = row.correlation_id;
    let tx = app.db.begin().await?;
    send(app, &tx, &ctx, row, now, false).await?;
    Ok(tx.commit().await?)
}

/// A token that nobody can guess.
pub fn new_token() -> Result<Token, Problem> {
    let mut random = [0; 32];
    OsRng.try_fill_bytes(&mut random)?;
    Ok(Token::new(random))
}

/// Where a token leads.
pub fn link(app: &App, token: &Token) -> String {
    format!("{}/s/{}", app.public_url, token.as_str())
}

/// Sends a waiting invitation; one that is not waiting any more is left alone. Answers the link;
/// `by_hand` leaves it to the caller to pass it on.
pub async fn send(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    row: Model,
    now: DateTime<Utc>,
    by_hand: bool,
) -> Result<Option<String>, Problem> {
    let token = new_token()?;
    let expires_at = now + TimeDelta::days(row.expires_days.into());
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value("sent"))
        .col_expr(Column::TokenHash, Expr::value(token.hash()))
        .col_expr(Column::InvitedAt, Expr::value(now))
        .col_expr(Column::ExpiresAt, Expr::value(expires_at))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(row.id))
        .filter(Column::State.eq("waiting"))
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        return Ok(None);
    }
    let link = link(app, &token);
    let event = SurveyInvited {
        invitation_id: row.id,
        subject: row.survey_subject()?,
        link: Sealed(app.pii.seal(&link)),
        locale: row.locale,
        expires_at,
        by_hand,
    };
    let event_id = events::emit(tx, ctx, now, &event).await?;
    Entity::update_many()
        .col_expr(Column::EventId, Expr::value(event_id))
        .filter(Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    Ok(Some(link))
}
