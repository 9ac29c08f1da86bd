//! Takes a matter: from a caller, from a customer who writes too late, or from a bad survey answer.

use chrono::{DateTime, Datelike, Utc};
use kernel::{Context, Fields, Locale, OrgPath, Problem, limits, messages as shared, new_id};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Deserialize;
use store::{Tx, sql};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App,
    change_ticket::check_level,
    edit::{Edit, actor_kind},
    external_ref::{self, Reference},
    facts::{Escalation, Fact},
    known,
    known_customer::{Meant, meant},
    numbers::number_text,
    timers::{Start, Timer},
};
use crate::{
    domain::{
        escalation::{REPEAT_WINDOW, one_level_up},
        lifecycle::Status,
        sla::Facts,
        words,
    },
    store::{
        configs::Config,
        entities::{article, customer, ticket},
    },
};

/// How a matter reached us where the caller does not say.
pub(super) const DEFAULT_CHANNEL: &str = "api";

/// A new ticket.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    /// Key of a configured kind, e.g. `complaint`.
    #[schema(min_length = 1, max_length = 64)]
    pub kind: String,
    #[schema(min_length = 1, max_length = 200)]
    pub subject: String,
    /// What the customer says; becomes the first article.
    #[schema(max_length = 20000)]
    pub body: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    pub category: Option<String>,
    /// `low`, `normal`, `high` or `urgent`; the kind's default without it.
    #[schema(pattern = "^(low|normal|high|urgent)$")]
    pub priority: Option<String>,
    /// Of a complaint: `general`, `major` or `critical`.
    #[schema(pattern = "^(general|major|critical)$")]
    pub complaint_level: Option<String>,
    /// How it reached us: `api` (default), `web`, `email`, `phone`, `chat` or `counter`.
    #[schema(pattern = "^(api|web|email|phone|chat|counter)$")]
    pub channel: Option<String>,
    /// `zh-CN` or `en`; the customer's language without it.
    #[schema(pattern = "^(zh-CN|en)$")]
    pub locale: Option<String>,
    /// A customer whom the caller may see: one of the caller's unit or a unit below it.
    pub customer_id: Option<Uuid>,
    /// Key of a queue; chosen by kind without it.
    #[schema(min_length = 1, max_length = 64)]
    pub queue: Option<String>,
    /// Organisational unit, within the caller's own; the caller's own without it.
    #[schema(min_length = 2, max_length = 327, pattern = "^(/[a-z0-9_-]{1,40}){1,8}$")]
    pub org: Option<String>,
    /// Id of the message, order or call in its own system: the same one of the same caller (or of
    /// the same source) never opens two tickets of a channel.
    #[schema(min_length = 1, max_length = 200)]
    pub external_ref: Option<String>,
    /// Name of the system that `external_ref` belongs to, where several callers bring what it sends
    /// or one caller brings what several send: then the reference is unique among those of this
    /// source in the ticket's unit instead of among the caller's own.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]+$")]
    pub external_source: Option<String>,
}

/// What is needed to open a ticket, already checked.
pub(crate) struct Draft {
    pub org: OrgPath,
    pub kind: String,
    pub subject: String,
    pub body: Option<String>,
    pub category: Option<String>,
    pub priority: String,
    pub complaint_level: Option<String>,
    pub channel: String,
    pub locale: String,
    pub customer_id: Option<Uuid>,
    pub customer: Option<customer::Model>,
    pub queue: Option<String>,
    pub reference: Option<Reference>,
    pub parent_id: Option<Uuid>,
    pub origin: Option<(String, Uuid)>,
    pub first_responder: Option<String>,
    pub handler: Option<String>,
    /// Who said `body`, as (kind, id); absent: the one who opens the ticket.
    pub said_by: Option<(&'static str, String)>,
}

/// Opens a ticket as a caller asked for it; `fallback` is his own language.
pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    fallback: Locale,
    new: NewTicket,
) -> Result<ticket::Model, Problem> {
    let now = app.clock.now();
    let (config, found) =
        app.configs.get_with_customer(tx, &ctx.actor.org, new.customer_id, now).await?;
    let meant = new.customer_id.map(|id| meant(app, &ctx.actor.org, id, found));
    check(&config, ctx, &new, meant.as_ref())?;
    let customer = match meant {
        Some(meant) => meant.found("/customer_id")?,
        None => None,
    };
    let org = match &new.org {
        Some(org) => OrgPath::parse(org)?,
        None => ctx.actor.org.clone(),
    };
    let reference = Reference::of(ctx, &new);
    let channel = new.channel.unwrap_or_else(|| DEFAULT_CHANNEL.into());
    let default_priority = config.kinds.get(&new.kind).map(|kind| kind.default_priority.clone());
    let locale = new.locale.or_else(|| customer.as_ref().map(|c| c.locale.clone()));
    let staff = (ctx.actor.kind == kernel::ActorKind::User).then(|| ctx.actor.id.clone());
    let draft = Draft {
        org,
        kind: new.kind,
        subject: new.subject.trim().to_owned(),
        body: new.body.filter(|body| !body.trim().is_empty()),
        category: new.category,
        priority: new.priority.or(default_priority).unwrap_or_else(|| "normal".into()),
        complaint_level: new.complaint_level,
        channel,
        locale: locale.unwrap_or_else(|| fallback.tag().to_owned()),
        customer_id: new.customer_id,
        customer,
        queue: new.queue,
        reference,
        parent_id: None,
        origin: None,
        first_responder: staff,
        handler: None,
        said_by: None,
    };
    open(app, tx, ctx, config, draft).await
}

