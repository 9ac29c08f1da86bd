//! Figures of a survey over a window of time, in all and by group.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{OrgPath, Problem, codes};
use uuid::Uuid;

use crate::{
    App,
    domain::figures::{Counts, Figures},
    messages,
    store::{
        figures::{self, By, Scope},
        surveys,
    },
};

/// Longest window, in days.
const LONGEST: i64 = 3_660;
/// Window when none is given, in days.
const USUAL: i64 = 30;

/// What was computed.
pub struct Results {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub overall: Figures,
    pub groups: Vec<(Option<String>, Figures)>,
}

pub async fn run(
    app: &App,
    org: &OrgPath,
    survey_id: Uuid,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    by: Option<By>,
) -> Result<Results, Problem> {
    surveys::get(&app.db, org, survey_id).await?;
    let to = to.unwrap_or_else(|| app.clock.now());
    let from = from.unwrap_or(to - TimeDelta::days(USUAL));
    if from >= to || to - from > TimeDelta::days(LONGEST) {
        let detail = messages::window(LONGEST);
        return Err(Problem::of(&codes::INVALID_QUERY).field("/from", "out-of-range", detail));
    }
    let scope = Scope { org, survey_id, from, to, by: by.unwrap_or(By::Org) };
    let counts = figures::counts(&app.db, &scope).await?;
    let mut all = Counts::default();
    counts.values().for_each(|group| all.add(group));
    let group =
        |(key, counts): (String, Counts)| (Some(key).filter(|k| !k.is_empty()), counts.figures());
    let groups = if by.is_some() { counts.into_iter().map(group).collect() } else { vec![] };
    Ok(Results { from, to, overall: all.figures(), groups })
}
