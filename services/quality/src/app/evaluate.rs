//! Starts an evaluation and keeps its draft.

use kernel::{Context, Fields, Problem, limits, new_id};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use serde::Deserialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, builtin, inspect};
use crate::{
    codes,
    domain::{
        answers::{self, Answer},
        scorecard::Form,
        scoring,
    },
    messages,
    store::{
        entities::{evaluation, inspection},
        inspections, json, read, scorecards,
    },
};

/// A new evaluation, a draft with the answers given so far.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvaluation {
    /// Scorecard to judge by; the inspection's unless given.
    pub scorecard_id: Option<Uuid>,
    /// Published version; the newest unless given.
    #[schema(minimum = 1, maximum = 1000000)]
    pub scorecard_version: Option<i32>,
    #[serde(default)]
    #[schema(max_items = 5000)]
    pub answers: Vec<Answer>,
    #[schema(max_length = 20000)]
    pub comment: Option<String>,
}

/// The answers of a draft, all of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswersInput {
    #[schema(max_items = 5000)]
    pub answers: Vec<Answer>,
    #[schema(max_length = 20000)]
    pub comment: Option<String>,
}

/// Starts the evaluation of an inspection, which is thereby claimed if it was nobody's.
///
/// # Errors
/// `own-work`, `not-the-inspector`, `already-evaluated`, `version-not-published`,
/// `answer-out-of-range`.
pub async fn start(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: NewEvaluation,
) -> Result<evaluation::Model, Problem> {
    let mut of = inspections::to_change(tx, &ctx.actor, id).await?;
    may_score(ctx, &of)?;
    let before =
        evaluation::Entity::find().filter(evaluation::Column::InspectionId.eq(id)).one(tx).await?;
    if before.is_some() {
        return Err(Problem::of(&codes::ALREADY_EVALUATED));
    }
    let (card, number, form) = published_form(app, tx, ctx, &of, &input).await?;
    check_comment(input.comment.as_deref())?;
    answers::check(&form, &input.answers, "/answers")?;
    if of.inspector.is_none() {
        of = inspect::give(tx, of, ctx.actor.id.clone()).await?;
    }
    let score = scoring::score(&form, &input.answers);
    let row = evaluation::ActiveModel {
        id: Set(new_id()),
        inspection_id: Set(of.id),
        org: Set(of.org),
        agent: Set(of.agent),
        scorecard_id: Set(card),
        scorecard_version: Set(number),
        scorer: Set(ctx.actor.id.clone()),
        state: Set("draft".to_owned()),
        answers: Set(json(&input.answers)?),
        comment: Set(input.comment),
        score: Set(score.score),
        fatal: Set(score.fatal),
        result: Set(json(&score)?),
        published_at: Set(None),
        appeal_until: Set(None),
        final_at: Set(None),
        final_reason: Set(None),
        created_at: Set(app.clock.now()),
        version: Set(1),
    };
    Ok(row.insert(tx).await?)
}

fn may_score(ctx: &Context, of: &inspection::Model) -> Result<(), Problem> {
    if of.agent.as_deref() == Some(ctx.actor.id.as_str()) {
        return Err(Problem::of(&codes::OWN_WORK));
    }
    match of.inspector.as_deref() {
        Some(other) if other != ctx.actor.id => Err(Problem::of(&codes::NOT_THE_INSPECTOR)),
        _ => Ok(()),
    }
}

async fn published_form(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    of: &inspection::Model,
    input: &NewEvaluation,
) -> Result<(Uuid, i32, Form), Problem> {
    let card = match input.scorecard_id {
        // Only what the caller may read can be chosen.
        Some(id) => scorecards::readable_card(tx, &ctx.actor.org, id)
            .await
            .map(|card| card.id)
            .map_err(|p| {
                let unknown = p.is(&kernel::codes::NOT_FOUND);
                if unknown {
                    Problem::invalid("/scorecard_id", "unknown", messages::unknown_scorecard())
                } else {
                    p
                }
            })?,
        None => match of.scorecard_id {
            Some(id) => id,
            None => builtin::ensure(app, tx, &of.org).await?,
        },
    };
    let refused = || Problem::of(&codes::VERSION_NOT_PUBLISHED);
    let number = match input.scorecard_version {
        Some(number) => number,
        None => {
            let card = crate::store::entities::scorecard::Entity::find_by_id(card).one(tx).await?;
            card.and_then(|card| card.latest_published).ok_or_else(refused)?
        }
    };
    let version = scorecards::version(tx, card, number).await?.filter(|v| v.state == "published");
    Ok((card, number, read(&version.ok_or_else(refused)?.form)?))
}

fn check_comment(comment: Option<&str>) -> Result<(), Problem> {
    let mut fields = Fields::new();
    if let Some(comment) = comment {
        fields.text("/comment", comment, 0, limits::TEXT);
    }
    fields.finish()
}

/// Replaces the answers of a draft.
///
/// # Errors
/// `not-the-inspector`, `evaluation-published`, `precondition-failed`, `answer-out-of-range`.
pub async fn save(
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    if_match: i64,
    input: AnswersInput,
) -> Result<evaluation::Model, Problem> {
    let found = draft_of(tx, ctx, id).await?;
    http::check_version(if_match, found.version)?;
    check_comment(input.comment.as_deref())?;
    let form = scorecards::form(tx, found.scorecard_id, found.scorecard_version).await?;
    answers::check(&form, &input.answers, "/answers")?;
    let score = scoring::score(&form, &input.answers);
    let version = found.version;
    let mut row = found.into_active_model();
    row.answers = Set(json(&input.answers)?);
    row.comment = Set(input.comment);
    row.score = Set(score.score);
    row.fatal = Set(score.fatal);
    row.result = Set(json(&score)?);
    row.version = Set(version + 1);
    Ok(row.update(tx).await?)
}

/// The caller's own draft, locked.
pub(super) async fn draft_of(
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
) -> Result<evaluation::Model, Problem> {
    let found = inspections::evaluation_to_change(tx, &ctx.actor, id).await?;
    if found.scorer != ctx.actor.id {
        return Err(Problem::of(&codes::NOT_THE_INSPECTOR));
    }
    if found.state != "draft" {
        return Err(Problem::of(&codes::EVALUATION_PUBLISHED));
    }
    Ok(found)
}
