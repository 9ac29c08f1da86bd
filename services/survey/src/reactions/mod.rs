//! What this service does when it hears of something: one file per event.

mod on_customer_erased;
mod on_customer_told;
mod on_notice_delivered;
mod on_notice_failed;
mod on_notice_suppressed;
mod on_ticket_closed;
mod on_ticket_opened;
mod on_ticket_reopened;
mod on_ticket_resolved;

use contracts::customer::{CustomerChanged, CustomerRegistered};
use events::Reactions;

use crate::App;

pub fn all(app: &App) -> Reactions {
    Reactions::none()
        .on(on_customer_erased::OnCustomerErased(app.clone()))
        .on::<CustomerRegistered>(on_customer_told::OnCustomerTold)
        .on::<CustomerChanged>(on_customer_told::OnCustomerTold)
        .on(on_ticket_opened::OnTicketOpened(app.clone()))
        .on_alone(on_ticket_resolved::OnTicketResolved(app.clone()))
        .on_alone(on_ticket_closed::OnTicketClosed(app.clone()))
        .on(on_ticket_reopened::OnTicketReopened(app.clone()))
        .on(on_notice_delivered::OnNoticeDelivered(app.clone()))
        .on(on_notice_failed::OnNoticeFailed(app.clone()))
        .on(on_notice_suppressed::OnNoticeSuppressed(app.clone()))
}
