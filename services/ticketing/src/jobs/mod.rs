//! Work that time brings: timers and automatic closing.

use std::time::Duration;

use host::Job;

use crate::app::{App, auto_close, fire_timers};

#[must_use]
pub fn all(app: &App) -> Vec<Job> {
    let (timers, measured, closing) = (app.clone(), app.clone(), app.clone());
    vec![
        Job::every("timers", Duration::from_secs(1), move || {
            let app = timers.clone();
            async move { fire_timers::run(&app).await.map(drop) }
        }),
        Job::in_every_process("measure_timers", Duration::from_secs(5), move || {
            let app = measured.clone();
            async move { fire_timers::measure(&app).await }
        }),
        Job::every("auto_close", Duration::from_secs(60), move || {
            let app = closing.clone();
            async move { auto_close::run(&app).await.map(drop) }
        }),
    ]
}
