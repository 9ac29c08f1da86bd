//! A customer does not want to be asked any more, or may be asked again.

use chrono::{DateTime, Utc};
use kernel::{Context, OrgPath, Problem};
use store::Tx;
use uuid::Uuid;

use crate::{
    App,
    store::{entities::invitation, invitations},
};

/// Entered by staff; answers since when and by whom. Entered twice, the first time counts.
pub async fn set(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    customer_id: Uuid,
) -> Result<(DateTime<Utc>, Option<String>), Problem> {
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
    let root = ctx.actor.org.root();
    invitations::opt_out(tx, &root, customer_id).await?.ok_or_else(Problem::not_found)?;
    Ok(invitations::set_opt_out(tx, &root, customer_id, None, app.clock.now()).await?)
}

/// Asked for by the customer on the answer page; a link of any state will do.
pub async fn by_link(app: &App, tx: &Tx, invitation: &invitation::Model) -> Result<(), Problem> {
    let Some(customer_id) = invitation.customer_id else { return Ok(()) };
    let root = OrgPath::parse(&invitation.root)?;
    Ok(invitations::set_opt_out(tx, &root, customer_id, Some("customer"), app.clock.now()).await?)
}
