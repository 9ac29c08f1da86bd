//! Not settled after all: nobody is asked about it now.

use async_trait::async_trait;
use contracts::ticketing::TicketReopened;
use events::React;
use kernel::{Context, Problem};
use store::Tx;

use crate::{
    App,
    app::{cancel, follow_up},
    store::tickets,
};

pub struct OnTicketReopened(pub App);

#[async_trait]
impl React<TicketReopened> for OnTicketReopened {
    async fn react(&self, tx: &Tx, ctx: &Context, event: TicketReopened) -> Result<(), Problem> {
        tickets::keep(tx, &event.ticket, None).await?;
        follow_up::moved(&self.0, tx, &event.ticket, "open").await?;
        cancel::run(&self.0, tx, ctx, event.ticket.ticket_id).await
    }
}
