//! An enterprise shows up: it gets its built-in survey. A follow-up ticket is noted beside its response.

use async_trait::async_trait;
use contracts::ticketing::TicketOpened;
use events::React;
use kernel::{Context, OrgPath, Problem};
use store::Tx;

use crate::{
    App,
    app::{defaults, follow_up},
};

pub struct OnTicketOpened(pub App);

#[async_trait]
impl React<TicketOpened> for OnTicketOpened {
    async fn react(&self, tx: &Tx, ctx: &Context, event: TicketOpened) -> Result<(), Problem> {
        let root = OrgPath::parse(&event.ticket.org)?.root();
        defaults::ensure(tx, ctx, &root, self.0.clock.now()).await?;
        follow_up::opened(&self.0, tx, &event.ticket).await
    }
}
