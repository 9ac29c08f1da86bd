//! What this service does when it hears of something.

mod on_customer_changed;
mod on_customer_erased;
mod on_low_score;

use contracts::{
    customer::{CustomerChanged, CustomerErased, CustomerRegistered},
    survey::LowScoreRaised,
};
use events::Reactions;

use crate::app::App;
use on_customer_changed::KnowCustomer;
use on_customer_erased::ForgetCustomer;
use on_low_score::FollowUpLowScore;

#[must_use]
pub fn all(app: &App) -> Reactions {
    Reactions::none()
        .on::<CustomerRegistered>(KnowCustomer(app.clone()))
        .on::<CustomerChanged>(KnowCustomer(app.clone()))
        .on::<CustomerErased>(ForgetCustomer(app.clone()))
        .on::<LowScoreRaised>(FollowUpLowScore(app.clone()))
}
