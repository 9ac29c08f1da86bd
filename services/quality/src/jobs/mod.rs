//! Work by the clock.

use std::time::Duration;

use host::Job;

use crate::{App, app::finalise};

/// All jobs.
#[must_use]
pub fn all(app: &App) -> Vec<Job> {
    let app = app.clone();
    vec![Job::every("finalise_evaluations", Duration::from_secs(60), move || {
        let app = app.clone();
        async move { finalise::run(&app).await }
    })]
}
