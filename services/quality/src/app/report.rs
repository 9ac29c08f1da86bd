//! Computes a month's report and freezes it.

use contracts::quality::ReportPublished;
use kernel::{Context, Problem, new_id};
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde::Deserialize;
use store::{Tx, sql};
use utoipa::ToSchema;

use super::{App, draw::month, org_of};
use crate::{
    codes,
    domain::report::figures,
    store::{entities::service_report, json, report},
};

/// What to report on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReport {
    /// Unit with everything below it; the caller's unless given.
    pub org: Option<String>,
    /// Month, `2026-03`.
    #[schema(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$")]
    pub period: String,
}

/// Publishes the next version of the report of a unit and month; earlier ones stay as they are.
///
/// # Errors
/// `invalid`, also for a unit of which nothing was ever heard; `period-not-begun`.
pub async fn publish(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    input: NewReport,
) -> Result<service_report::Model, Problem> {
    let org = org_of(ctx, input.org.as_deref())?;
    if org != ctx.actor.org && !report::knows(tx, &org).await? {
        let detail = kernel::messages::no_such_value(org.as_str());
        return Err(Problem::invalid("/org", "unknown-unit", detail));
    }
    let bounds = month(&input.period)?.bounds(&app.rules.calendar.zone());
    let now = app.clock.now();
    if now < bounds.0 {
        return Err(Problem::of(&codes::PERIOD_NOT_BEGUN));
    }
    let number = sql::next_number(tx, &format!("service_report:{org}:{}", input.period)).await?;
    let figures = figures(&report::inputs(tx, &org, bounds, now).await?);
    let row = service_report::ActiveModel {
        id: Set(new_id()),
        org: Set(org.to_string()),
        period: Set(input.period),
        number: Set(i32::try_from(number)?),
        figures: Set(json(&figures)?),
        published_at: Set(now),
        published_by: Set(ctx.actor.id.clone()),
    };
    let published = row.insert(tx).await?;
    let event = ReportPublished {
        report_id: published.id,
        org: published.org.clone(),
        period: published.period.clone(),
        version: published.number,
    };
    events::emit(tx, ctx, now, &event).await?;
    Ok(published)
}
