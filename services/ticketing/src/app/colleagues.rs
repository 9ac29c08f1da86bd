//! Keeps others away from a ticket that somebody has claimed, as its kind rules.

use kernel::{Context, Permission, Problem};
use store::Tx;
use uuid::Uuid;

use super::{App, edit::Edit};
use crate::{
    codes::NOT_THE_HANDLER,
    domain::colleagues::{Claim, Worker, may_work},
};

/// Loads a ticket that the caller wants to work on, as [`Edit::load`].
pub(super) async fn load<'a>(
    app: &'a App,
    tx: &'a Tx,
    ctx: &'a Context,
    id: Uuid,
) -> Result<Edit<'a>, Problem> {
    let edit = Edit::load(app, tx, ctx, id).await?;
    check(&edit)?;
    Ok(edit)
}

/// Refuses whoever may only leave a note on the ticket.
pub(super) fn check(edit: &Edit<'_>) -> Result<(), Problem> {
    let (ticket, actor) = (&edit.ticket, &edit.ctx.actor);
    let queue = ticket.queue.as_ref().and_then(|key| edit.config.queues.get(key));
    let department = ticket.department.as_ref().and_then(|key| edit.config.departments.get(key));
    let claim = Claim {
        handler: ticket.handler.as_deref(),
        first_responder: ticket.first_responder.as_deref(),
        account_manager: ticket.account_manager.as_deref(),
        opened_by: &ticket.opened_by,
        orgs: [
            Some(ticket.org.as_str()),
            queue.and_then(|queue| queue.org.as_deref()),
            department.and_then(|department| department.org.as_deref()),
        ],
        leaders: [
            queue.and_then(|queue| queue.supervisor.as_deref()),
            department.and_then(|department| department.head.as_deref()),
        ],
    };
    let worker = Worker {
        kind: actor.kind,
        id: &actor.id,
        org: actor.org.as_str(),
        assigns: actor.can(Permission::TicketAssign),
    };
    let rules = edit.config.kinds.get(&ticket.kind).and_then(|kind| kind.act_on_claimed.as_deref());
    if may_work(rules, &claim, worker) { Ok(()) } else { Err(Problem::of(&NOT_THE_HANDLER)) }
}
