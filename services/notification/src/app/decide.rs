//! An event has happened: whom does it concern? Runs in the event's own transaction.

use std::collections::HashMap;

use ::store::Tx;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::{
    Event,
    customer::{CustomerChanged, CustomerErased, CustomerRegistered},
};
use events::Envelope;
use kernel::{Context, Problem};

use super::{
    accept::{self, Matter},
    forget_customer,
    recipients::{self, Recipient},
};
use crate::{
    App,
    domain::{
        facts::Facts,
        wordless,
        workflow::{Channel, WORKFLOWS, Workflow},
    },
    store::{entities::request, ledger, people, workflows},
};

/// Writes the requests and deliveries that follow from `event`; answers whether there is anything
/// to be sent or shown.
pub async fn run(app: &App, tx: &Tx, ctx: &Context, event: &Envelope) -> Result<bool, Problem> {
    let now = app.clock.now();
    remember_customer(app, tx, ctx, event, now).await?;
    let facts = Facts::of(&event.ty, &event.data)?;
    let concerned = concerned(app, tx, event, &facts).await?;
    if concerned.is_empty() {
        return Ok(false);
    }
    let forgotten = match facts.customer_id {
        Some(id) => people::forgotten(tx, id).await?,
        None => false,
    };
    let wordless = forgotten.then(|| {
        let data = wordless::of(&event.ty, &event.data);
        Envelope { data, ..event.clone() }
    });
    let event = wordless.as_ref().unwrap_or(event);
    let stale = now - event.time > TimeDelta::hours(app.settings.stale_after_hours.into())
        || app.settings.silent_before.is_some_and(|before| event.time < before);
    for (workflow, told) in concerned {
        if !stale && recipients::nobody(&told) {
            tracing::warn!(workflow = workflow.key, org = event.org, event = %event.id, "nobody of the staff can be told, not even an administrator");
            let meters = app.meters.clone();
            tx.after_commit(move || meters.nobody(workflow.key));
        }
        let matter =
            open_request(tx, ctx, event, (workflow.key, workflow.version), &facts, now).await?;
        for recipient in &told {
            for channel in workflow.channels {
                let reason = suppression(app, recipient, *channel, stale);
                accept::run(app, tx, ctx, &matter, recipient, *channel, reason).await?;
            }
        }
    }
    Ok(true)
}

/// The workflows that have somebody to tell and have not done so yet. Most events concern partners
/// alone, and most installations have none who asks for them: that costs one query.
async fn concerned(
    app: &App,
    tx: &Tx,
    event: &Envelope,
    facts: &Facts,
) -> Result<Vec<(&'static Workflow, Vec<Recipient>)>, Problem> {
    let (partners, people): (Vec<&Workflow>, Vec<&Workflow>) = WORKFLOWS
        .iter()
        .filter(|w| w.takes(&event.ty, facts))
        .partition(|w| w.channels == [Channel::Webhook]);
    let mut concerned = vec![];
    for workflow in partners {
        let told = recipients::of(app, tx, event, workflow, facts).await?;
        if !told.is_empty() {
            concerned.push((workflow, told));
        }
    }
    if concerned.is_empty() && people.is_empty() {
        return Ok(vec![]);
    }
    let switches = workflows::effective(tx, &event.org).await?;
    let on = |w: &Workflow| switches.get(w.key).is_none_or(|switch| switch.enabled);
    concerned.retain(|(workflow, _)| on(workflow));
    for workflow in people.into_iter().filter(|w| on(w)) {
        let told = recipients::of(app, tx, event, workflow, facts).await?;
        if !told.is_empty() {
            concerned.push((workflow, told));
        }
    }
    let mut open = vec![];
    for (workflow, told) in concerned {
        if !ledger::decided(tx, event.id, workflow.key).await? {
            open.push((workflow, told));
        }
    }
    Ok(open)
}

/// Keeps the copy of a customer's name, addresses and language.
async fn remember_customer(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    event: &Envelope,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    if event.is::<CustomerErased>() {
        return forget_customer::run(app, tx, ctx, &event.parse()?).await;
    }
    let customer = if event.is::<CustomerRegistered>() {
        event.parse::<CustomerRegistered>()?.customer
    } else if event.ty == CustomerChanged::TYPE {
        event.parse::<CustomerChanged>()?.customer
    } else {
        return Ok(());
    };
    Ok(people::put_customer(tx, customer, now).await?)
}

/// Writes the decision itself.
pub async fn open_request(
    tx: &Tx,
    ctx: &Context,
    event: &Envelope,
    (workflow, version): (&str, i32),
    facts: &Facts,
    now: DateTime<Utc>,
) -> Result<Matter, Problem> {
    let trace = events::current_trace(ctx);
    let row = request::Model {
        id: kernel::new_id(),
        event_id: event.id,
        event_type: event.ty.clone(),
        source: event.source.clone(),
        subject: event.key.clone(),
        event_time: event.time,
        org: event.org.clone(),
        workflow: workflow.to_owned(),
        workflow_version: version,
        ticket_id: facts.ticket_id,
        customer_id: facts.customer_id,
        locale: facts.locale.clone(),
        data: event.data.clone(),
        correlation_id: event.correlation_id,
        traceparent: trace.traceparent,
        tracestate: trace.tracestate,
        created_at: now,
    };
    ledger::insert_request(tx, row.clone()).await?;
    let texts = HashMap::new().into();
    Ok(Matter { request: row, texts, sender: tokio::sync::OnceCell::new() })
}

/// Why a recipient is not told by a channel, if so; the words are part of the contract of
/// [`contracts::notification::NoticeSuppressed`].
fn suppression(
    app: &App,
    recipient: &Recipient,
    channel: Channel,
    stale: bool,
) -> Option<&'static str> {
    use crate::settings::MailKind;
    match channel {
        _ if recipient.absent => Some("no_recipient"),
        // A partner wants every fact, however late; people do not want old news.
        Channel::Webhook => recipient.barred,
        _ if stale => Some("stale"),
        Channel::Email if app.settings.email.kind == MailKind::None => Some("channel_off"),
        Channel::Email if !recipient.has_email => Some("no_address"),
        Channel::Email | Channel::Inbox => None,
    }
}