fn check(
    config: &Config,
    ctx: &Context,
    new: &NewTicket,
    customer: Option<&Meant>,
) -> Result<(), Problem> {
    let mut fields = Fields::new();
    fields.text("/subject", &new.subject, 1, limits::NAME);
    fields.text("/body", new.body.as_deref().unwrap_or_default(), 0, limits::TEXT);
    let kind = config.kinds.get(&new.kind).filter(|kind| kind.enabled);
    known::kind(&mut fields, "/kind", config, &new.kind, kind.is_some());
    if let Some(category) = &new.category {
        fields.text("/category", category, 1, 64);
        known::category(&mut fields, kind, category);
    }
    if let Some(priority) = &new.priority {
        known::priority(&mut fields, "/priority", priority);
    }
    check_level(&mut fields, &new.kind, new.complaint_level.as_deref());
    if let Some(channel) = &new.channel {
        let known = words::CHANNELS.contains(&channel.as_str());
        fields.check(known, "/channel", "unknown-channel", shared::one_of(words::CHANNELS));
    }
    if let Some(locale) = &new.locale {
        fields.check(
            ["zh-CN", "en"].contains(&locale.as_str()),
            "/locale",
            "unknown-locale",
            shared::one_of(["zh-CN", "en"]),
        );
    }
    if let Some(customer) = customer {
        customer.check(&mut fields, "/customer_id");
    }
    if let Some(queue) = &new.queue {
        known::queue(&mut fields, config, Some(queue));
    }
    if let Some(org) = &new.org {
        let mine = OrgPath::parse(org).is_ok_and(|org| ctx.actor.org.covers(org.as_str()));
        fields.check(mine, "/org", "not-your-org", shared::foreign_org(&ctx.actor.org));
    }
    external_ref::check(&mut fields, new);
    fields.finish()
}

/// Opens a ticket: number, queue, timers, first article, history and event.
pub(crate) async fn open(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    config: std::sync::Arc<Config>,
    draft: Draft,
) -> Result<ticket::Model, Problem> {
    let now = app.clock.now();
    let root = draft.org.root();
    let number = app.numbers.next(&app.db, tx, &root, now.year()).await?;
    if let Some(reference) = &draft.reference {
        reference.refuse_known(tx, ctx).await?;
    }
    let queue = draft
        .queue
        .or_else(|| config.queue_for(&draft.kind, draft.org.as_str()).map(str::to_owned));
    let department = queue.as_ref().and_then(|key| config.queues.get(key)?.department.clone());
    let (origin_kind, origin_id) = draft.origin.unzip();
    let (external_ref, external_source) = match draft.reference {
        Some(reference) => (Some(reference.text), reference.source),
        None => (None, None),
    };
    let ticket = ticket::Model {
        id: new_id(),
        org: draft.org.to_string(),
        root: root.to_string(),
        number: number_text(now.year(), number),
        kind: draft.kind,
        category: draft.category,
        priority: draft.priority,
        status: Status::New.to_string(),
        status_reason: None,
        complaint_level: draft.complaint_level,
        subject: draft.subject,
        channel: draft.channel,
        locale: draft.locale,
        customer_id: draft.customer_id,
        tier: draft.customer.as_ref().and_then(|c| c.tier.clone()),
        sla_policy: draft.customer.as_ref().and_then(|c| c.sla_policy.clone()),
        account_manager: draft.customer.as_ref().and_then(|c| c.account_manager.clone()),
        queue,
        department,
        first_responder: draft.first_responder,
        handler: draft.handler,
        parent_id: draft.parent_id,
        repeat_of: None,
        origin_kind,
        origin_id,
        external_ref,
        external_source,
        import_source: None,
        import_number: None,
        opened_by: ctx.actor.id.clone(),
        opened_at: now,
        first_responded_at: None,
        resolved_at: None,
        closed_at: None,
        auto_close_at: None,
        resolution: None,
        reopen_count: 0,
        transfer_count: 0,
        urge_count: 0,
        escalation_level: 0,
        breached: false,
        resolution_attained: None,
        response_attained: None,
        traceparent: events::current_trace(ctx).traceparent,
        updated_at: now,
        version: 1,
    };
    let ticket = ticket::Model { repeat_of: repeated(tx, &ticket, None).await?, ..ticket };
    let repeat_of = ticket.repeat_of;
    let mut edit = Edit::fresh(app, tx, ctx, config, now, ticket);
    edit.note("opened", None, Some(edit.ticket.number.clone()));
    start_timers(&mut edit)?;
    if let Some(body) = draft.body {
        let (author_kind, author) =
            draft.said_by.unwrap_or((actor_kind(ctx.actor.kind), ctx.actor.id.clone()));
        edit.file(article::Model {
            id: new_id(),
            ticket_id: edit.ticket.id,
            direction: words::INBOUND.into(),
            public: true,
            author_kind: author_kind.into(),
            author,
            channel: edit.ticket.channel.clone(),
            body,
            written_at: now,
        });
    }
    edit.tell(Fact::Opened);
    if let Some(earlier) = repeat_of {
        edit.note("repeat_of", None, Some(earlier.to_string()));
        escalate(&mut edit, "repeat");
    }
    let ticket = edit.save().await?;
    if ticket.external_ref.is_some() {
        external_ref::write_now(tx).await?;
    }
    Ok(ticket)
}

