//! Publishes an evaluation: the agent learns of it, may appeal, and mends what was found.

use contracts::quality::EvaluationPublished;
use kernel::{Context, Problem};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use store::Tx;
use uuid::Uuid;

use super::{App, evaluate, inspected, rectify};
use crate::{
    domain::{
        answers::{self, Answer},
        rectification, scoring,
    },
    store::{entities::evaluation, inspections, json, read, scorecards},
};

/// # Errors
/// `not-the-inspector`, `evaluation-published`, `answers-incomplete`.
pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
) -> Result<evaluation::Model, Problem> {
    let draft = evaluate::draft_of(tx, ctx, id).await?;
    let of = inspections::of_evaluation(tx, &draft).await?;
    let form = scorecards::form(tx, draft.scorecard_id, draft.scorecard_version).await?;
    let given: Vec<Answer> = read(&draft.answers)?;
    answers::check_complete(&form, &given)?;
    let score = scoring::score(&form, &given);
    let now = app.clock.now();
    let appeal_until = app.rules.appeal_until(now)?;
    let version = draft.version;
    let mut row = draft.into_active_model();
    row.state = Set("published".to_owned());
    row.score = Set(score.score);
    row.fatal = Set(score.fatal);
    row.result = Set(json(&score)?);
    row.published_at = Set(Some(now));
    row.appeal_until = Set(Some(appeal_until));
    row.version = Set(version + 1);
    let published = row.update(tx).await?;

    let (facts, inspection_version) = (inspected(&of), of.version);
    let mut row = of.clone().into_active_model();
    row.state = Set("published".to_owned());
    row.version = Set(inspection_version + 1);
    row.update(tx).await?;

    let event = EvaluationPublished {
        evaluation_id: id,
        inspected: facts,
        score: score.score,
        fatal: score.fatal,
        appeal_until,
    };
    events::emit(tx, ctx, now, &event).await?;
    if let Some(cause) = rectification::cause(score.score, score.fatal, app.rules.low_score) {
        rectify::open_for(app, tx, ctx, &of, &published, cause, &form).await?;
    }
    Ok(published)
}
