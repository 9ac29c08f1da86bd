//! Appeals (申诉): lodged by the agent, decided by somebody who did not score.

use contracts::quality::{AppealDecided, AppealLodged};
use kernel::{Context, Fields, Problem, limits, new_id};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect,
};
use serde::Deserialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, inspected, rectify};
use crate::{
    codes,
    domain::{
        answers::{self, Answer},
        appeal::{self as rules, Disputed, EvaluationState, Outcome},
        rectification, scoring,
    },
    store::{entities::appeal, inspections, json, read, scorecards},
};

/// What the agent sees otherwise.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAppeal {
    #[schema(min_items = 1, max_items = 1000)]
    pub items: Vec<Disputed>,
}

/// How it ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub outcome: Outcome,
    /// New answers of disputed items; none when rejected.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub changes: Vec<Answer>,
    #[schema(min_length = 1, max_length = 20000)]
    pub reason: String,
}

/// # Errors
/// `not-the-agent`, `already-appealed`, `appeal-expired`, `not-appealable`, `invalid`.
pub async fn lodge(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: NewAppeal,
) -> Result<appeal::Model, Problem> {
    let evaluation = inspections::evaluation_to_change(tx, &ctx.actor, id).await?;
    let before = appeal::Entity::find().filter(appeal::Column::EvaluationId.eq(id)).one(tx).await?;
    let now = app.clock.now();
    rules::may_appeal(
        &ctx.actor.id,
        evaluation.agent.as_deref(),
        EvaluationState::parse(&evaluation.state),
        before.is_some(),
        evaluation.appeal_until,
        now,
    )?;
    let form = scorecards::form(tx, evaluation.scorecard_id, evaluation.scorecard_version).await?;
    rules::check_disputed(&form, &input.items)?;
    let of = inspections::of_evaluation(tx, &evaluation).await?;
    let row = appeal::ActiveModel {
        id: Set(new_id()),
        evaluation_id: Set(id),
        inspection_id: Set(of.id),
        org: Set(evaluation.org.clone()),
        appellant: Set(ctx.actor.id.clone()),
        items: Set(json(&input.items)?),
        state: Set("lodged".to_owned()),
        lodged_at: Set(now),
        outcome: Set(None),
        reason: Set(None),
        changes: Set(None),
        decided_by: Set(None),
        decided_at: Set(None),
        answers_before: Set(evaluation.answers.clone()),
        score_before: Set(evaluation.score),
        score_after: Set(None),
        version: Set(1),
    };
    let lodged = row.insert(tx).await?;
    let version = evaluation.version;
    let mut row = evaluation.into_active_model();
    row.state = Set("appealed".to_owned());
    row.version = Set(version + 1);
    row.update(tx).await?;
    let event = AppealLodged { appeal_id: lodged.id, evaluation_id: id, inspected: inspected(&of) };
    events::emit(tx, ctx, now, &event).await?;
    Ok(lodged)
}

/// Decides and scores again; the evaluation is final then. A rectification that is still open is
/// withdrawn when the appeal was accepted in full and nothing is left to mend.
///
/// # Errors
/// `decider-is-scorer`, `own-work`, `already-decided`, `answer-out-of-range`, `invalid`.
pub async fn decide(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: Decision,
) -> Result<appeal::Model, Problem> {
    let seen =
        inspections::visible_appeals(&ctx.actor).filter(appeal::Column::Id.eq(id)).one(tx).await?;
    let seen = seen.ok_or_else(Problem::not_found)?;
    // The evaluation's row is the lock that every change of it takes first.
    let evaluation = inspections::evaluation_to_change(tx, &ctx.actor, seen.evaluation_id).await?;
    let found = appeal::Entity::find_by_id(id)
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(Problem::not_found)?;
    if evaluation.scorer == ctx.actor.id {
        return Err(Problem::of(&codes::DECIDER_IS_SCORER));
    }
    if found.appellant == ctx.actor.id {
        return Err(Problem::of(&codes::OWN_WORK));
    }
    if found.state != "lodged" {
        return Err(Problem::of(&codes::ALREADY_DECIDED));
    }
    let mut fields = Fields::new();
    fields.text("/reason", &input.reason, 1, limits::TEXT);
    fields.finish()?;
    let form = scorecards::form(tx, evaluation.scorecard_id, evaluation.scorecard_version).await?;
    let disputed: Vec<Disputed> = read(&found.items)?;
    rules::check_changes(&disputed, input.outcome, &input.changes)?;
    answers::check(&form, &input.changes, "/changes")?;
    let changed = answers::replaced(&read::<Vec<Answer>>(&evaluation.answers)?, &input.changes);
    let score = scoring::score(&form, &changed);
    let now = app.clock.now();
    let of = inspections::of_evaluation(tx, &evaluation).await?;

    let version = evaluation.version;
    let mut row = evaluation.into_active_model();
    row.answers = Set(json(&changed)?);
    row.score = Set(score.score);
    row.fatal = Set(score.fatal);
    row.result = Set(json(&score)?);
    row.state = Set("final".to_owned());
    row.final_at = Set(Some(now));
    row.final_reason = Set(Some("decided".to_owned()));
    row.version = Set(version + 1);
    let evaluation = row.update(tx).await?;

    let (version, score_before) = (found.version, found.score_before);
    let mut row = found.into_active_model();
    row.state = Set("decided".to_owned());
    row.outcome = Set(Some(input.outcome.as_str().to_owned()));
    row.reason = Set(Some(input.reason));
    row.changes = Set(Some(json(&input.changes)?));
    row.decided_by = Set(Some(ctx.actor.id.clone()));
    row.decided_at = Set(Some(now));
    row.score_after = Set(score.score);
    row.version = Set(version + 1);
    let decided = row.update(tx).await?;

    let event = AppealDecided {
        appeal_id: id,
        evaluation_id: evaluation.id,
        inspected: inspected(&of),
        outcome: input.outcome.as_str().to_owned(),
        score_before,
        score_after: score.score,
    };
    events::emit(tx, ctx, now, &event).await?;
    let cause = rectification::cause(score.score, score.fatal, app.rules.low_score);
    if input.outcome == Outcome::Accepted && cause.is_none() {
        rectify::withdraw(app, tx, ctx, evaluation.id).await?;
    }
    Ok(decided)
}
