//! `/api/v1/invitations`: who was asked, who was not and why; and opt-outs.

use actix_web::{delete, get, post, web::Data};
use chrono::{DateTime, Utc};
use http::{Allowed, Created, Idempotent, Path, Query, may};
use kernel::{Actor, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{PageOf, page_query};
use crate::{
    App,
    app::{invite_by_hand, opt_out},
    store::{entities::invitation, invitations},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    Waiting,
    Sent,
    Answered,
    Skipped,
}

/// One candidate of a trigger.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationView {
    id: Uuid,
    org: String,
    survey_id: Uuid,
    survey_version: i32,
    /// Absent where somebody invited by hand.
    trigger_id: Option<Uuid>,
    /// Who invited by hand; withheld from whoever inspects blind.
    invited_by: Option<String>,
    ticket_id: Uuid,
    /// How often the ticket had been reopened.
    cycle: i32,
    customer_id: Option<Uuid>,
    /// `waiting`, `sent`, `answered`, `skipped`.
    state: String,
    /// Why nobody was asked: `cool_down`, `no_customer`, `internal`, `opted_out`, `duplicate`, `reopened`.
    skip_reason: Option<String>,
    locale: String,
    send_at: DateTime<Utc>,
    invited_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    bounced_at: Option<DateTime<Utc>>,
    bounce_reason: Option<String>,
    answered_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl InvitationView {
    fn of(row: invitation::Model, actor: &Actor) -> Self {
        Self {
            id: row.id,
            org: row.org,
            survey_id: row.survey_id,
            survey_version: row.survey_version,
            trigger_id: row.invited_by.is_none().then_some(row.trigger_id),
            invited_by: actor.may_know(row.invited_by),
            ticket_id: row.ticket_id,
            cycle: row.cycle,
            customer_id: row.customer_id,
            state: row.state,
            skip_reason: row.skip_reason,
            locale: row.locale,
            send_at: row.send_at,
            invited_at: row.invited_at,
            expires_at: row.expires_at,
            delivered_at: row.delivered_at,
            bounced_at: row.bounced_at,
            bounce_reason: row.bounce_reason,
            answered_at: row.answered_at,
            created_at: row.created_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[param(max_length = 1000, nullable = false)]
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 200, nullable = false)]
    limit: Option<u32>,
    #[param(nullable = false)]
    total: Option<bool>,
    #[param(inline, nullable = false)]
    state: Option<InvitationState>,
    #[param(nullable = false)]
    ticket_id: Option<Uuid>,
    #[param(nullable = false)]
    customer_id: Option<Uuid>,
}

/// Invitations and recorded skips, newest first.
#[utoipa::path(tag = "invitations", security(("bearer" = ["survey:read"])), params(ListQuery), responses((status = 200, description = "a page", body = PageOf<InvitationView>)))]
#[get("/api/v1/invitations")]
pub async fn list_invitations(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    query: Query<ListQuery>,
) -> http::Result {
    let ListQuery { cursor, limit, total, state, ticket_id, customer_id } = query.0;
    let page = page_query(cursor, limit, total);
    let state = state
        .map(|s| serde_json::to_value(s).map(|v| v.as_str().unwrap_or_default().to_owned()))
        .transpose()?;
    let filter = invitations::Filter { state, ticket_id, customer_id };
    let (rows, total) = invitations::list(&app.db, caller.org(), &filter, &page).await?;
    let page = Page::of(
        rows,
        page.limit()?,
        &format!("invitations {filter:?}"),
        |r| r.id,
        |row| InvitationView::of(row, caller.actor()),
    );
    Ok(http::ok(&PageOf::of(page, total)))
}

#[utoipa::path(tag = "invitations", security(("bearer" = ["survey:read"])), params(("id" = Uuid, Path)), responses((status = 200, description = "the invitation", body = InvitationView)))]
#[get("/api/v1/invitations/{id}")]
pub async fn get_invitation(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    id: Path<Uuid>,
) -> http::Result {
    let found = invitations::get(&app.db, caller.org(), id.0).await?;
    Ok(http::ok(&InvitationView::of(found, caller.actor())))
}

/// Whom to invite by hand: the customer of a resolved or closed ticket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    ticket_id: Uuid,
    survey_id: Uuid,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct InvitedView {
    invitation: InvitationView,
    /// Link to the answer page, to be passed on to the customer. No other answer tells it.
    link: String,
}

/// Invites the customer of a settled ticket by hand, for a chat, a call or a QR code: nothing is sent.
///
/// Where he is invited already and has not answered, this is a further link to the same invitation.
/// Opt-out and cool-downs are respected (`invitation-refused` names the reason).
#[utoipa::path(tag = "invitations", security(("bearer" = ["survey:invite"])), params(http::IdempotencyHeader), request_body = NewInvitation,
    responses((status = 201, description = "the invitation and its link", body = InvitedView),
        (status = 404, description = "there is no such survey or ticket"),
        (status = 410, description = "answered already, or too late")))]
