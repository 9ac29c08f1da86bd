//! Replaces a survey's draft. A draft may be unfinished: what would keep it from being published
//! is told in the answer, not refused.

use kernel::{Context, Fields, OrgPath, Problem, limits};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use store::Tx;
use uuid::Uuid;

use crate::{
    App,
    domain::{
        canonical::canonical,
        definition::{Definition, bounds},
        metrics::Metrics,
        reader::Issue,
    },
    messages,
    store::{entities::survey, surveys},
};

/// What the caller gave.
pub struct Input {
    pub title: Option<String>,
    pub definition: Value,
    pub metrics: Metrics,
}

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    if_match: i64,
    input: Input,
) -> Result<survey::Model, Problem> {
    let org: &OrgPath = &ctx.actor.org;
    let survey = surveys::get(tx, org, id).await?;
    http::check_version(if_match, survey.version)?;
    let title = input.title.unwrap_or(survey.title);
    let mut fields = Fields::new();
    fields.text("/title", &title, 1, limits::NAME);
    fields.finish()?;
    check_shape(&input.definition)?;
    let done = survey::Entity::update_many()
        .col_expr(survey::Column::Title, Expr::value(title))
        .col_expr(survey::Column::Draft, Expr::value(canonical(&input.definition)))
        .col_expr(survey::Column::Metrics, Expr::value(json!(input.metrics)))
        .col_expr(survey::Column::UpdatedAt, Expr::value(app.clock.now()))
        .col_expr(survey::Column::Version, Expr::col(survey::Column::Version).add(1))
        .filter(survey::Column::Id.eq(id))
        .filter(survey::Column::Version.eq(if_match))
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        return Err(Problem::of(&kernel::codes::PRECONDITION_FAILED));
    }
    surveys::get(tx, org, id).await
}

/// What even a draft must be.
pub fn check_shape(definition: &Value) -> Result<(), Problem> {
    let mut fields = Fields::new();
    fields.check(
        definition.is_object(),
        "/definition",
        "not-an-object",
        messages::definition_is_object(),
    );
    let size = canonical(definition).len();
    fields.check(
        size <= bounds::BYTES,
        "/definition",
        "too-long",
        messages::most_bytes(bounds::BYTES),
    );
    fields.finish()
}

/// What is to be said about a stored draft.
pub fn report(survey: &survey::Model) -> Result<Vec<Issue>, Problem> {
    let (definition, mut issues) = Definition::read(&serde_json::from_str(&survey.draft)?);
    let metrics: Metrics = serde_json::from_value(survey.metrics.clone())?;
    if let Err(problem) = metrics.check(&definition) {
        issues.extend(
            problem
                .errors
                .iter()
                .map(|e| Issue::error(e.pointer.clone(), e.code, e.detail.clone())),
        );
    }
    Ok(issues)
}
