//! `/api/v1/tickets`: create, read, change, find.

use actix_web::{get, patch, post, web::Data};
use http::{
    Allowed, Created, IdempotencyHeader, Idempotent, IfMatch, IfMatchHeader, Json, Path, Query,
    may, ok, ok_versioned, write,
};
use serde::Deserialize;
use store::Tx;
use utoipa::IntoParams;
use uuid::Uuid;

use super::views::{HistoryPage, HistoryView, TicketPage, TicketView, TimerList, TimerView};
use crate::{
    app::{
        App,
        change_ticket::{self, TicketPatch},
        external_ref::{self, Reference},
        known_customer,
        list_tickets::{self, TicketQuery},
        open_ticket::{self, NewTicket},
        read_ticket,
    },
    store::tickets,
};

/// Part of a list that belongs to a ticket.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PartQuery {
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// Takes a matter. Its number, queue and timers are chosen by the configuration; a repeated
/// complaint (same customer and category within 7 days) is linked and escalated at once.
///
/// A customer whom the caller may not see does not exist: 422. One made just now may not be known
/// here yet: the request waits a moment for them and is then answered 409 `customer-not-yet-known`
/// with `Retry-After`.
#[utoipa::path(tag = "tickets", security(("bearer" = ["ticket:create"])), params(IdempotencyHeader),
    request_body = NewTicket, responses((status = 201, description = "The ticket.", body = TicketView)))]
#[post("/api/v1/tickets")]
pub async fn create_ticket(
    app: Data<App>,
    caller: Allowed<may::TicketCreate>,
    input: Idempotent<NewTicket>,
) -> http::Result {
    let (ctx, locale) = (caller.context(), caller.locale());
    known_customer::wait_for(&app, &ctx, input.body().customer_id).await?;
    let work = async |tx: &Tx, body| {
        let ticket = open_ticket::run(&app, tx, &ctx, locale, body).await?;
        let location = format!("/api/v1/tickets/{}", ticket.id);
        Ok(Created {
            location,
            version: Some(ticket.version),
            body: TicketView::of(ticket, &ctx.actor),
        })
    };
    let reference = Reference::of(&ctx, input.body());
    match input.create(&app.db, &ctx, work).await {
        Err(http::Error(refused)) => {
            Err(http::Error(external_ref::named(&app.db, &ctx, reference, refused).await))
        }
        done => done,
    }
}

/// Finds tickets, newest first. Words of `q` must all stand in number, subject or articles.
#[utoipa::path(tag = "tickets", security(("bearer" = ["ticket:read"])), params(TicketQuery),
    responses((status = 200, description = "One page.", body = TicketPage)))]
#[get("/api/v1/tickets")]
pub async fn find_tickets(
    app: Data<App>,
    caller: Allowed<may::TicketRead>,
    query: Query<TicketQuery>,
) -> http::Result {
    let page = list_tickets::run(&app, &caller.context(), query.0).await?;
    let items = page.items.into_iter().map(|t| TicketView::of(t, caller.actor())).collect();
    Ok(ok(&TicketPage { items, next_cursor: page.next_cursor, total: page.total }))
}

#[utoipa::path(tag = "tickets", security(("bearer" = ["ticket:read"])), params(("id" = Uuid, Path), http::IfNoneMatchHeader),
    responses((status = 200, description = "The ticket, with its ETag.", body = TicketView)))]
#[get("/api/v1/tickets/{id}")]
pub async fn get_ticket(
    app: Data<App>,
    caller: Allowed<may::TicketRead>,
    id: Path<Uuid>,
) -> http::Result {
    let ticket = tickets::visible(&app.db, caller.org(), id.0).await?;
    Ok(ok_versioned(ticket.version, &TicketView::of(ticket, caller.actor())))
}

/// Changes subject, kind, category, priority, complaint level or customer. Any but the subject may
/// bring another service-level policy, which then holds from the ticket's start on, except that a
/// timer past its last warning keeps a sooner deadline. Lowering priority or complaint level needs a
/// reason and the right `ticket:lower`. On a ticket that somebody has claimed, only those whom its
/// kind names may. Nothing to change: nothing happens.
#[utoipa::path(tag = "tickets", security(("bearer" = ["ticket:write"])),
    params(("id" = Uuid, Path), IfMatchHeader), request_body = TicketPatch,
    responses((status = 200, description = "The ticket as it is now.", body = TicketView)))]
#[patch("/api/v1/tickets/{id}")]
pub async fn patch_ticket(
    app: Data<App>,
    caller: Allowed<may::TicketWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    input: Json<TicketPatch>,
) -> http::Result {
    let ctx = caller.context();
    known_customer::wait_for(&app, &ctx, input.0.customer_id.flatten()).await?;
    let work =
        async |tx: &Tx| change_ticket::run(&app, tx, &ctx, (id.0, if_match.0), input.0).await;
    let ticket = write(&app.db, work).await?;
    Ok(ok_versioned(ticket.version, &TicketView::of(ticket, caller.actor())))
}

/// Every change of a ticket, oldest first.
#[utoipa::path(tag = "tickets", security(("bearer" = ["ticket:read"])),
    params(("id" = Uuid, Path), PartQuery),
    responses((status = 200, description = "One page.", body = HistoryPage)))]
#[get("/api/v1/tickets/{id}/history")]
pub async fn ticket_history(
    app: Data<App>,
    caller: Allowed<may::TicketRead>,
    id: Path<Uuid>,
    query: Query<PartQuery>,
) -> http::Result {
    let PartQuery { cursor, limit } = query.0;
    let page = read_ticket::history(&app, &caller.context(), id.0, cursor, limit).await?;
    let items = page.items.into_iter().map(|h| HistoryView::of(h, caller.actor())).collect();
    Ok(ok(&HistoryPage { items, next_cursor: page.next_cursor }))
}

/// Every timer of a ticket with its pauses, oldest first.
#[utoipa::path(tag = "tickets", security(("bearer" = ["ticket:read"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "All timers.", body = TimerList)))]
#[get("/api/v1/tickets/{id}/timers")]
pub async fn ticket_timers(
    app: Data<App>,
    caller: Allowed<may::TicketRead>,
    id: Path<Uuid>,
) -> http::Result {
    let (timers, pauses) = read_ticket::timers(&app, &caller.context(), id.0).await?;
    let items = timers.into_iter().map(|timer| TimerView::of(timer, &pauses));
    Ok(ok(&TimerList { items: items.collect::<Result<_, _>>()? }))
}
