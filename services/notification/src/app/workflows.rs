//! The workflows as they count for the caller's unit, and their switches.

use ::store::Tx;
use kernel::{Context, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App,
    domain::workflow::{self, WORKFLOWS, Workflow},
    store::{entities::workflow_setting, workflows as store},
};

/// One workflow.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkflowView {
    #[schema(example = "ticket_acknowledged")]
    pub key: String,
    /// Version of the definition.
    pub version: i32,
    /// Event type; `*`: every one.
    #[schema(example = "kefu.ticket.opened.v1")]
    pub event: String,
    /// What must hold besides.
    pub filters: Vec<String>,
    pub recipients: Vec<String>,
    pub channels: Vec<String>,
    /// Key of its templates.
    pub template: Option<String>,
    /// As it counts for the caller's unit.
    pub enabled: bool,
    /// Unit whose switch counts; absent: nobody has touched it.
    pub set_by: Option<String>,
    /// Version of the own unit's switch, the ETag; 0: it has none.
    pub setting_version: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct WorkflowList {
    pub items: Vec<WorkflowView>,
}

/// Switches a workflow on or off for the caller's unit and everything below it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowInput {
    pub enabled: bool,
}

pub async fn list(app: &App, ctx: &Context) -> Result<WorkflowList, Problem> {
    let mut switches = store::effective(&app.db, ctx.actor.org.as_str()).await?;
    let items = WORKFLOWS.iter().map(|w| view(ctx, w, switches.remove(w.key))).collect();
    Ok(WorkflowList { items })
}

pub async fn one(app: &App, ctx: &Context, key: &str) -> Result<WorkflowView, Problem> {
    let workflow = workflow::find(key).ok_or_else(Problem::not_found)?;
    let switch = store::effective(&app.db, ctx.actor.org.as_str()).await?.remove(key);
    Ok(view(ctx, workflow, switch))
}

pub async fn put(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    key: &str,
    if_match: i64,
    input: WorkflowInput,
) -> Result<WorkflowView, Problem> {
    let workflow = workflow::find(key).ok_or_else(Problem::not_found)?;
    let (org, by) = (ctx.actor.org.as_str(), ctx.actor.id.as_str());
    let current = store::own(tx, org, key).await?.map_or(0, |row| row.version);
    http::check_version(if_match, current)?;
    if !store::put(tx, (org, key), input.enabled, current, by, app.clock.now()).await? {
        return Err(Problem::of(&kernel::codes::PRECONDITION_FAILED));
    }
    let switch = store::own(tx, org, key).await?;
    tracing::info!(target: "audit", by, org, workflow = key, enabled = input.enabled, "workflow switched");
    Ok(view(ctx, workflow, switch))
}

fn view(ctx: &Context, w: &Workflow, switch: Option<workflow_setting::Model>) -> WorkflowView {
    let own = switch.as_ref().filter(|s| s.org == ctx.actor.org.as_str());
    WorkflowView {
        key: w.key.into(),
        version: w.version,
        event: w.event.into(),
        filters: w.filters.iter().map(|f| f.as_str().into()).collect(),
        recipients: w.to.iter().map(|a| a.as_str().into()).collect(),
        channels: w.channels.iter().map(|c| c.as_str().into()).collect(),
        template: (w.key != workflow::PARTNER_WEBHOOK).then(|| w.key.into()),
        enabled: switch.as_ref().is_none_or(|s| s.enabled),
        setting_version: own.map_or(0, |s| s.version),
        set_by: switch.map(|s| s.org),
    }
}
