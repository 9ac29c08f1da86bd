//! Gives an enterprise its built-in survey and trigger on first use, so that it asks its customers
//! from the first resolved ticket on. What it changes or deletes afterwards stays that way.

use chrono::{DateTime, Utc};
use kernel::{Context, OrgPath, Problem};
use sea_orm::EntityTrait;
use serde_json::json;
use store::{Tx, sql};

use super::{create_survey, create_trigger, publish};
use crate::{
    domain::{
        templates,
        trigger::{Filters, LowScore, TriggerEvent},
    },
    store::entities::survey_trigger,
};

/// Days after which the same customer may be asked again, unless the enterprise decides otherwise.
pub const COOL_DOWN_DAYS: i32 = 7;
/// Days for which a link works.
pub const EXPIRES_DAYS: i32 = 14;

pub async fn ensure(
    tx: &Tx,
    ctx: &Context,
    root: &OrgPath,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let first = sql::execute(
        tx,
        "INSERT INTO enterprise (root, created_at) VALUES ($1, $2) ON CONFLICT (root) DO NOTHING",
        vec![root.as_str().into(), now.into()],
    )
    .await?;
    if first.rows_affected() == 0 {
        return Ok(());
    }
    let template = templates::CSAT_AFTER_SERVICE;
    let survey = create_survey::insert(
        tx,
        root,
        create_survey::Draft {
            key: template.key.to_owned(),
            title: template.title.to_owned(),
            definition: template.definition(),
            metrics: template.metrics(),
        },
        now,
    )
    .await?;
    let (survey, _) = publish::publish(tx, &ctx.actor.id, survey, now).await?;
    let trigger = create_trigger::Wanted {
        name: "工单解决后满意度调查 / Satisfaction after a resolved ticket".to_owned(),
        survey_id: survey.id,
        event: TriggerEvent::TicketResolved,
        filters: Filters::default(),
        delay_minutes: 0,
        cool_down_days: COOL_DOWN_DAYS,
        cool_down_across_days: COOL_DOWN_DAYS,
        low_score: Some(LowScore { question: "csat".into(), max: 2 }),
        expires_days: EXPIRES_DAYS,
        enabled: true,
    };
    let row = create_trigger::row(root, &trigger, now, json!(trigger.filters));
    survey_trigger::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}
