//! Draws a quota sample from a month's resolved tickets, and repeats a draw to check it.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::digest::{SHA256, digest};
use kernel::{Context, Fields, OrgPath, Problem, messages as shared, new_id};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect, sea_query::Query,
};
use serde::{Deserialize, Serialize};
use store::{Db, Tx};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App,
    inspect::{self, Occasion, Subject},
};
use crate::{
    codes,
    domain::{
        period::Month,
        sampling::{Drawn, Frame, FrameItem, QUOTA},
    },
    messages,
    store::{
        entities::{draw, inspection, sampling_plan, serviced_ticket},
        inspections, json, read,
    },
};

/// Largest seed: every JSON reader keeps it exactly.
const MAX_SEED: i64 = (1 << 53) - 1;

/// What to draw.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrawInput {
    /// Month of resolution, `2026-03`.
    #[schema(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$")]
    pub period: String,
    /// 0 to 2^53 − 1; made up unless given.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub seed: Option<i64>,
}

/// Reads a month from an input's `/period`.
pub(super) fn month(text: &str) -> Result<Month, Problem> {
    let malformed = || Problem::invalid("/period", "malformed", shared::a_month());
    text.parse().map_err(|()| malformed())
}

/// Draws and opens an inspection for each drawn ticket.
///
/// # Errors
/// `invalid`, `empty-frame`, `period-not-begun`.
pub async fn draw(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    plan_id: Uuid,
    input: DrawInput,
) -> Result<draw::Model, Problem> {
    // The plan's row is locked, so that two draws do not both fill the same quota.
    let plan = inspections::plan_to_change(tx, &ctx.actor.org, plan_id).await?;
    let period = month(&input.period)?;
    let mut fields = Fields::new();
    let fits = input.seed.is_none_or(|seed| (0..=MAX_SEED).contains(&seed));
    fields.check(fits, "/seed", "out-of-range", messages::seed_range());
    fields.finish()?;
    let (id, now) = (new_id(), app.clock.now());
    let bounds = period.bounds(&app.rules.calendar.zone());
    if now < bounds.0 {
        return Err(Problem::of(&codes::PERIOD_NOT_BEGUN));
    }
    let seed = input.seed.unwrap_or_else(|| seed_of(id));
    let tickets = candidates(tx, &plan, bounds).await?;
    let quota = u32::try_from(plan.quota)?;
    let already = already(tx, &plan, &input.period).await?;
    let items = tickets
        .iter()
        .filter_map(|t| Some(FrameItem { ticket_id: t.ticket_id, agent: t.agent.clone()? }));
    let frame = Frame::new(items.collect(), quota, already);
    if frame.items.is_empty() {
        return Err(Problem::of(&codes::EMPTY_FRAME));
    }
    let drawn = frame.draw(seed);
    let record = draw::ActiveModel {
        id: Set(id),
        plan_id: Set(plan.id),
        org: Set(plan.org.clone()),
        period: Set(input.period.clone()),
        seed: Set(seed),
        frame_hash: Set(frame.hash()),
        frame: Set(json(&frame)?),
        items: Set(json(&drawn)?),
        drawn_at: Set(now),
        drawn_by: Set(ctx.actor.id.clone()),
    };
    let record = record.insert(tx).await?;
    let mut by_id: HashMap<Uuid, serviced_ticket::Model> =
        tickets.into_iter().map(|t| (t.ticket_id, t)).collect();
    for item in &drawn {
        if let Some(ticket) = by_id.remove(&item.ticket_id) {
            let occasion = Occasion {
                reasons: vec![QUOTA],
                plan: Some(&plan),
                draw_id: Some(id),
                period: Some(input.period.clone()),
                seed,
            };
            inspect::open(app, tx, ctx, subject(ticket), occasion).await?;
        }
    }
    let version = plan.version;
    let mut row = plan.into_active_model();
    row.version = Set(version + 1);
    row.update(tx).await?;
    Ok(record)
}

