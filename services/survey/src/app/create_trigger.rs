//! A new trigger.

use chrono::{DateTime, Utc};
use kernel::{Arg, Context, Fields, OrgPath, Problem, limits, messages as shared};
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use store::Tx;
use uuid::Uuid;

use super::{defaults, unit_for};
use crate::{
    App, codes,
    domain::{
        definition::Kind,
        trigger::{Filters, LowScore, TriggerEvent},
    },
    messages,
    store::{entities::survey_trigger, invitations::LONGEST_COOL_DOWN, surveys},
};

/// A trigger as the caller wants it.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub name: String,
    pub survey_id: Uuid,
    pub event: TriggerEvent,
    pub filters: Filters,
    pub delay_minutes: i32,
    pub cool_down_days: i32,
    pub cool_down_across_days: i32,
    pub low_score: Option<LowScore>,
    pub expires_days: i32,
    pub enabled: bool,
}

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    org: Option<&str>,
    wanted: Wanted,
) -> Result<survey_trigger::Model, Problem> {
    let now = app.clock.now();
    let org = unit_for(&ctx.actor, org)?;
    defaults::ensure(tx, ctx, &org.root(), now).await?;
    check(tx, ctx, &wanted).await?;
    let model = model(&org, &wanted, now, json!(wanted.filters));
    survey_trigger::Entity::insert(model.clone().into_active_model())
        .exec_without_returning(tx)
        .await?;
    Ok(model)
}

/// Whether the trigger can work: bounds, a published survey in the caller's reach, a rating where
/// the rule about bad answers looks for one.
pub async fn check(tx: &Tx, ctx: &Context, wanted: &Wanted) -> Result<(), Problem> {
    let mut fields = Fields::new();
    fields.text("/name", &wanted.name, 1, limits::NAME);
    let mut within = |value: i32, max: i32, min: i32, pointer: &str| {
        fields.check(
            (min..=max).contains(&value),
            pointer,
            "out-of-range",
            shared::between(min, max),
        );
    };
    within(wanted.delay_minutes, 43_200, 0, "/delay_minutes");
    within(wanted.cool_down_days, LONGEST_COOL_DOWN, 0, "/cool_down_days");
    within(wanted.cool_down_across_days, LONGEST_COOL_DOWN, 0, "/cool_down_across_days");
    within(wanted.expires_days, 365, 1, "/expires_days");
    let lists = [
        ("kinds", &wanted.filters.kinds),
        ("channels", &wanted.filters.channels),
        ("tiers", &wanted.filters.tiers),
    ];
    for (name, list) in lists {
        let fits = list.len() <= 50
            && list.iter().all(|v| (1..=100).contains(&v.chars().count()) && !v.contains('\0'));
        fields.check(
            fits,
            format!("/filters/{name}"),
            "out-of-range",
            messages::words_bound(50, 1, 100),
        );
    }
    fields.finish()?;
    let survey = surveys::get(tx, &ctx.actor.org, wanted.survey_id).await.map_err(|p| {
        if p.is(&kernel::codes::NOT_FOUND) {
            Problem::invalid("/survey_id", "unknown-survey", messages::unknown_survey())
        } else {
            p
        }
    })?;
    let Some(number) = survey.current_version else {
        return Err(Problem::of(&codes::SURVEY_NOT_PUBLISHED));
    };
    let Some(low) = &wanted.low_score else { return Ok(()) };
    let published = surveys::published(tx, survey.id, number).await?;
    let question = published.definition.question(published.metrics.question(&low.question));
    let ratings =
        published.definition.questions().filter(|q| matches!(q.kind, Kind::Rating { .. }));
    match question {
        Some(q) if matches!(q.kind, Kind::Rating { .. }) => Ok(()),
        _ => Err(Problem::invalid(
            "/low_score/question",
            "unknown-question",
            messages::rating_question(Arg::list(ratings.map(|q| &q.name))),
        )),
    }
}

fn model(
    org: &OrgPath,
    wanted: &Wanted,
    now: DateTime<Utc>,
    filters: Value,
) -> survey_trigger::Model {
    survey_trigger::Model {
        id: kernel::new_id(),
        org: org.to_string(),
        root: org.root().to_string(),
        name: wanted.name.clone(),
        survey_id: wanted.survey_id,
        event: wanted.event.as_str().to_owned(),
        filters,
        delay_minutes: wanted.delay_minutes,
        cool_down_days: wanted.cool_down_days,
        cool_down_across_days: wanted.cool_down_across_days,
        low_score_question: wanted.low_score.as_ref().map(|l| l.question.clone()),
        low_score_max: wanted.low_score.as_ref().map(|l| l.max),
        expires_days: wanted.expires_days,
        enabled: wanted.enabled,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// The row of a new trigger.
pub fn row(
    org: &OrgPath,
    wanted: &Wanted,
    now: DateTime<Utc>,
    filters: Value,
) -> survey_trigger::ActiveModel {
    model(org, wanted, now, filters).into_active_model()
}
