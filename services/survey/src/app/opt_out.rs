//! A customer does not want to be asked any more, or may be asked again.

use chrono::{DateTime, Utc};
use kernel::{Actor, Context, OrgPath, Problem};
use sea_orm::ConnectionTrait;
use store::Tx;
use uuid::Uuid;

use super::forget_customer;
use crate::{
    App, messages,
    store::{customers, entities::invitation, invitations},
};

/// Who has opted out on the answer page.
const CUSTOMER: &str = "customer";

/// Since when and on whose word a customer that the caller may see is not asked any more.
///
/// # Errors
/// `not-found`: there is none, or the caller's unit may not see the customer.
pub async fn read(
    app: &App,
    org: &OrgPath,
    customer_id: Uuid,
) -> Result<(DateTime<Utc>, Option<String>), Problem> {
    seen(&app.db, org, customer_id).await?;
    let known = invitations::opt_out(&app.db, &org.root(), customer_id).await?;
    known.ok_or_else(Problem::not_found)
}

/// On whose word it is, as `actor` may know it.
#[must_use]
pub fn known_to(actor: &Actor, by: Option<String>) -> Option<String> {
    let nobody = [CUSTOMER, "system", forget_customer::BY];
    let told = by.as_deref().is_some_and(|by| nobody.contains(&by));
    if told { by } else { actor.may_know(by) }
}

/// A customer that the caller's unit may not see is answered as one that does not exist.
async fn seen(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    customer_id: Uuid,
) -> Result<(), Problem> {
    let visible = customers::visible(conn, org, customer_id).await?;
    if visible { Ok(()) } else { Err(Problem::not_found()) }
}

/// Entered by staff; answers since when and by whom. Entered twice, the first time counts.
///
/// # Errors
/// `invalid` at `/customer_id`: there is no such customer, or the caller's unit may not see them.
pub async fn set(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    customer_id: Uuid,
) -> Result<(DateTime<Utc>, Option<String>), Problem> {
    if !customers::visible(tx, &ctx.actor.org, customer_id).await? {
        let unknown = messages::unknown_customer();
        return Err(Problem::invalid("/customer_id", "unknown-customer", unknown));
    }
    let root = ctx.actor.org.root();
    if let Some(known) = invitations::opt_out(tx, &root, customer_id).await? {
        return Ok(known);
    }
    let now = app.clock.now();
    invitations::set_opt_out(tx, &root, customer_id, Some(&ctx.actor.id), now).await?;
    Ok((now, Some(ctx.actor.id.clone())))
}

/// Taken back by staff, on the customer's word.
pub async fn lift(app: &App, tx: &Tx, ctx: &Context, customer_id: Uuid) -> Result<(), Problem> {
    seen(tx, &ctx.actor.org, customer_id).await?;
    let root = ctx.actor.org.root();
    invitations::opt_out(tx, &root, customer_id).await?.ok_or_else(Problem::not_found)?;
    Ok(invitations::set_opt_out(tx, &root, customer_id, None, app.clock.now()).await?)
}

/// Asked for by the customer on the answer page; a link of any state will do.
pub async fn by_link(app: &App, tx: &Tx, invitation: &invitation::Model) -> Result<(), Problem> {
    let Some(customer_id) = invitation.customer_id else { return Ok(()) };
    let root = OrgPath::parse(&invitation.root)?;
    Ok(invitations::set_opt_out(tx, &root, customer_id, Some(CUSTOMER), app.clock.now()).await?)
}
