//! Rectification orders (整改单): opened, done, verified.

use chrono::{DateTime, Utc};
use contracts::quality::{
    RectificationDone, RectificationOpened, RectificationSnapshot, RectificationVerified,
    RectificationWithdrawn,
};
use kernel::{Context, Fields, Problem, limits, messages as shared, new_id};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect,
};
use serde::Deserialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, org_of};
use crate::{
    codes,
    domain::{
        rectification::{self as rules, RectificationState},
        scorecard::Form,
        scoring::Score,
    },
    messages,
    store::{
        entities::{evaluation, inspection, rectification, rectification_step, serviced_ticket},
        inspections, read,
    },
};

/// An order opened by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRectification {
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// User id of who mends it.
    #[schema(min_length = 1, max_length = 200)]
    pub owner: String,
    /// In the future; some working days from now unless given.
    pub due_at: Option<DateTime<Utc>>,
    /// What has to be shown when it is done.
    #[schema(min_length = 1, max_length = 20000)]
    pub required_evidence: Option<String>,
    /// Published evaluation that it follows from.
    pub evaluation_id: Option<Uuid>,
    pub ticket_id: Option<Uuid>,
    /// Unit it belongs to; the evaluation's or the caller's unless given.
    pub org: Option<String>,
}

/// What was done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    #[schema(min_length = 1, max_length = 20000)]
    pub evidence: String,
}

/// Whether it holds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    pub passed: bool,
    /// Needed when it did not pass.
    #[schema(max_length = 20000)]
    pub note: Option<String>,
}

/// Opens an order by hand.
///
/// # Errors
/// `not-a-lead`, `invalid`.
pub async fn open(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    input: NewRectification,
) -> Result<rectification::Model, Problem> {
    let now = app.clock.now();
    let mut fields = Fields::new();
    fields.text("/title", &input.title, 1, limits::NAME);
    fields.text("/owner", &input.owner, 1, limits::NAME);
    if let Some(text) = &input.required_evidence {
        fields.text("/required_evidence", text, 1, limits::TEXT);
    }
    fields.check(
        input.due_at.is_none_or(|due| due > now),
        "/due_at",
        "in-the-past",
        shared::must_lie_ahead(),
    );
    let far = chrono::TimeDelta::days(3_660);
    fields.check(
        input.due_at.is_none_or(|due| due < now + far),
        "/due_at",
        "too-far",
        messages::within_years(10),
    );
    fields.finish()?;
    if !rules::leads(&ctx.actor) {
        return Err(Problem::of(&codes::NOT_A_LEAD));
    }
    let about = match input.evaluation_id {
        Some(id) => Some(published(tx, ctx, id).await?),
        None => None,
    };
    if let Some(ticket) = input.ticket_id {
        known_ticket(tx, ctx, ticket, about.as_ref().map(|(_, of)| of)).await?;
    }
    let org = match (&input.org, &about) {
        (None, Some((_, of))) => of.org.clone(),
        (asked, _) => org_of(ctx, asked.as_deref())?.to_string(),
    };
    let due_at = match input.due_at {
        Some(due) => due,
        None => app.rules.rectify_until(now)?,
    };
    let of = about.as_ref().map(|(_, of)| of);
    let row = Order {
        org,
        evaluation_id: input.evaluation_id,
        ticket_id: input.ticket_id.or_else(|| of.and_then(|of| of.ticket_id)),
        customer_id: of.and_then(|of| of.customer_id),
        title: input.title,
        cause: "manual",
        owner: input.owner,
        required_evidence: input.required_evidence,
        due_at,
    };
    insert(app, tx, ctx, row).await
}

/// A ticket of a unit that the caller may not see is one that does not exist.
async fn known_ticket(
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    about: Option<&inspection::Model>,
) -> Result<(), Problem> {
    use serviced_ticket::{Column, Entity};
    let visible = http::org_filter(&ctx.actor.org, Column::Org);
    let found = Entity::find_by_id(id).filter(visible).one(tx).await?;
    if found.is_none() {
        return Err(Problem::invalid("/ticket_id", "unknown", messages::unknown_ticket()));
    }
    if about.is_some_and(|of| of.ticket_id.is_some_and(|of| of != id)) {
        let other = messages::other_ticket();
        return Err(Problem::invalid("/ticket_id", "not-the-evaluations", other));
    }
    Ok(())
}

