//! Makes the draft the survey's next version, which never changes again. Publishing a draft that
//! equals the newest version changes nothing and answers that version.

use chrono::{DateTime, Utc};
use kernel::{Context, Problem, codes, messages as shared};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use store::Tx;
use uuid::Uuid;

use crate::{
    App,
    domain::{definition::Definition, metrics::Metrics, reader::Issue, token::sha256},
    store::{
        entities::{survey, survey_version},
        surveys,
    },
};

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
) -> Result<(survey_version::Model, bool), Problem> {
    let survey = surveys::get(tx, &ctx.actor.org, id).await?;
    let before = survey.current_version;
    let (survey, version) = publish(tx, &ctx.actor.id, survey, app.clock.now()).await?;
    Ok((version, survey.current_version != before))
}

/// Publishes the draft of `survey` within the caller's transaction.
pub async fn publish(
    tx: &Tx,
    by: &str,
    survey: survey::Model,
    now: DateTime<Utc>,
) -> Result<(survey::Model, survey_version::Model), Problem> {
    let json: Value = serde_json::from_str(&survey.draft)?;
    let (definition, issues) = Definition::read(&json);
    refuse_errors(&issues)?;
    let metrics: Metrics = serde_json::from_value(survey.metrics.clone())?;
    metrics.check(&definition)?;
    let hash = sha256(survey.draft.as_bytes());
    if let Some(number) = survey.current_version {
        let newest = surveys::version(tx, survey.id, number).await?;
        if let Some(same) = newest.filter(|v| v.hash == hash && v.metrics == json!(metrics)) {
            return Ok((survey, same));
        }
    }
    let number = survey.current_version.unwrap_or(0) + 1;
    let done = survey::Entity::update_many()
        .col_expr(survey::Column::CurrentVersion, Expr::value(number))
        .col_expr(survey::Column::UpdatedAt, Expr::value(now))
        .col_expr(survey::Column::Version, Expr::col(survey::Column::Version).add(1))
        .filter(survey::Column::Id.eq(survey.id))
        .filter(survey::Column::Version.eq(survey.version))
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        return Err(Problem::of(&codes::CONFLICT).detail(shared::changed_meanwhile()));
    }
    let version = survey_version::Model {
        survey_id: survey.id,
        version: number,
        definition: survey.draft.clone(),
        metrics: json!(metrics),
        hash,
        report: report(&issues),
        published_at: now,
        published_by: by.to_owned(),
    };
    survey_version::Entity::insert(version.clone().into_active_model())
        .exec_without_returning(tx)
        .await?;
    let survey = survey::Model {
        current_version: Some(number),
        version: survey.version + 1,
        updated_at: now,
        ..survey
    };
    Ok((survey, version))
}

/// Errors of the definition as one problem; pointers lead into `/definition`.
fn refuse_errors(issues: &[Issue]) -> Result<(), Problem> {
    let errors = issues.iter().filter(|i| i.is_error());
    let problem = errors.fold(Problem::of(&codes::INVALID), |problem, issue| {
        problem.field(format!("/definition{}", issue.pointer), issue.code, issue.detail.clone())
    });
    if problem.errors.is_empty() { Ok(()) } else { Err(problem) }
}

/// What was said at the time, in English, as it is kept with the version.
fn report(issues: &[Issue]) -> Value {
    let kept = |issue: &Issue| {
        json!({
            "severity": issue.severity,
            "pointer": issue.pointer,
            "code": issue.code,
            "detail": issue.detail.to_string(),
        })
    };
    issues.iter().map(kept).collect()
}