#[post("/api/v1/invitations")]
pub async fn post_invitation(
    app: Data<App>,
    caller: Allowed<may::SurveyInvite>,
    input: Idempotent<NewInvitation>,
) -> http::Result {
    let ctx = caller.context();
    let invite = async |tx: &store::Tx, body: NewInvitation| {
        let invited = invite_by_hand::run(&app, tx, &ctx, body.ticket_id, body.survey_id).await?;
        let location = format!("/api/v1/invitations/{}", invited.invitation.id);
        let invitation = InvitationView::of(invited.invitation, &ctx.actor);
        Ok(Created {
            location,
            version: None,
            body: InvitedView { invitation, link: invited.link },
        })
    };
    input.create(&app.db, &ctx, invite).await
}

/// A customer who is not asked any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOptOut {
    customer_id: Uuid,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OptOutView {
    customer_id: Uuid,
    since: DateTime<Utc>,
    /// `customer` through the answer page, `system` on a notice's word, `erasure`, else a user, who
    /// is withheld from whoever inspects blind.
    by: Option<String>,
}

/// The customer, one that the caller's unit may see, is not asked any more by any survey of the
/// enterprise.
#[utoipa::path(tag = "invitations", security(("bearer" = ["survey:admin"])), params(http::IdempotencyHeader), request_body = NewOptOut,
    responses((status = 201, description = "noted", body = OptOutView)))]
#[post("/api/v1/survey-opt-outs")]
pub async fn post_opt_out(
    app: Data<App>,
    caller: Allowed<may::SurveyAdmin>,
    input: Idempotent<NewOptOut>,
) -> http::Result {
    let ctx = caller.context();
    let note = async |tx: &store::Tx, body: NewOptOut| {
        let (since, by) = opt_out::set(&app, tx, &ctx, body.customer_id).await?;
        let by = opt_out::known_to(&ctx.actor, by);
        let body = OptOutView { customer_id: body.customer_id, since, by };
        Ok(Created {
            location: format!("/api/v1/survey-opt-outs/{}", body.customer_id),
            version: None,
            body,
        })
    };
    input.create(&app.db, &ctx, note).await
}

/// Whether and since when the customer is not asked any more; 404 when he is.
#[utoipa::path(tag = "invitations", security(("bearer" = ["survey:read"])), params(("customer_id" = Uuid, Path)), responses((status = 200, description = "the opt-out", body = OptOutView)))]
#[get("/api/v1/survey-opt-outs/{customer_id}")]
pub async fn get_opt_out(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    customer_id: Path<Uuid>,
) -> http::Result {
    let (since, by) = opt_out::read(&app, caller.org(), customer_id.0).await?;
    let by = opt_out::known_to(caller.actor(), by);
    Ok(http::ok(&OptOutView { customer_id: customer_id.0, since, by }))
}

/// The customer may be asked again.
#[utoipa::path(tag = "invitations", security(("bearer" = ["survey:admin"])), params(("customer_id" = Uuid, Path)), responses((status = 204, description = "noted")))]
#[delete("/api/v1/survey-opt-outs/{customer_id}")]
pub async fn delete_opt_out(
    app: Data<App>,
    caller: Allowed<may::SurveyAdmin>,
    customer_id: Path<Uuid>,
) -> http::Result {
    let ctx = caller.context();
    http::write(&app.db, async |tx| opt_out::lift(&app, tx, &ctx, customer_id.0).await).await?;
    Ok(http::no_content())
}