async fn published(
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
) -> Result<(evaluation::Model, inspection::Model), Problem> {
    let found = inspections::visible_evaluations(&ctx.actor)
        .filter(evaluation::Column::Id.eq(id))
        .filter(evaluation::Column::State.ne("draft"))
        .one(tx)
        .await?;
    let unknown = || Problem::invalid("/evaluation_id", "unknown", messages::unknown_evaluation());
    let found = found.ok_or_else(unknown)?;
    let of = inspections::of_evaluation(tx, &found).await?;
    Ok((found, of))
}

/// Opens the order that a published evaluation calls for; its owner is the agent.
pub(super) async fn open_for(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    of: &inspection::Model,
    evaluation: &evaluation::Model,
    cause: &'static str,
    form: &Form,
) -> Result<(), Problem> {
    let Some(owner) = of.agent.clone() else {
        tracing::warn!(inspection = %of.id, "nobody is known to have rendered the service: no rectification is opened");
        return Ok(());
    };
    let now = app.clock.now();
    let order = Order {
        org: of.org.clone(),
        evaluation_id: Some(evaluation.id),
        ticket_id: of.ticket_id,
        customer_id: of.customer_id,
        title: title(of, evaluation, form)?,
        cause,
        owner,
        required_evidence: None,
        due_at: app.rules.rectify_until(now)?,
    };
    insert(app, tx, ctx, order).await.map(drop)
}

/// Names the ticket and what failed.
fn title(
    of: &inspection::Model,
    evaluation: &evaluation::Model,
    form: &Form,
) -> Result<String, Problem> {
    let number = of.ticket_number.as_deref().unwrap_or("—");
    let failed = read::<Score>(&evaluation.result)?
        .fail_reason
        .map(|reason| reason.items)
        .unwrap_or_default();
    let texts: Vec<&str> =
        failed.iter().filter_map(|key| form.item(key)).map(|item| item.title.any()).collect();
    let what = match (texts.is_empty(), evaluation.score) {
        (false, _) => texts.join("；"),
        (true, Some(score)) => format!("{score:.1}"),
        (true, None) => String::new(),
    };
    Ok(format!("{number} 质检整改 / rectification: {what}").chars().take(limits::NAME).collect())
}

struct Order {
    org: String,
    evaluation_id: Option<Uuid>,
    ticket_id: Option<Uuid>,
    customer_id: Option<Uuid>,
    title: String,
    cause: &'static str,
    owner: String,
    required_evidence: Option<String>,
    due_at: DateTime<Utc>,
}

async fn insert(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    order: Order,
) -> Result<rectification::Model, Problem> {
    let now = app.clock.now();
    let row = rectification::ActiveModel {
        id: Set(new_id()),
        org: Set(order.org),
        evaluation_id: Set(order.evaluation_id),
        ticket_id: Set(order.ticket_id),
        customer_id: Set(order.customer_id),
        title: Set(order.title),
        cause: Set(order.cause.to_owned()),
        owner: Set(order.owner),
        required_evidence: Set(order.required_evidence),
        first_due_at: Set(order.due_at),
        due_at: Set(order.due_at),
        state: Set("open".to_owned()),
        evidence: Set(None),
        done_at: Set(None),
        verifier: Set(None),
        verified_at: Set(None),
        reopen_count: Set(0),
        traceparent: Set(events::current_trace(ctx).traceparent),
        created_at: Set(now),
        created_by: Set(ctx.actor.id.clone()),
        version: Set(1),
    };
    let opened = row.insert(tx).await?;
    step(app, tx, ctx, opened.id, "opened", None).await?;
    events::emit(tx, ctx, now, &RectificationOpened { rectification: snapshot(&opened) }).await?;
    Ok(opened)
}

