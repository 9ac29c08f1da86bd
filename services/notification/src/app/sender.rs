//! Who a unit's mails come from: read as it counts, written for the own unit.

use ::store::Tx;
use kernel::{Context, Fields, Problem, codes};
use sea_orm::ConnectionTrait;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    App,
    domain::sender::Sender,
    store::{entities::sender, senders as store},
};

/// The block as it counts for the caller's unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct SenderView {
    pub sender: Sender,
    /// Unit that wrote it; absent: nobody has, mails end with a general word.
    pub set_by: Option<String>,
    /// Version of the own unit's block, the ETag; 0: it has none.
    pub own_version: i64,
}

/// The block that counts for `org`, empty where no unit has one.
pub async fn nearest(conn: &impl ConnectionTrait, org: &str) -> Result<Sender, Problem> {
    let row = store::nearest(conn, org).await?;
    row.map_or_else(|| Ok(Sender::default()), |row| Ok(serde_json::from_value(row.block)?))
}

pub async fn one(app: &App, ctx: &Context) -> Result<SenderView, Problem> {
    view(ctx, store::nearest(&app.db, ctx.actor.org.as_str()).await?)
}

pub async fn put(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    if_match: i64,
    input: Sender,
) -> Result<SenderView, Problem> {
    let mut fields = Fields::new();
    input.check(&mut fields);
    fields.finish()?;
    let (org, by) = (ctx.actor.org.as_str(), ctx.actor.id.as_str());
    let current = store::own(tx, org).await?.map_or(0, |row| row.version);
    http::check_version(if_match, current)?;
    if !store::put(tx, (org, json!(input)), current, by, app.clock.now()).await? {
        return Err(Problem::of(&codes::PRECONDITION_FAILED));
    }
    tracing::info!(target: "audit", by, org, "sender of mails written");
    view(ctx, store::own(tx, org).await?)
}

/// From now on the unit above counts again.
pub async fn delete(tx: &Tx, ctx: &Context, if_match: i64) -> Result<(), Problem> {
    let org = ctx.actor.org.as_str();
    let current = store::own(tx, org).await?.ok_or_else(Problem::not_found)?;
    http::check_version(if_match, current.version)?;
    if !store::delete(tx, org, current.version).await? {
        return Err(Problem::of(&codes::PRECONDITION_FAILED));
    }
    tracing::info!(target: "audit", by = ctx.actor.id, org, "sender of mails taken away");
    Ok(())
}

fn view(ctx: &Context, row: Option<sender::Model>) -> Result<SenderView, Problem> {
    let Some(row) = row else {
        return Ok(SenderView { sender: Sender::default(), set_by: None, own_version: 0 });
    };
    let own_version = if row.org == ctx.actor.org.as_str() { row.version } else { 0 };
    let sender = serde_json::from_value(row.block)?;
    Ok(SenderView { sender, set_by: Some(row.org), own_version })
}
