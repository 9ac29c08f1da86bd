//! The customer asks again before it is done (催办).

use kernel::{Context, Fields, Problem, new_id};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde::Deserialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App, change_ticket::tell_changes, edit::Edit, facts::Fact, open_ticket::escalate, owed_timers,
};
use crate::{
    domain::{
        escalation::{URGE_WINDOW, urge_raises},
        lifecycle::Action,
        priority::Priority,
    },
    store::entities::{ticket, urge},
};

/// What the customer said.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Urge {
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// Counts the urge; the second within a day, and every further one, raises priority and level.
pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Urge,
) -> Result<ticket::Model, Problem> {
    let mut fields = Fields::new();
    fields.text("/note", input.note.as_deref().unwrap_or_default(), 0, 2_000);
    fields.finish()?;
    let mut edit = Edit::load(app, tx, ctx, id).await?;
    edit.act(Action::Urge)?;
    let earlier: Vec<_> = urge::Entity::find()
        .filter(urge::Column::TicketId.eq(id))
        .filter(urge::Column::UrgedAt.gte(edit.now - URGE_WINDOW))
        .all(tx)
        .await?
        .into_iter()
        .map(|urge| urge.urged_at)
        .collect();
    let row = urge::Model {
        id: new_id(),
        ticket_id: id,
        urged_at: edit.now,
        urged_by: ctx.actor.id.clone(),
        note: input.note.clone(),
    };
    urge::Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    edit.reason = Some("urged".into());
    if urge_raises(&earlier, edit.now) {
        let priority = edit.ticket.priority.parse().unwrap_or(Priority::Normal).raised();
        edit.ticket.priority = priority.as_str().into();
        tell_changes(&mut edit)?;
        owed_timers::start(&mut edit).await?;
        escalate(&mut edit, "urged");
    }
    edit.ticket.urge_count += 1;
    edit.tell(Fact::Urged { note: input.note });
    edit.save().await
}
