//! Tickets: keeps the newest state, and inspects at once what the risk rules want inspected when
//! the service was rendered.

use async_trait::async_trait;
use contracts::ticketing::{
    TicketAssigned, TicketChanged, TicketClosed, TicketEscalated, TicketImported, TicketOpened,
    TicketReopened, TicketReplied, TicketResolved, TicketSnapshot, TicketStatusChanged,
    TicketUrged, TimerBreached,
};
use events::React;
use kernel::{Context, Problem};
use store::Tx;

use crate::{
    App,
    app::{
        draw::subject,
        inspect::{self, Occasion},
    },
    store::{
        inspections,
        mirror::{self, Change},
    },
};

/// Reaction to everything that changes a ticket.
pub struct Mirror(pub App);

impl Mirror {
    async fn take(
        &self,
        tx: &Tx,
        ctx: &Context,
        ticket: &TicketSnapshot,
        change: Change,
    ) -> Result<(), Problem> {
        let trace = events::current_trace(ctx).traceparent;
        let known = mirror::take(tx, ticket, change, trace).await?;
        if !matches!(change, Change::Resolved | Change::Closed) {
            return Ok(());
        }
        let (plan, rules) = inspections::risk_rules(tx, &known.org).await?;
        let reasons = rules.of_ticket(ticket, known.imported);
        if reasons.is_empty() {
            return Ok(());
        }
        let occasion = Occasion { reasons, plan: plan.as_ref(), ..Occasion::default() };
        inspect::open(&self.0, tx, ctx, subject(known), occasion).await.map(drop)
    }
}

#[async_trait]
impl React<TicketChanged> for Mirror {
    async fn react(&self, tx: &Tx, ctx: &Context, event: TicketChanged) -> Result<(), Problem> {
        self.take(tx, ctx, &event.ticket, Change::Other).await?;
        if event.fields.iter().any(|field| field == "customer_id") {
            let ticket = &event.ticket;
            inspections::set_customer(tx, ticket.ticket_id, ticket.customer_id).await?;
        }
        Ok(())
    }
}

macro_rules! mirrors {
    ($($event:ident => $change:ident),+ $(,)?) => {
        $(#[async_trait]
        impl React<$event> for Mirror {
            async fn react(&self, tx: &Tx, ctx: &Context, event: $event) -> Result<(), Problem> {
                self.take(tx, ctx, &event.ticket, Change::$change).await
            }
        })+
    };
}

mirrors! {
    TicketOpened => Other,
    TicketAssigned => Other,
    TicketReplied => Other,
    TicketStatusChanged => Other,
    TicketUrged => Other,
    TimerBreached => Other,
    TicketEscalated => Other,
    TicketResolved => Resolved,
    TicketClosed => Closed,
    TicketReopened => Other,
    TicketImported => Imported,
}
