//! One attempt: find the recipient's address and words, send, note what came of it.

use std::time::Instant;

use chrono::{DateTime, Utc};
use kernel::{Locale, Problem, TraceContext};
use tracing::Instrument;
use uuid::Uuid;

use super::{recipients, sender, settle, texts};
use crate::{
    App,
    channels::{mail::Mail, webhook::Call},
    domain::{
        cloud_event,
        rights::Standing,
        sealed::VEIL,
        template::{self, Texts},
        vars::{self, Opened, Surroundings},
        verdict::Verdict,
        workflow::Channel,
    },
    store::{
        endpoints::{self, ACTIVE},
        entities::{delivery, request},
        ledger, people, root_of,
    },
};

/// What came of an attempt.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub end: End,
    /// HTTP status or SMTP code.
    pub status: Option<u16>,
    pub error: Option<String>,
    /// First part of what the receiver answered.
    pub response: Option<String>,
    pub template_version: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Told(Verdict),
    /// Decided against at the last moment.
    Suppressed(&'static str),
}

impl Outcome {
    pub fn of(verdict: Verdict) -> Self {
        let end = End::Told(verdict);
        Self { end, status: None, error: None, response: None, template_version: None }
    }

    pub fn suppressed(reason: &'static str) -> Self {
        Self { end: End::Suppressed(reason), ..Self::of(Verdict::Permanent) }
    }

    /// A failure that may pass.
    pub fn retry(error: impl Into<String>) -> Self {
        let verdict = Verdict::Retry { retry_after: None, throttle: false };
        Self { error: Some(error.into()), ..Self::of(verdict) }
    }

    pub fn permanent(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::of(Verdict::Permanent) }
    }
}

/// Sends a delivery that this process holds the lease of, and settles it.
pub async fn run(app: &App, row: delivery::Model) -> Result<(), Problem> {
    let request = ledger::request(&app.db, row.request_id)
        .await?
        .ok_or_else(|| Problem::internal("a delivery without its request"))?;
    let trace = TraceContext {
        traceparent: request.traceparent.clone(),
        tracestate: request.tracestate.clone(),
        ..TraceContext::default()
    };
    let span = events::resume_span(&format!("deliver {}", row.channel), &trace);
    attempt(app, row, &request, trace).instrument(span).await
}

async fn attempt(
    app: &App,
    row: delivery::Model,
    request: &request::Model,
    trace: TraceContext,
) -> Result<(), Problem> {
    let (started, began) = (app.clock.now(), Instant::now());
    ::store::fault::point("delivery-before-send");
    let outcome = match Channel::parse(&row.channel) {
        Some(Channel::Email) => email(app, &row, request, started).await,
        Some(Channel::Webhook) => webhook(app, &row, request, started).await,
        Some(Channel::Inbox) | None => Ok(Outcome::permanent("nothing sends by this channel")),
    };
    let traceparent = trace.traceparent.as_deref();
    app.meters.attempt(&row.channel, began.elapsed().as_secs_f64(), traceparent);
    // A fault of our own (a text that does not render, a key that is missing) may be remedied.
    let outcome = outcome.unwrap_or_else(|problem| Outcome::retry(problem.to_string()));
    ::store::fault::point("delivery-before-settle");
    settle::run(app, row, trace, started, outcome).await
}

/// Who gets a mail, opened.
struct Addressee {
    name: String,
    email: Option<String>,
    locale: Locale,
}

async fn addressee(app: &App, row: &delivery::Model) -> Result<Option<Addressee>, Problem> {
    let open = |sealed: Option<String>| sealed.map(|s| app.pii.open(&s)).transpose();
    if row.recipient_kind == recipients::CUSTOMER {
        let id: Uuid = row.recipient.parse()?;
        let Some(customer) = people::customer(&app.db, id).await? else { return Ok(None) };
        return Ok(Some(Addressee {
            name: app.pii.open(&customer.name)?,
            email: open(customer.email)?,
            locale: Locale::negotiate(&customer.locale),
        }));
    }
    let found = people::staff(&app.db, &root_of(&row.org), &row.recipient).await?;
    let Some(member) = found.filter(|m| m.active) else { return Ok(None) };
    let locale = Locale::negotiate(&member.locale);
    Ok(Some(Addressee { name: member.name, email: open(member.email)?, locale }))
}

