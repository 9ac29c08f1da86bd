//! A ticket was resolved or closed: what it was about is kept, so that people can be asked about it.

use contracts::ticketing::TicketSnapshot;
use kernel::{OrgPath, Problem};
use store::Tx;

use super::forget_customer;
use crate::{
    App,
    store::{customers, invitations, tickets},
};

pub async fn run(app: &App, tx: &Tx, ticket: &TicketSnapshot) -> Result<(), Problem> {
    let Some(customer) = ticket.customer_id else {
        // Nobody will be asked about it.
        return tickets::keep(tx, ticket, None).await;
    };
    customers::keep_served(tx, customer, &ticket.org).await?;
    let root = OrgPath::parse(&ticket.org)?.root();
    // Under the customer's lock: an erasure has been before, or finds the subject and removes it.
    invitations::lock_customer(tx, &root, customer, app.clock.now()).await?;
    let opted_out = invitations::opt_out(tx, &root, customer).await?;
    let erased = opted_out.is_some_and(|(_, by)| by.as_deref() == Some(forget_customer::BY));
    let subject = (!erased).then(|| app.pii.seal(&ticket.subject));
    tickets::keep(tx, ticket, subject).await
}
