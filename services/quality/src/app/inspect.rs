//! Opens inspections, one per ticket, and gives them to inspectors.

use contracts::quality::InspectionDrawn;
use kernel::{Context, Problem, new_id};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect,
};
use serde::Deserialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, builtin, inspected};
use crate::{
    codes,
    domain::sampling::pick_inspector,
    store::{
        entities::{inspection, sampling_plan},
        insert_new, inspections, json, read,
    },
};

/// The service to be inspected, copied as it was when it was rendered.
#[derive(Debug, Clone)]
pub struct Subject {
    pub ticket_id: Uuid,
    pub number: Option<String>,
    pub org: String,
    pub customer_id: Option<Uuid>,
    pub kind: Option<String>,
    pub tier: Option<String>,
    pub complaint_level: Option<String>,
    pub agent: Option<String>,
}

/// Why and under which plan it is inspected.
#[derive(Debug, Clone, Default)]
pub struct Occasion<'a> {
    pub reasons: Vec<&'static str>,
    pub plan: Option<&'a sampling_plan::Model>,
    pub draw_id: Option<Uuid>,
    pub period: Option<String>,
    pub seed: i64,
}

/// Opens the ticket's inspection, or adds the reasons to the one that is there. Returns its id
/// and whether it is new.
pub async fn open(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    subject: Subject,
    occasion: Occasion<'_>,
) -> Result<(Uuid, bool), Problem> {
    if let Some(id) = add_reasons(tx, subject.ticket_id, &occasion.reasons).await? {
        return Ok((id, false));
    }
    let inspectors: Vec<String> = match occasion.plan {
        Some(plan) => read(&plan.inspectors)?,
        None => vec![],
    };
    let load = inspections::load(tx, &inspectors).await?;
    let agent = subject.agent.as_deref();
    let inspector = pick_inspector(&inspectors, &load, agent, subject.ticket_id, occasion.seed)
        .map(str::to_owned);
    let scorecard_id = match occasion.plan.and_then(|plan| plan.scorecard_id) {
        Some(id) => id,
        None => builtin::ensure(app, tx, &subject.org).await?,
    };
    let ticket_id = subject.ticket_id;
    let row = inspection::ActiveModel {
        id: Set(new_id()),
        org: Set(subject.org),
        ticket_id: Set(Some(ticket_id)),
        ticket_number: Set(subject.number),
        customer_id: Set(subject.customer_id),
        kind: Set(subject.kind),
        tier: Set(subject.tier),
        complaint_level: Set(subject.complaint_level),
        agent: Set(subject.agent),
        reasons: Set(json(&occasion.reasons)?),
        plan_id: Set(occasion.plan.map(|plan| plan.id)),
        draw_id: Set(occasion.draw_id),
        period: Set(occasion.period),
        scorecard_id: Set(Some(scorecard_id)),
        state: Set(state_of(inspector.as_deref())),
        inspector: Set(inspector),
        traceparent: Set(events::current_trace(ctx).traceparent),
        created_at: Set(app.clock.now()),
        version: Set(1),
    };
    let new = insert_new(tx, row, inspection::Column::TicketId).await?;
    if !new {
        // Another transaction was faster.
        let id = add_reasons(tx, ticket_id, &occasion.reasons).await?;
        return Ok((
            id.ok_or_else(|| Problem::internal("an inspection is neither new nor there"))?,
            false,
        ));
    }
    let opened = of_ticket(tx, ticket_id).await?;
    let opened =
        opened.ok_or_else(|| Problem::internal("an inspection is gone after its insertion"))?;
    let drawn = InspectionDrawn {
        inspected: inspected(&opened),
        reason: occasion.reasons.first().copied().unwrap_or_default().to_owned(),
        inspector: opened.inspector.clone(),
    };
    events::emit(tx, ctx, app.clock.now(), &drawn).await?;
    Ok((opened.id, true))
}

fn state_of(inspector: Option<&str>) -> String {
    if inspector.is_some() { "assigned" } else { "open" }.to_owned()
}

async fn of_ticket(tx: &Tx, ticket_id: Uuid) -> Result<Option<inspection::Model>, Problem> {
    let found = inspection::Entity::find().filter(inspection::Column::TicketId.eq(ticket_id));
    Ok(found.lock_exclusive().one(tx).await?)
}

async fn add_reasons(tx: &Tx, ticket_id: Uuid, reasons: &[&str]) -> Result<Option<Uuid>, Problem> {
    let Some(found) = of_ticket(tx, ticket_id).await? else { return Ok(None) };
    let (id, version) = (found.id, found.version);
    let mut all: Vec<String> = read(&found.reasons)?;
    let known = all.len();
    for reason in reasons {
        if !all.iter().any(|r| r == reason) {
            all.push((*reason).to_owned());
        }
    }
    if all.len() > known {
        let mut row = found.into_active_model();
        row.reasons = Set(json(&all)?);
        row.version = Set(version + 1);
        row.update(tx).await?;
    }
    Ok(Some(id))
}

/// Who is to inspect.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// User id.
    #[schema(min_length = 1, max_length = 200)]
    pub inspector: String,
}

/// Gives an inspection that is not published to an inspector, or to another one.
///
/// # Errors
/// `own-work`, `already-evaluated`.
pub async fn assign(
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Assignment,
) -> Result<inspection::Model, Problem> {
    let mut fields = kernel::Fields::new();
    fields.text("/inspector", &input.inspector, 1, kernel::limits::NAME);
    fields.finish()?;
    let found = inspections::to_change(tx, &ctx.actor, id).await?;
    if has_evaluation(tx, id).await? {
        return Err(Problem::of(&codes::ALREADY_EVALUATED));
    }
    give(tx, found, input.inspector).await
}

/// Takes an unassigned inspection.
///
/// # Errors
/// `own-work`, `already-assigned`.
pub async fn claim(tx: &Tx, ctx: &Context, id: Uuid) -> Result<inspection::Model, Problem> {
    let found = inspections::to_change(tx, &ctx.actor, id).await?;
    if found.state != "open" {
        return Err(Problem::of(&codes::ALREADY_ASSIGNED));
    }
    give(tx, found, ctx.actor.id.clone()).await
}

/// Writes the inspector, who is never the agent.
pub(super) async fn give(
    tx: &Tx,
    found: inspection::Model,
    inspector: String,
) -> Result<inspection::Model, Problem> {
    if found.agent.as_deref() == Some(inspector.as_str()) {
        return Err(Problem::of(&codes::OWN_WORK));
    }
    let version = found.version;
    let mut row = found.into_active_model();
    row.inspector = Set(Some(inspector));
    row.state = Set("assigned".to_owned());
    row.version = Set(version + 1);
    Ok(row.update(tx).await?)
}

async fn has_evaluation(tx: &Tx, id: Uuid) -> Result<bool, Problem> {
    use crate::store::entities::evaluation::{Column, Entity};
    Ok(Entity::find().filter(Column::InspectionId.eq(id)).one(tx).await?.is_some())
}
