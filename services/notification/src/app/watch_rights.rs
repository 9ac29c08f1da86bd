//! An owner of endpoints is seen: what their token no longer carries, the endpoints no longer hear.
//! The rule is [`crate::domain::rights`].

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Actor, Problem};

use crate::{App, domain::rights, store::endpoints};

/// A caller whose token says the same as before is looked at again after this time, so that what it
/// confirms is known to the hour.
const AGAIN: TimeDelta = TimeDelta::hours(1);
/// Callers remembered; more than that begin anew.
const REMEMBERED: usize = 10_000;

/// What callers' tokens said when this process last looked.
#[derive(Debug, Default)]
pub struct Watch(Mutex<HashMap<String, (String, DateTime<Utc>)>>);

impl Watch {
    /// Whether the caller says something new, or is due again.
    fn is_news(&self, actor: &Actor, now: DateTime<Utc>) -> bool {
        let said = format!("{} {:?}", actor.org, actor.permissions);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&rights::owner(actor)).is_some_and(|(s, at)| *s == said && now - *at < AGAIN) {
            return false;
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(rights::owner(actor), (said, now));
        true
    }

    fn forget(&self, actor: &Actor) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&rights::owner(actor));
    }
}

/// Compares and records. Called for every request with a valid token, before it is answered.
pub async fn seen(app: &App, actor: &Actor) -> Result<(), Problem> {
    let now = app.clock.now();
    if !app.watch.is_news(actor, now) {
        return Ok(());
    }
    let done = record(app, actor, now).await;
    if done.is_err() {
        // The next request tries again.
        app.watch.forget(actor);
    }
    done
}

async fn record(app: &App, actor: &Actor, now: DateTime<Utc>) -> Result<(), Problem> {
    let owner = rights::owner(actor);
    if !endpoints::owns_any(&app.db, &owner).await? {
        return Ok(());
    }
    let tx = app.db.begin().await?;
    for row in endpoints::owned(&tx, &owner).await? {
        let Some(known) = row.known_rights()? else { continue };
        let after = rights::seen(&known, actor, &row.org, now);
        if after == known {
            continue;
        }
        let lost: Vec<&str> =
            known.keys().filter(|right| !after.contains_key(*right)).map(String::as_str).collect();
        if !lost.is_empty() {
            tracing::warn!(target: "audit", owner, endpoint = %row.id, ?lost, "a webhook endpoint's owner lost rights");
        }
        endpoints::set_rights(&tx, row.id, &after, !lost.is_empty()).await?;
    }
    Ok(tx.commit().await?)
}

/// Takes endpoints on record that were made before owners were known, or by a process of the last
/// release.
pub async fn adopt(app: &App) -> Result<(), Problem> {
    let tx = app.db.begin().await?;
    let count = endpoints::adopt(&tx, &rights::unknown_owner(app.clock.now())).await?;
    tx.commit().await?;
    if count > 0 {
        let days = app.settings.webhooks.confirm_days;
        tracing::warn!(
            count,
            days,
            "webhook endpoints without an owner: each goes quiet after so many days unless somebody saves it"
        );
    }
    Ok(())
}
