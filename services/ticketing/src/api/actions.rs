//! `/api/v1/tickets/{id}/…`: what is done with a ticket.

use actix_web::{post, web::Data};
use http::{Allowed, Done, IdempotencyHeader, Idempotent, Json, Path, may, ok_versioned, write};
use kernel::{Context, Problem};
use store::Tx;
use uuid::Uuid;

use super::views::TicketView;
use crate::{
    app::{
        App,
        hand_over::{self, Assign, Transfer},
        move_ticket::{self, Close, Pend, Reason, Resolve},
        urge_ticket::{self, Urge},
    },
    store::entities::ticket,
};

async fn act(
    app: &App,
    ctx: &Context,
    work: impl AsyncFnOnce(&Tx) -> Result<ticket::Model, Problem>,
) -> http::Result {
    let ticket = write(&app.db, work).await?;
    Ok(ok_versioned(ticket.version, &TicketView::of(ticket, &ctx.actor)))
}

/// The caller takes the ticket; the first who does is its first responder (首问责任人) for good.
#[utoipa::path(tag = "tickets", security(("bearer" = ["ticket:write"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The ticket as it is now.", body = TicketView)))]
#[post("/api/v1/tickets/{id}/claim")]
pub async fn claim_ticket(
    app: Data<App>,
    caller: Allowed<may::TicketWrite>,
    id: Path<Uuid>,
) -> http::Result {
    let ctx: Context = caller.context();
    act(&app, &ctx, async |tx| hand_over::claim(&app, tx, &ctx, id.0).await).await
}

macro_rules! action {
    ($(#[$doc:meta])* $name:ident, $path:tt, $may:ident $scope:tt, $input:ident => $run:path) => {
        $(#[$doc])*
        #[utoipa::path(tag = "tickets", security(("bearer" = [$scope])), params(("id" = Uuid, Path)),
            request_body = $input,
            responses((status = 200, description = "The ticket as it is now.", body = TicketView)))]
        #[post($path)]
        pub async fn $name(
            app: Data<App>,
            caller: Allowed<may::$may>,
            id: Path<Uuid>,
            input: Json<$input>,
        ) -> http::Result {
            let ctx: Context = caller.context();
            act(&app, &ctx, async |tx| $run(&app, tx, &ctx, id.0, input.0).await).await
        }
    };
}

action! {
    /// Gives the ticket to somebody.
    assign_ticket, "/api/v1/tickets/{id}/assign", TicketAssign "ticket:assign", Assign => hand_over::assign
}
action! {
    /// Passes the ticket to another queue or department; somebody there has to take it anew.
    transfer_ticket, "/api/v1/tickets/{id}/transfer", TicketWrite "ticket:write", Transfer => hand_over::transfer
}
action! {
    /// Waits for the customer or another party; the resolution timer stands still.
    pend_ticket, "/api/v1/tickets/{id}/pending", TicketWrite "ticket:write", Pend => move_ticket::pend
}
action! {
    /// Puts the ticket aside; the resolution timer stands still.
    hold_ticket, "/api/v1/tickets/{id}/hold", TicketWrite "ticket:write", Reason => move_ticket::hold
}
action! {
    /// Goes on with a pending ticket or one put aside.
    resume_ticket, "/api/v1/tickets/{id}/resume", TicketWrite "ticket:write", Reason => move_ticket::resume
}
action! {
    /// Done from our side. Mandatory department tasks must have ended.
    resolve_ticket, "/api/v1/tickets/{id}/resolve", TicketWrite "ticket:write", Resolve => move_ticket::resolve
}
action! {
    /// Closes a resolved ticket for good.
    close_ticket, "/api/v1/tickets/{id}/close", TicketWrite "ticket:write", Close => move_ticket::close
}
action! {
    /// Takes a resolved ticket up again; the resolution timer starts its next cycle.
    reopen_ticket, "/api/v1/tickets/{id}/reopen", TicketWrite "ticket:write", Reason => move_ticket::reopen
}
action! {
    /// Nothing is to be done; timers and open tasks end.
    ///
    /// A complaint with a level is cancelled only by callers with the right `ticket:lower`; others
    /// are answered 403 `cancelling-not-allowed`.
    cancel_ticket, "/api/v1/tickets/{id}/cancel", TicketWrite "ticket:write", Reason => move_ticket::cancel
}

/// The customer asks again (催办). The second urge within 24 hours, and every further one, raises
/// priority and escalation level by one.
#[utoipa::path(tag = "tickets", security(("bearer" = ["ticket:create"])),
    params(("id" = Uuid, Path), IdempotencyHeader), request_body = Urge,
    responses((status = 200, description = "The ticket as it is now.", body = TicketView)))]
#[post("/api/v1/tickets/{id}/urge")]
pub async fn urge(
    app: Data<App>,
    caller: Allowed<may::TicketCreate>,
    id: Path<Uuid>,
    input: Idempotent<Urge>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx, body| {
        let ticket = urge_ticket::run(&app, tx, &ctx, id.0, body).await?;
        Ok(Done { version: Some(ticket.version), body: TicketView::of(ticket, &ctx.actor) })
    };
    input.perform(&app.db, &ctx, work).await
}