/// The owner says it is done.
///
/// # Errors
/// `not-the-owner`, `rectification-state`.
pub async fn finish(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Evidence,
) -> Result<rectification::Model, Problem> {
    let found = to_change(tx, ctx, id).await?;
    rules::may_finish(&ctx.actor.id, &found.owner, RectificationState::parse(&found.state))?;
    let mut fields = Fields::new();
    fields.text("/evidence", &input.evidence, 1, limits::TEXT);
    fields.finish()?;
    let now = app.clock.now();
    let (version, on_time) = (found.version, now <= found.due_at);
    let mut row = found.into_active_model();
    row.state = Set("done".to_owned());
    row.evidence = Set(Some(input.evidence.clone()));
    row.done_at = Set(Some(now));
    row.version = Set(version + 1);
    let done = row.update(tx).await?;
    step(app, tx, ctx, id, "done", Some(input.evidence)).await?;
    events::emit(tx, ctx, now, &RectificationDone { rectification: snapshot(&done), on_time })
        .await?;
    Ok(done)
}

/// Somebody else looks whether it holds. If not, it is open again with a new limit.
///
/// # Errors
/// `verifier-is-owner`, `not-a-lead`, `rectification-state`.
pub async fn verify(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Verification,
) -> Result<rectification::Model, Problem> {
    let found = to_change(tx, ctx, id).await?;
    rules::may_verify(&ctx.actor, &found.owner, RectificationState::parse(&found.state))?;
    let mut fields = Fields::new();
    let note = input.note.clone().unwrap_or_default();
    fields.text("/note", &note, if input.passed { 0 } else { 1 }, limits::TEXT);
    fields.finish()?;
    let now = app.clock.now();
    let (version, reopened) = (found.version, found.reopen_count + 1);
    let mut row = found.into_active_model();
    row.verifier = Set(Some(ctx.actor.id.clone()));
    row.version = Set(version + 1);
    if input.passed {
        row.state = Set("verified".to_owned());
        row.verified_at = Set(Some(now));
    } else {
        row.state = Set("open".to_owned());
        row.done_at = Set(None);
        row.due_at = Set(app.rules.rectify_until(now)?);
        row.reopen_count = Set(reopened);
    }
    let verified = row.update(tx).await?;
    step(app, tx, ctx, id, if input.passed { "verified" } else { "reopened" }, input.note).await?;
    let event = RectificationVerified {
        rectification: snapshot(&verified),
        verifier: ctx.actor.id.clone(),
        passed: input.passed,
    };
    events::emit(tx, ctx, now, &event).await?;
    Ok(verified)
}

/// Withdraws the open order that an evaluation had caused by itself.
pub(super) async fn withdraw(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    evaluation: Uuid,
) -> Result<(), Problem> {
    use rectification::Column as C;
    let found = rectification::Entity::find()
        .filter(C::EvaluationId.eq(evaluation))
        .filter(C::State.eq("open"))
        .filter(C::Cause.ne("manual"))
        .lock_exclusive()
        .one(tx)
        .await?;
    let Some(found) = found else { return Ok(()) };
    let (id, version) = (found.id, found.version);
    let mut row = found.into_active_model();
    row.state = Set("withdrawn".to_owned());
    row.version = Set(version + 1);
    let withdrawn = row.update(tx).await?;
    step(app, tx, ctx, id, "withdrawn", None).await?;
    let event = RectificationWithdrawn { rectification: snapshot(&withdrawn) };
    events::emit(tx, ctx, app.clock.now(), &event).await?;
    Ok(())
}

async fn to_change(tx: &Tx, ctx: &Context, id: Uuid) -> Result<rectification::Model, Problem> {
    let found = inspections::visible_rectifications(&ctx.actor)
        .filter(rectification::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx)
        .await?;
    found.ok_or_else(Problem::not_found)
}

async fn step(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    of: Uuid,
    action: &str,
    note: Option<String>,
) -> Result<(), Problem> {
    let row = rectification_step::ActiveModel {
        id: Set(new_id()),
        rectification_id: Set(of),
        action: Set(action.to_owned()),
        actor: Set(ctx.actor.id.clone()),
        note: Set(note),
        at: Set(app.clock.now()),
    };
    row.insert(tx).await?;
    Ok(())
}

fn snapshot(of: &rectification::Model) -> RectificationSnapshot {
    RectificationSnapshot {
        rectification_id: of.id,
        org: of.org.clone(),
        evaluation_id: of.evaluation_id,
        ticket_id: of.ticket_id,
        customer_id: of.customer_id,
        title: of.title.clone(),
        owner: of.owner.clone(),
        due_at: of.due_at,
        state: of.state.clone(),
    }
}