async fn email(
    app: &App,
    row: &delivery::Model,
    request: &request::Model,
    now: DateTime<Utc>,
) -> Result<Outcome, Problem> {
    let Some(to) = addressee(app, row).await? else {
        return Ok(Outcome::suppressed("no_recipient"));
    };
    let Some(address) = to.email else { return Ok(Outcome::suppressed("no_address")) };
    // An invitation speaks the language of its page, everything else the recipient's.
    let own = request.data.get("link").and(request.locale.as_deref());
    let locale = own.map_or(to.locale, Locale::negotiate);
    let (texts, version) = words(app, row, request, locale, &to.name, now).await?;
    let mail = Mail { id: row.id, to_name: to.name, to_address: address, texts, date: now };
    let outcome = app.channels.mailer.send(mail).await;
    Ok(Outcome { template_version: Some(version), ..outcome })
}

async fn words(
    app: &App,
    row: &delivery::Model,
    request: &request::Model,
    locale: Locale,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(Texts, i64), Problem> {
    let (org, workflow) = (&request.org, &request.workflow);
    let chosen = texts::choose(&app.db, org, workflow, Channel::Email, locale)
        .await?
        .ok_or_else(|| Problem::internal(format!("{workflow} has no e-mail text")))?;
    let sender = sender::nearest(&app.db, org).await?;
    let around = Surroundings {
        locale: chosen.locale,
        recipient: name,
        public_url: &app.public_url,
        sender: &sender,
        now,
        instead_of: row.instead_of.as_deref(),
    };
    // The words are the customer's; staff read them in the ticket, where rights count.
    let opened = if row.recipient_kind == recipients::CUSTOMER {
        open(app, request)?
    } else {
        Opened::default()
    };
    let vars = vars::of(&request.event_type, &request.data, around, opened);
    let reader = texts::reader(app, &sender, chosen.locale);
    Ok((template::render(&chosen.texts, &vars, reader, false)?, chosen.version))
}

/// What is sealed in the event for the person whom it is sent to. A veil stands for the words of
/// somebody who was erased.
fn open(app: &App, request: &request::Model) -> Result<Opened, Problem> {
    let sealed = |name: &str| {
        let text = request.data.get(name).and_then(serde_json::Value::as_str);
        text.filter(|text| *text != VEIL).map(|text| app.pii.open(text)).transpose()
    };
    Ok(Opened {
        link: sealed("link")?,
        reply: sealed("body")?,
        resolution: sealed("sealed_resolution")?,
    })
}

async fn webhook(
    app: &App,
    row: &delivery::Model,
    request: &request::Model,
    now: DateTime<Utc>,
) -> Result<Outcome, Problem> {
    let id: Uuid = row.recipient.parse()?;
    let endpoint = endpoints::any(&app.db, id).await?;
    let Some(endpoint) = endpoint.filter(|e| e.state == ACTIVE) else {
        return Ok(Outcome::suppressed(recipients::ENDPOINT_DISABLED));
    };
    // Rights may have shrunk since it was decided, or since it was first sent.
    if recipients::standing(app, &endpoint, &request.event_type)? != Standing::Granted {
        return Ok(Outcome::suppressed(recipients::RIGHT_LAPSED));
    }
    let sealed = endpoints::secrets(&app.db, id, now).await?;
    let secrets = sealed.iter().map(|s| app.pii.open(&s.secret)).collect::<Result<Vec<_>, _>>()?;
    let body = cloud_event::structured(&cloud_event::Attributes {
        id: request.event_id,
        source: &request.source,
        ty: &request.event_type,
        subject: &request.subject,
        time: request.event_time,
        org: &request.org,
        correlation_id: request.correlation_id,
        data: &request.data,
    });
    let call = Call {
        id: row.id,
        url: endpoint.url,
        secrets,
        body,
        timestamp: now.timestamp(),
        traceparent: request.traceparent.clone(),
    };
    Ok(app.channels.webhooks.send(call).await)
}