/// An earlier complaint of the same customer in the same category, within the window. A follow-up
/// is our own doing, hence no repeat. `latest`: only those that were opened by then.
pub(super) async fn repeated(
    tx: &Tx,
    t: &ticket::Model,
    latest: Option<DateTime<Utc>>,
) -> Result<Option<Uuid>, Problem> {
    let (Some(customer), Some(category)) = (t.customer_id, &t.category) else {
        return Ok(None);
    };
    if t.kind != words::COMPLAINT || t.parent_id.is_some() {
        return Ok(None);
    }
    let root = &t.root;
    // Of two that come at the same moment, the second sees the first.
    sql::lock(tx, &format!("repeat:{root}:{customer}:{category}")).await?;
    let by_then = latest.map(|latest| ticket::Column::OpenedAt.lte(latest));
    let found = ticket::Entity::find()
        .select_only()
        .column(ticket::Column::Id)
        .filter(Condition::all().add_option(by_then))
        .filter(ticket::Column::Root.eq(root))
        .filter(ticket::Column::Id.ne(t.id))
        .filter(ticket::Column::CustomerId.eq(customer))
        .filter(ticket::Column::Kind.eq(words::COMPLAINT))
        .filter(ticket::Column::Category.eq(category))
        .filter(ticket::Column::Status.ne(Status::Cancelled.as_str()))
        .filter(ticket::Column::OpenedAt.gte(t.opened_at - REPEAT_WINDOW))
        .order_by_desc(ticket::Column::OpenedAt)
        .order_by_desc(ticket::Column::Id)
        .into_tuple::<Uuid>();
    Ok(found.one(tx).await?)
}

/// Raises the ticket by one level, unless the top was told already.
pub(super) fn escalate(edit: &mut Edit<'_>, reason: &'static str) {
    let Some((level, target)) = one_level_up(edit.ticket.escalation_level) else { return };
    edit.ticket.escalation_level = level;
    edit.tell(Fact::Escalated(Escalation {
        timer_id: None,
        metric: None,
        level,
        target: target.into(),
        due_at: None,
        reason,
    }));
}

/// What policies look at.
pub(super) fn sla_facts(t: &ticket::Model) -> Facts<'_> {
    Facts {
        kind: &t.kind,
        category: t.category.as_deref(),
        priority: &t.priority,
        tier: t.tier.as_deref(),
        org: &t.org,
        channel: &t.channel,
    }
}

fn start_timers(edit: &mut Edit<'_>) -> Result<(), Problem> {
    start_timer(edit, words::FIRST_RESPONSE, 1)?;
    start_timer(edit, words::RESOLUTION, 1)
}

/// Starts a timer by the policies that fit now; none where none of them has such a target.
pub(super) fn start_timer(edit: &mut Edit<'_>, metric: &str, cycle: i32) -> Result<(), Problem> {
    let config = edit.config.clone();
    let named = edit.ticket.sla_policy.as_deref();
    let promise = config.promise(named, &sla_facts(&edit.ticket), metric, edit.now)?;
    let Some(promise) = promise else { return Ok(()) };
    let start = Start { ticket: edit.ticket.id, metric, cycle, task: None, at: edit.now };
    edit.timers.push(Timer::start(&config, start, promise)?);
    Ok(())
}
