//! Work that nobody asks for by a request.

use std::time::Duration;

use host::Job;

use crate::app::{App, aftercare};

/// All jobs.
#[must_use]
pub fn all(app: &App) -> Vec<Job> {
    let (tiers, standards, units, suspicions) =
        (app.clone(), app.clone(), app.clone(), app.clone());
    vec![
        Job::every("end_tiers", Duration::from_secs(60), move || {
            let app = tiers.clone();
            async move { aftercare::end_tiers(&app).await }
        }),
        Job::every("refresh_standards", Duration::from_secs(5), move || {
            let app = standards.clone();
            async move { aftercare::refresh_standards(&app).await }
        }),
        Job::every("tell_units", Duration::from_secs(60), move || {
            let app = units.clone();
            async move { aftercare::tell_units(&app).await }
        }),
        Job::every("count_suspicions", Duration::from_secs(30), move || {
            let app = suspicions.clone();
            async move { aftercare::count_suspicions(&app).await }
        }),
    ]
}
