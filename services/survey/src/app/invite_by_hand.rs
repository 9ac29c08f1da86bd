//! Somebody of the staff invites the customer of a settled ticket himself: the link is told to him
//! alone, and he passes it on by chat, by telephone or on paper.
//!
//! Opt-out and cool-downs hold as for triggers. Where a trigger has invited already, this is a
//! further link to the same invitation: the customer is still asked once and counted once.

use chrono::{DateTime, Utc};
use contracts::ticketing::TicketSnapshot;
use kernel::{Context, OrgPath, Problem};
use sea_orm::{EntityTrait, IntoActiveModel};
use store::Tx;
use uuid::Uuid;

use super::{
    defaults,
    invite::{self, Terms},
    open_invitation, send,
};
use crate::{
    App, codes,
    domain::trigger::{Rule, Skip, TriggerEvent, decide},
    messages,
    store::{
        entities::{invitation, survey, survey_trigger},
        invitations, surveys, tickets, triggers,
    },
};

/// An invitation that may be answered, with a link that is kept nowhere.
pub struct Invited {
    pub invitation: invitation::Model,
    pub link: String,
}

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    ticket_id: Uuid,
    survey_id: Uuid,
) -> Result<Invited, Problem> {
    let now = app.clock.now();
    let org = &ctx.actor.org;
    let survey = surveys::usable(tx, org, survey_id).await?;
    if survey.current_version.is_none() {
        return Err(Problem::of(&codes::SURVEY_NOT_PUBLISHED));
    }
    let ticket = tickets::settled(tx, org, ticket_id)
        .await?
        .ok_or_else(|| Problem::of(&codes::TICKET_NOT_SETTLED))?;
    let customer = ticket.customer_id.ok_or_else(|| refused(Skip::NoCustomer))?;
    let root = OrgPath::parse(&ticket.org)?.root();
    let opted_out = invitations::lock_customer(tx, &root, customer, now).await?;
    if opted_out {
        return Err(refused(Skip::OptedOut));
    }
    let cycle = ticket.reopen_count;
    let link = match invitations::of_ticket(tx, ticket_id, cycle, survey_id).await? {
        Some(row) if row.state == "waiting" => send::send(app, tx, ctx, row, now, true).await?,
        Some(row) => Some(further_link(app, tx, ctx, &row, now).await?),
        None => fresh(app, tx, ctx, &survey, &ticket, now).await?,
    };
    let link = link.ok_or_else(|| Problem::internal("an invitation could not be sent"))?;
    let invitation = invitations::of_ticket(tx, ticket_id, cycle, survey_id).await?;
    let invitation = invitation.ok_or_else(|| Problem::internal("the invitation is gone"))?;
    tracing::info!(target: "audit", by = ctx.actor.id, invitation = %invitation.id, "link to a survey handed out");
    Ok(Invited { invitation, link })
}

fn refused(why: Skip) -> Problem {
    Problem::of(&codes::INVITATION_REFUSED).detail(messages::skip(why))
}

async fn further_link(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    row: &invitation::Model,
    now: DateTime<Utc>,
) -> Result<String, Problem> {
    open_invitation::check(row, now)?;
    let token = send::new_token()?;
    invitations::add_link(tx, row.id, &token.hash(), &ctx.actor.id, now).await?;
    Ok(send::link(app, &token))
}

async fn fresh(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    survey: &survey::Model,
    ticket: &TicketSnapshot,
    now: DateTime<Utc>,
) -> Result<Option<String>, Problem> {
    let Some(customer) = ticket.customer_id else { return Err(refused(Skip::NoCustomer)) };
    let root = OrgPath::parse(&ticket.org)?.root();
    // What a trigger on this survey says of bad answers, expiry and cool-downs holds here too.
    let trigger = triggers::on_survey(tx, survey.id).await?;
    let contacts = invitations::contacts(tx, &root, customer, now).await?;
    if let Some(skip) = decide(&rule(survey, trigger.as_ref()), ticket, &[], &contacts, false, now)
    {
        return Err(refused(skip));
    }
    let terms = Terms {
        trigger_id: survey.id,
        low_score: trigger.as_ref().and_then(survey_trigger::Model::low_score),
        expires_days: trigger.map_or(defaults::EXPIRES_DAYS, |t| t.expires_days),
        delay_minutes: 0,
        invited_by: Some(ctx.actor.id.clone()),
    };
    let row = invite::row(ctx, &terms, survey, ticket, None, now)?;
    invitation::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await?;
    invite::note_contact(tx, &row, customer).await?;
    send::send(app, tx, ctx, row, now, true).await
}

fn rule(survey: &survey::Model, trigger: Option<&survey_trigger::Model>) -> Rule {
    let days = |of: fn(&survey_trigger::Model) -> i32| trigger.map_or(defaults::COOL_DOWN_DAYS, of);
    Rule {
        trigger_id: survey.id,
        survey_id: survey.id,
        org: survey.root.clone(),
        event: TriggerEvent::TicketResolved,
        filters: Default::default(),
        cool_down_days: days(|t| t.cool_down_days),
        cool_down_across_days: days(|t| t.cool_down_across_days),
    }
}
