//! What the service does when it hears of something.

mod on_customer_erased;
mod on_survey_answered;
mod on_ticket;

use contracts::{customer::CustomerErased, survey::SurveyAnswered, ticketing as t};
use events::Reactions;

use crate::App;

/// All reactions.
#[must_use]
pub fn all(app: &App) -> Reactions {
    let ticket = || on_ticket::Mirror(app.clone());
    Reactions::none()
        .on::<t::TicketOpened>(ticket())
        .on::<t::TicketChanged>(ticket())
        .on::<t::TicketAssigned>(ticket())
        .on::<t::TicketReplied>(ticket())
        .on::<t::TicketStatusChanged>(ticket())
        .on::<t::TicketUrged>(ticket())
        .on::<t::TimerBreached>(ticket())
        .on::<t::TicketEscalated>(ticket())
        .on::<t::TicketResolved>(ticket())
        .on::<t::TicketClosed>(ticket())
        .on::<t::TicketReopened>(ticket())
        .on::<t::TicketImported>(ticket())
        .on::<CustomerErased>(on_customer_erased::Forget)
        .on::<SurveyAnswered>(on_survey_answered::Inspect(app.clone()))
}
