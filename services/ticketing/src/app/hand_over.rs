//! Claim, assign, transfer: who works on a ticket.

use kernel::{Context, Fields, Problem, limits};
use serde::Deserialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, colleagues, edit::Edit, facts::Fact, known};
use crate::{
    codes::ALREADY_CLAIMED,
    domain::lifecycle::Action,
    messages,
    store::{configs::Config, entities::ticket},
};

/// Who shall work on it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// User id.
    #[schema(min_length = 1, max_length = 200)]
    pub handler: String,
    /// Key of a queue to move it to at the same time.
    #[schema(min_length = 1, max_length = 64)]
    pub queue: Option<String>,
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
}

/// Where to pass it on; at least one of queue and department.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    #[schema(min_length = 1, max_length = 64)]
    pub queue: Option<String>,
    /// Its first queue takes the ticket unless a queue is named.
    #[schema(min_length = 1, max_length = 64)]
    pub department: Option<String>,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// The caller takes the ticket. A partner system cannot: nobody would be responsible.
pub async fn claim(app: &App, tx: &Tx, ctx: &Context, id: Uuid) -> Result<ticket::Model, Problem> {
    let mut edit = Edit::load(app, tx, ctx, id).await?;
    let me = edit.staff().ok_or_else(|| {
        Problem::of(&kernel::codes::FORBIDDEN).detail(messages::only_staff_claim())
    })?;
    let from = edit.act(Action::Take)?;
    if edit.ticket.handler.as_ref().is_some_and(|handler| *handler != me) {
        return Err(Problem::of(&ALREADY_CLAIMED));
    }
    edit.take_if_free("claimed");
    edit.tell_status(from);
    edit.save().await
}

/// Gives the ticket to somebody.
pub async fn assign(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Assign,
) -> Result<ticket::Model, Problem> {
    let mut edit = Edit::load(app, tx, ctx, id).await?;
    let mut fields = Fields::new();
    fields.text("/handler", &input.handler, 1, limits::NAME);
    check_reason(&mut fields, input.reason.as_deref());
    check_queue(&mut fields, &edit.config, input.queue.as_deref());
    fields.finish()?;
    let from_status = edit.act(Action::Take)?;
    edit.reason = input.reason.clone();
    let before = (edit.ticket.handler.clone(), edit.ticket.queue.clone());
    edit.ticket.handler = Some(input.handler.trim().to_owned());
    if let Some(queue) = input.queue {
        move_to(&mut edit, queue);
    }
    if before != (edit.ticket.handler.clone(), edit.ticket.queue.clone()) {
        let to = edit.ticket.handler.clone();
        edit.tell(Fact::Assigned { from: before.0, to, reason: input.reason });
    }
    edit.tell_status(from_status);
    edit.save().await
}

/// Passes the ticket to another queue or department, where somebody has to take it anew. The first
/// responder stays.
pub async fn transfer(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Transfer,
) -> Result<ticket::Model, Problem> {
    let mut edit = colleagues::load(app, tx, ctx, id).await?;
    let config = edit.config.clone();
    let mut fields = Fields::new();
    check_reason(&mut fields, Some(&input.reason));
    fields.check(
        !input.reason.trim().is_empty(),
        "/reason",
        "too-short",
        kernel::messages::empty(),
    );
    let named = input.queue.is_some() || input.department.is_some();
    fields.check(named, "/queue", "required", messages::queue_or_department());
    check_queue(&mut fields, &config, input.queue.as_deref());
    fields.text("/department", input.department.as_deref().unwrap_or("-"), 1, 64);
    check_department(&mut fields, &config, input.department.as_deref());
    fields.finish()?;
    edit.act(Action::Transfer)?;
    let before =
        (edit.ticket.handler.clone(), edit.ticket.queue.clone(), edit.ticket.department.clone());
    let of_department = |department: &String| {
        let mut queues = config.queues.iter().filter(|(_, q)| q.enabled);
        queues.find(|(_, q)| q.department.as_ref() == Some(department)).map(|(key, _)| key.clone())
    };
    let queue = input.queue.clone().or_else(|| input.department.as_ref().and_then(of_department));
    match queue {
        Some(queue) => move_to(&mut edit, queue),
        None => edit.ticket.queue = None,
    }
    if input.department.is_some() {
        edit.ticket.department.clone_from(&input.department);
    }
    edit.ticket.handler = None;
    edit.reason = Some(input.reason.clone());
    let after =
        (edit.ticket.handler.clone(), edit.ticket.queue.clone(), edit.ticket.department.clone());
    if before != after {
        edit.ticket.transfer_count += 1;
        let to = after.1.or(after.2);
        edit.tell(Fact::Assigned { from: before.0.or(before.1), to, reason: Some(input.reason) });
    }
    edit.save().await
}

fn move_to(edit: &mut Edit<'_>, queue: String) {
    let department = edit.config.queues.get(&queue).and_then(|queue| queue.department.clone());
    edit.ticket.queue = Some(queue);
    edit.ticket.department = department;
}

pub(super) fn check_reason(fields: &mut Fields, reason: Option<&str>) {
    fields.text("/reason", reason.unwrap_or_default(), 0, 2_000);
}

fn check_queue(fields: &mut Fields, config: &Config, queue: Option<&str>) {
    known::queue(fields, config, queue);
}

/// Departments are known by name only until the first one is configured.
pub(super) fn check_department(fields: &mut Fields, config: &Config, department: Option<&str>) {
    let departments = &config.departments;
    let exists = |key: &str| departments.get(key).is_some_and(|d| d.enabled);
    let known = departments.is_empty() || department.is_none_or(exists);
    known::department(fields, config, department.unwrap_or_default(), known);
}
