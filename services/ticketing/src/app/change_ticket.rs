//! Subject, kind, category, priority, complaint level, customer; and what a change of the customer's tier does to
//! their tickets. Either may bring another service-level policy.

use kernel::{Context, Fields, Permission, Problem, limits, messages as shared};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Deserializer};
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App, colleagues,
    correct_ticket::{check_kind, relink, to_customer, to_kind},
    edit::Edit,
    facts::Fact,
    hand_over::check_reason,
    known,
    known_customer::{Meant, meant},
    open_ticket::sla_facts,
    owed_timers,
};
use crate::{
    codes::LOWERING,
    domain::{
        colleagues::Weight,
        lifecycle::{Action, Status},
        timer::{State, Step},
        words,
    },
    messages,
    store::{
        configs::PolicyVersion,
        entities::{customer, ticket},
        tickets,
    },
};

/// What to change; a field that is left out stays as it is, null takes an optional one away.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TicketPatch {
    #[schema(min_length = 1, max_length = 200)]
    pub subject: Option<String>,
    /// Key of another kind. Category and complaint level have to fit it: name others or null where
    /// they do not. The queue follows unless it was chosen by hand; the priority stays.
    #[schema(min_length = 1, max_length = 64)]
    pub kind: Option<String>,
    /// Whose matter it is; tier, account manager, language and service level follow.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    pub customer_id: Option<Option<Uuid>>,
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    pub category: Option<Option<String>>,
    #[schema(pattern = "^(low|normal|high|urgent)$")]
    pub priority: Option<String>,
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, pattern = "^(general|major|critical)$")]
    pub complaint_level: Option<Option<String>>,
    /// Why; stands in the history. Needed to lower priority or complaint level.
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
}

/// Tells null (`Some(None)`) from absent (`None`).
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    input: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(input).map(Some)
}

/// Changes a ticket of which the caller has read the current version.
pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (id, if_match): (Uuid, i64),
    patch: TicketPatch,
) -> Result<ticket::Model, Problem> {
    let mut edit = colleagues::load(app, tx, ctx, id).await?;
    http::check_version(if_match, edit.ticket.version)?;
    let asked = patch.customer_id.filter(|id| *id != edit.ticket.customer_id);
    let meant = match asked.flatten() {
        Some(id) => Some(meant(app, &ctx.actor.org, id, tickets::customer(tx, id).await?)),
        None => None,
    };
    check(&edit, &patch, meant.as_ref())?;
    let customer = match meant {
        Some(meant) => Some(meant.found("/customer_id")?),
        None => asked.map(|_| None),
    };
    edit.act(Action::Edit)?;
    edit.reason = patch.reason.clone();
    let before = edit.ticket.clone();
    if let Some(kind) = patch.kind {
        to_kind(&mut edit, kind);
    }
    if let Some(customer) = customer {
        to_customer(&mut edit, customer);
    }
    let t = &mut edit.ticket;
    if let Some(subject) = patch.subject {
        t.subject = subject.trim().to_owned();
    }
    if let Some(category) = patch.category {
        t.category = category;
    }
    if let Some(priority) = patch.priority {
        t.priority = priority;
    }
    if let Some(level) = patch.complaint_level {
        t.complaint_level = level;
    }
    relink(&mut edit, &before).await?;
    tell_changes(&mut edit)?;
    owed_timers::start(&mut edit).await?;
    edit.save().await
}

fn check(edit: &Edit<'_>, patch: &TicketPatch, customer: Option<&Meant>) -> Result<(), Problem> {
    let mut fields = Fields::new();
    check_reason(&mut fields, patch.reason.as_deref());
    if let Some(subject) = &patch.subject {
        fields.text("/subject", subject, 1, limits::NAME);
    }
    if let Some(Some(category)) = &patch.category {
        fields.text("/category", category, 1, 64);
    }
    check_kind(&mut fields, edit, patch);
    if let Some(customer) = customer {
        customer.check(&mut fields, "/customer_id");
    }
    if let Some(priority) = &patch.priority {
        known::priority(&mut fields, "/priority", priority);
    }
    let lowers = lowers(&edit.ticket, patch);
    let told = patch.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
    fields.check(!lowers || told, "/reason", "required", messages::lowering_needs_reason());
    fields.finish()?;
    if lowers && !edit.ctx.actor.can(Permission::TicketLower) {
        return Err(Problem::of(&LOWERING));
    }
    Ok(())
}

