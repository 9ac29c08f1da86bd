//! How a customer is reached, for those who work on a ticket of theirs: they shall call back, and
//! need no right to see all personal data for it.

use std::time::Duration;

use kernel::{ActorKind, Context, Fields, Problem};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, contacts, contacts::ContactView, erase, read, view};
use crate::{
    codes::NOT_YOUR_TICKET,
    domain::{record::Field, ticket_work::may_contact},
    store::{customers, ticket_work},
};

/// How often, and after what pause, it is looked whether the news of a claim has come.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(150);

/// For which ticket, and why.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReachInput {
    /// An unfinished ticket of the customer on which the caller works.
    pub ticket_id: Uuid,
    /// Goes into the access log.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
}

/// Telephone and e-mail of a customer, unmasked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReachView {
    pub customer_id: Uuid,
    pub ticket_id: Uuid,
    pub name: String,
    /// E.164 when valid, else as received.
    pub phone: Option<String>,
    pub phone_valid: bool,
    pub email: Option<String>,
    pub email_valid: bool,
    /// Contact persons of an organisation.
    pub contacts: Vec<ContactView>,
}

/// Waits a moment for the news that the caller works on the ticket: ticketing tells it by an event,
/// and who has just claimed a ticket calls at once. To be called before a transaction begins.
pub async fn wait(app: &App, ctx: &Context, id: Uuid, input: &ReachInput) -> Result<(), Problem> {
    for _ in 0..LOOKS {
        let seen = customers::find(&app.db, &ctx.actor.org, id).await?;
        let seen = seen.ok_or_else(Problem::not_found)?;
        if works(&app.db, ctx, seen.id, input.ticket_id).await? {
            break;
        }
        actix_web::rt::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn works(
    conn: &impl ConnectionTrait,
    ctx: &Context,
    customer: Uuid,
    ticket: Uuid,
) -> Result<bool, Problem> {
    if ctx.actor.kind != ActorKind::User {
        return Ok(false);
    }
    let ids = customers::all_ids(conn, customer).await?;
    let found = ticket_work::find(conn, ticket).await?;
    Ok(found.is_some_and(|(work, holders)| may_contact(&work, &holders, &ids, &ctx.actor.id)))
}

/// Shows telephone and e-mail, and writes down to whom and for which ticket. The log entry commits
/// before the answer leaves; without it, none.
pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: ReachInput,
) -> Result<ReachView, Problem> {
    let mut fields = Fields::new();
    fields.text("/reason", &input.reason, 1, 200);
    fields.finish()?;
    let row = customers::find(tx, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    erase::refuse_erased(&row)?;
    if !works(tx, ctx, row.id, input.ticket_id).await? {
        return Err(Problem::of(&NOT_YOUR_TICKET));
    }
    let what = ("reach", Some(input.ticket_id));
    read::log_for_ticket(app, tx, ctx, row.id, what, Some(&input.reason)).await?;
    let (_, contacts) = contacts::list(app, tx, ctx, row.id, true).await?;
    Ok(ReachView {
        customer_id: row.id,
        ticket_id: input.ticket_id,
        phone: view::opened(app, row.phone_sealed.as_ref(), Field::Phone, true)?,
        email: view::opened(app, row.email_sealed.as_ref(), Field::Email, true)?,
        name: row.name,
        phone_valid: row.phone_valid,
        email_valid: row.email_valid,
        contacts,
    })
}
