//! Creates and edits sampling plans (抽检方案).

use std::collections::HashSet;

use kernel::{Context, Fields, Problem, messages as shared, new_id};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
};
use serde::Deserialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, org_of};
use crate::{
    codes,
    domain::{risk::RiskRules, scorecard::Titles},
    messages,
    store::{entities::sampling_plan, inspections, json, scorecards},
};

/// What a plan says. The quota is per agent and calendar month.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanInput {
    pub title: Titles,
    #[serde(default = "yes")]
    pub active: bool,
    /// Published scorecard to judge by; the built-in one unless given.
    pub scorecard_id: Option<Uuid>,
    /// Tickets per agent and month; 0 for none.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1000)]
    pub quota_per_agent: i32,
    /// Kinds of tickets to draw from; all when empty.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub kinds: Vec<String>,
    /// Whether history of other systems belongs to the frame.
    #[serde(default)]
    pub include_imported: bool,
    /// Rules that make an inspection mandatory in this unit and below; absent: the plan has none.
    pub risk: Option<RiskRules>,
    /// User ids of those who may be assigned, evenly.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub inspectors: Vec<String>,
    /// Unit it belongs to; the caller's unless given. Not changed by an edit.
    pub org: Option<String>,
}

fn yes() -> bool {
    true
}

/// # Errors
/// `invalid`, `version-not-published`.
pub async fn create(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    input: PlanInput,
) -> Result<sampling_plan::Model, Problem> {
    let org = org_of(ctx, input.org.as_deref())?;
    let mut row = filled(tx, ctx, &input).await?;
    row.id = Set(new_id());
    row.org = Set(org.to_string());
    row.created_at = Set(app.clock.now());
    row.created_by = Set(ctx.actor.id.clone());
    row.version = Set(1);
    Ok(row.insert(tx).await?)
}

/// Replaces a plan's content; draws that were made stay as they are.
///
/// # Errors
/// `precondition-failed`, `invalid`, `version-not-published`.
pub async fn edit(
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    if_match: i64,
    input: PlanInput,
) -> Result<sampling_plan::Model, Problem> {
    let plan = inspections::plan_to_change(tx, &ctx.actor.org, id).await?;
    http::check_version(if_match, plan.version)?;
    if input.org.as_ref().is_some_and(|org| *org != plan.org) {
        return Err(Problem::invalid("/org", "immutable", messages::plan_stays()));
    }
    let mut row = filled(tx, ctx, &input).await?;
    row.id = Unchanged(plan.id);
    row.version = Set(plan.version + 1);
    Ok(row.update(tx).await?)
}

async fn filled(
    tx: &Tx,
    ctx: &Context,
    input: &PlanInput,
) -> Result<sampling_plan::ActiveModel, Problem> {
    check(input)?;
    if let Some(id) = input.scorecard_id {
        let card = scorecards::readable_card(tx, &ctx.actor.org, id).await;
        let card = card.map_err(|p| match p.is(&kernel::codes::NOT_FOUND) {
            true => Problem::invalid("/scorecard_id", "unknown", messages::unknown_scorecard()),
            false => p,
        })?;
        if card.latest_published.is_none() {
            return Err(Problem::of(&codes::VERSION_NOT_PUBLISHED));
        }
    }
    Ok(sampling_plan::ActiveModel {
        title: Set(json(&input.title)?),
        active: Set(input.active),
        scorecard_id: Set(input.scorecard_id),
        quota: Set(input.quota_per_agent),
        kinds: Set(json(&input.kinds)?),
        include_imported: Set(input.include_imported),
        risk: Set(input.risk.as_ref().map(json).transpose()?),
        inspectors: Set(json(&input.inspectors)?),
        ..Default::default()
    })
}

fn check(input: &PlanInput) -> Result<(), Problem> {
    let mut fields = Fields::new();
    input.title.check(&mut fields, "/title");
    fields.check(
        (0..=1000).contains(&input.quota_per_agent),
        "/quota_per_agent",
        "out-of-range",
        shared::between(0, 1000),
    );
    fields.check(input.kinds.len() <= 100, "/kinds", "too-many", shared::too_many_items(100));
    fields.check(
        input.inspectors.len() <= 200,
        "/inspectors",
        "too-many",
        shared::too_many_items(200),
    );
    for (list, values) in [("kinds", &input.kinds), ("inspectors", &input.inspectors)] {
        let mut seen = HashSet::new();
        for (i, value) in values.iter().enumerate() {
            let pointer = format!("/{list}/{i}");
            fields.text(&pointer, value, 1, kernel::limits::NAME);
            fields.check(seen.insert(value), pointer, "duplicate", shared::named_twice());
        }
    }
    if let Some(risk) = &input.risk {
        let fits = (1..=5).contains(&risk.low_score_max);
        fields.check(fits, "/risk/low_score_max", "out-of-range", shared::between(1, 5));
    }
    fields.finish()
}
