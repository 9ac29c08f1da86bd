//! Work on a schedule.

use std::time::Duration;

use host::Job;

use crate::{App, app::send};

pub fn all(app: &App) -> Vec<Job> {
    let every = Duration::from_secs(app.settings.send_every_secs);
    let app = app.clone();
    vec![Job::every("send-invitations", every, move || {
        let app = app.clone();
        async move { send::run_due(&app).await }
    })]
}
