//! A ticket was resolved or closed: for every trigger that concerns it, one invitation or one
//! recorded skip, exactly once per ticket, trigger and cycle.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{survey::SurveySkipped, survey::SurveySubject, ticketing::TicketSnapshot};
use kernel::{Context, Locale, OrgPath, Problem};
use sea_orm::{EntityTrait, IntoActiveModel};
use store::Tx;
use uuid::Uuid;

use super::{defaults, send};
use crate::{
    App,
    domain::trigger::{LowScore, Skip, TriggerEvent, concerns, decide},
    store::{
        entities::{contact, invitation, survey, survey_trigger},
        invitations, triggers,
    },
};

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    event: TriggerEvent,
    ticket: &TicketSnapshot,
) -> Result<(), Problem> {
    let now = app.clock.now();
    let root = OrgPath::parse(&ticket.org)?.root();
    defaults::ensure(tx, ctx, &root, now).await?;
    for (trigger, survey) in triggers::active(tx, &root, event).await? {
        if concerns(&trigger.rule()?, event, ticket) {
            candidate(app, tx, ctx, &trigger, &survey, ticket, now).await?;
        }
    }
    Ok(())
}

async fn candidate(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    trigger: &survey_trigger::Model,
    survey: &survey::Model,
    ticket: &TicketSnapshot,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let root = OrgPath::parse(&ticket.org)?.root();
    let (opted_out, contacts) = match ticket.customer_id {
        Some(customer) => (
            invitations::lock_customer(tx, &root, customer, now).await?,
            invitations::contacts(tx, &root, customer, now).await?,
        ),
        None => (false, vec![]),
    };
    let earlier = invitations::earlier(tx, ticket.ticket_id, ticket.reopen_count).await?;
    let skip = decide(&trigger.rule()?, ticket, &earlier, &contacts, opted_out, now);
    let row = row(ctx, &Terms::of(trigger), survey, ticket, skip, now)?;
    invitation::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await?;
    if let Some(skip) = skip {
        let event = SurveySkipped {
            invitation_id: row.id,
            subject: row.survey_subject()?,
            reason: skip.reason().to_owned(),
        };
        events::emit(tx, ctx, now, &event).await?;
        return Ok(());
    }
    if let Some(customer_id) = ticket.customer_id {
        note_contact(tx, &row, customer_id).await?;
    }
    if trigger.delay_minutes == 0 {
        send::send(app, tx, ctx, row, now, false).await?;
    }
    Ok(())
}

/// Writes into the customer's ledger that he is asked.
pub async fn note_contact(
    tx: &Tx,
    row: &invitation::Model,
    customer_id: Uuid,
) -> Result<(), Problem> {
    let entry = contact::Model {
        invitation_id: row.id,
        root: row.root.clone(),
        customer_id,
        survey_id: row.survey_id,
        at: row.send_at,
    };
    contact::Entity::insert(entry.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// What an invitation takes over from whatever led to it.
pub struct Terms {
    pub trigger_id: Uuid,
    pub low_score: Option<LowScore>,
    pub expires_days: i32,
    pub delay_minutes: i32,
    /// Who invited by hand.
    pub invited_by: Option<String>,
}

impl Terms {
    fn of(trigger: &survey_trigger::Model) -> Self {
        Self {
            trigger_id: trigger.id,
            low_score: trigger.low_score(),
            expires_days: trigger.expires_days,
            delay_minutes: trigger.delay_minutes,
            invited_by: None,
        }
    }
}

/// The row of a candidate.
pub fn row(
    ctx: &Context,
    terms: &Terms,
    survey: &survey::Model,
    ticket: &TicketSnapshot,
    skip: Option<Skip>,
    now: DateTime<Utc>,
) -> Result<invitation::Model, Problem> {
    let survey_version = survey
        .current_version
        .ok_or_else(|| Problem::internal("an active trigger has a published survey"))?;
    let subject = SurveySubject {
        org: ticket.org.clone(),
        survey_key: survey.key.clone(),
        survey_version,
        ticket_id: Some(ticket.ticket_id),
        ticket_number: Some(ticket.number.clone()),
        kind: Some(ticket.kind.clone()),
        customer_id: ticket.customer_id,
        tier: ticket.tier.clone(),
        handler: ticket.handler.clone(),
        first_responder: ticket.first_responder.clone(),
        account_manager: ticket.account_manager.clone(),
    };
    let trace = events::current_trace(ctx);
    let low = terms.low_score.as_ref();
    Ok(invitation::Model {
        id: kernel::new_id(),
        org: ticket.org.clone(),
        root: OrgPath::parse(&ticket.org)?.root().to_string(),
        survey_id: survey.id,
        survey_version,
        trigger_id: terms.trigger_id,
        ticket_id: ticket.ticket_id,
        cycle: ticket.reopen_count,
        customer_id: ticket.customer_id,
        handler: ticket.handler.clone(),
        kind: Some(ticket.kind.clone()),
        tier: ticket.tier.clone(),
        subject: serde_json::to_value(&subject)?,
        locale: Locale::negotiate(&ticket.locale).tag().to_owned(),
        state: if skip.is_some() { "skipped" } else { "waiting" }.to_owned(),
        skip_reason: skip.map(|s| s.reason().to_owned()),
        token_hash: None,
        low_score_question: low.map(|l| l.question.clone()),
        low_score_max: low.map(|l| l.max),
        expires_days: terms.expires_days,
        send_at: now + TimeDelta::minutes(terms.delay_minutes.into()),
        invited_at: None,
        expires_at: None,
        delivered_at: None,
        bounced_at: None,
        bounce_reason: None,
        answered_at: None,
        event_id: None,
        correlation_id: ctx.correlation_id,
        traceparent: trace.traceparent,
        tracestate: trace.tracestate,
        version: 1,
        created_at: now,
        invited_by: terms.invited_by.clone(),
    })
}
