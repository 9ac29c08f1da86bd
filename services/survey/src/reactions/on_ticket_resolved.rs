//! The moment to ask; for a follow-up ticket also an outcome.

use async_trait::async_trait;
use contracts::ticketing::TicketResolved;
use events::React;
use kernel::{Context, Problem};
use store::Tx;

use crate::{
    App,
    app::{follow_up, invite, know_ticket},
    domain::trigger::TriggerEvent,
};

pub struct OnTicketResolved(pub App);

#[async_trait]
impl React<TicketResolved> for OnTicketResolved {
    async fn react(&self, tx: &Tx, ctx: &Context, event: TicketResolved) -> Result<(), Problem> {
        know_ticket::run(&self.0, tx, &event.ticket).await?;
        follow_up::moved(&self.0, tx, &event.ticket, "resolved").await?;
        invite::run(&self.0, tx, ctx, TriggerEvent::TicketResolved, &event.ticket).await
    }
}