fn lowers(ticket: &ticket::Model, patch: &TicketPatch) -> bool {
    let before = Weight {
        priority: ticket.priority.clone(),
        complaint_level: ticket.complaint_level.clone(),
    };
    let after = Weight {
        priority: patch.priority.clone().unwrap_or_else(|| before.priority.clone()),
        complaint_level: patch
            .complaint_level
            .clone()
            .unwrap_or_else(|| before.complaint_level.clone()),
    };
    before.lowered_to(&after)
}

pub(super) fn check_level(fields: &mut Fields, kind: &str, level: Option<&str>) {
    let Some(level) = level else { return };
    let known = words::COMPLAINT_LEVELS.contains(&level);
    fields.check(
        known,
        "/complaint_level",
        "unknown-level",
        shared::one_of(words::COMPLAINT_LEVELS),
    );
    let fits = kind == words::COMPLAINT;
    fields.check(fits, "/complaint_level", "no-complaint", messages::only_complaints_have_levels());
}

/// Chooses the policies anew and tells what has changed, if anything has.
pub(super) fn tell_changes(edit: &mut Edit<'_>) -> Result<(), Problem> {
    let fields = edit.changed_fields();
    if fields.is_empty() {
        return Ok(());
    }
    rechoose(edit)?;
    let customer_before = edit.customer_before();
    edit.tell(Fact::Changed { fields, customer_before });
    Ok(())
}

/// Applies the policies that fit now, back to the start of the timers that still count, with their
/// pauses. A target that has passed under the new terms is recorded and nobody is told; a breach
/// that was told stays, and a timer that is past its last warning keeps terms that end sooner.
fn rechoose(edit: &mut Edit<'_>) -> Result<(), Problem> {
    let (config, now) = (edit.config.clone(), edit.now);
    let (named, facts) = (edit.ticket.sla_policy.as_deref(), sla_facts(&edit.ticket));
    let mut notes = Vec::new();
    let mut late = false;
    for timer in &mut edit.timers {
        let metric = timer.row.metric.clone();
        let counts = matches!(timer.state(), State::Running | State::Paused) && !timer.ended();
        if !counts || metric == words::TASK {
            continue;
        }
        let field = format!("timer.{metric}.policy");
        let before = timer.policies()?;
        let promise = config.promise(named, &facts, &metric, timer.row.started_at)?;
        if promise.as_ref().is_some_and(|promise| before == promise.policies) {
            continue;
        }
        if timer.rescued_by(&config, promise.as_ref(), now)? {
            notes.push((format!("timer.{metric}"), None, Some("due time kept".into())));
            continue;
        }
        let Some(promise) = promise else {
            timer.cancel(&config, now)?;
            notes.push((field, keys(&before), None));
            continue;
        };
        let after = keys(&promise.policies);
        let silent = timer.rebase(&config, promise, now)?;
        notes.push((field, keys(&before), after));
        if silent.iter().any(|planned| planned.step == Step::Breach) {
            late = true;
            notes.push((format!("timer.{metric}"), None, Some("breach recorded".into())));
        }
    }
    edit.ticket.breached |= late;
    for (field, old, new) in notes {
        edit.note(&field, old, new);
    }
    Ok(())
}

/// Policies as the history names them, first the one that gave the target.
fn keys(policies: &[PolicyVersion]) -> Option<String> {
    let keys: Vec<&str> = policies.iter().map(|p| p.key.as_str()).collect();
    (!keys.is_empty()).then(|| keys.join(", "))
}

/// Brings a customer's tier and account manager to the tickets that are still worked on.
pub(crate) async fn follow_customer(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    customer: &customer::Model,
) -> Result<(), Problem> {
    let active = Status::ALL.into_iter().filter(|s| s.active()).map(Status::as_str);
    let ids: Vec<Uuid> = ticket::Entity::find()
        .select_only()
        .column(ticket::Column::Id)
        .filter(ticket::Column::CustomerId.eq(customer.id))
        .filter(ticket::Column::Status.is_in(active))
        .order_by_asc(ticket::Column::Id)
        .into_tuple()
        .all(tx)
        .await?;
    for id in ids {
        let Some(row) = ticket::Entity::find_by_id(id).lock_exclusive().one(tx).await? else {
            continue;
        };
        let mut edit = Edit::of(app, tx, ctx, row).await?;
        edit.fire_due();
        edit.ticket.tier.clone_from(&customer.tier);
        edit.ticket.sla_policy.clone_from(&customer.sla_policy);
        edit.ticket.account_manager.clone_from(&customer.account_manager);
        tell_changes(&mut edit)?;
        owed_timers::start(&mut edit).await?;
        edit.save().await?;
    }
    Ok(())
}