/// A ticket as it was served.
pub(crate) fn subject(ticket: serviced_ticket::Model) -> Subject {
    Subject {
        ticket_id: ticket.ticket_id,
        number: Some(ticket.number),
        org: ticket.org,
        customer_id: ticket.customer_id,
        kind: Some(ticket.kind),
        tier: ticket.tier,
        complaint_level: ticket.complaint_level,
        agent: ticket.agent,
    }
}

/// Tickets resolved in the period by a known agent that are not inspected yet.
async fn candidates(
    tx: &Tx,
    plan: &sampling_plan::Model,
    (from, to): (chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>),
) -> Result<Vec<serviced_ticket::Model>, Problem> {
    use serviced_ticket::Column as C;
    let inspected = Query::select()
        .column(inspection::Column::TicketId)
        .from(inspection::Entity)
        .and_where(inspection::Column::TicketId.is_not_null())
        .to_owned();
    let mut found = serviced_ticket::Entity::find()
        .filter(http::org_filter(&OrgPath::parse(&plan.org)?, C::Org))
        .filter(C::Status.is_in(["resolved", "closed"]))
        .filter(C::ResolvedAt.gte(from))
        .filter(C::ResolvedAt.lt(to))
        .filter(C::Agent.is_not_null())
        .filter(C::TicketId.not_in_subquery(inspected));
    let kinds: Vec<String> = read(&plan.kinds)?;
    if !kinds.is_empty() {
        found = found.filter(C::Kind.is_in(kinds));
    }
    if !plan.include_imported {
        found = found.filter(C::Imported.eq(false));
    }
    Ok(found.all(tx).await?)
}

/// What the plan's earlier draws of the period gave each agent.
async fn already(
    tx: &Tx,
    plan: &sampling_plan::Model,
    period: &str,
) -> Result<BTreeMap<String, u32>, Problem> {
    use inspection::Column as C;
    let counted: Vec<(String, i64)> = inspection::Entity::find()
        .select_only()
        .column(C::Agent)
        .column_as(C::Id.count(), "had")
        .filter(C::PlanId.eq(plan.id))
        .filter(C::Period.eq(period))
        .filter(C::DrawId.is_not_null())
        .filter(C::Agent.is_not_null())
        .group_by(C::Agent)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(counted
        .into_iter()
        .map(|(agent, n)| (agent, u32::try_from(n).unwrap_or(u32::MAX)))
        .collect())
}

/// A seed nobody chose: from the id of the draw.
fn seed_of(id: Uuid) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest(&SHA256, id.as_bytes()).as_ref()[..8]);
    i64::from_be_bytes(bytes) & MAX_SEED
}

/// A draw done again from its record.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rerun {
    /// Whether hash and sample are those of the record.
    pub same: bool,
    pub seed: i64,
    pub frame_hash: String,
    pub items: Vec<Drawn>,
}

/// A draw of a plan that the caller may see.
pub async fn find(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    plan: Uuid,
    id: Uuid,
) -> Result<draw::Model, Problem> {
    let found = draw::Entity::find_by_id(id)
        .filter(draw::Column::PlanId.eq(plan))
        .filter(http::org_filter(org, draw::Column::Org));
    found.one(conn).await?.ok_or_else(Problem::not_found)
}

/// Draws again from the recorded frame and seed and compares; changes nothing.
pub async fn rerun(db: &Db, org: &OrgPath, plan: Uuid, id: Uuid) -> Result<Rerun, Problem> {
    let record = find(db, org, plan, id).await?;
    let frame: Frame = read(&record.frame)?;
    let frame = Frame::new(frame.items, frame.quota, frame.already);
    let (items, frame_hash) = (frame.draw(record.seed), frame.hash());
    let same = frame_hash == record.frame_hash && items == read::<Vec<Drawn>>(&record.items)?;
    Ok(Rerun { same, seed: record.seed, frame_hash, items })
}
