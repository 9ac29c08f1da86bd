//! A new survey, with a draft and no published version.

use chrono::{DateTime, Utc};
use kernel::{Context, Fields, OrgPath, Problem, limits};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};
use store::{Tx, is_unique_violation};

use super::{change_draft, defaults, unit_for};
use crate::{
    App, codes,
    domain::{canonical::canonical, metrics::Metrics, templates::Template},
    messages,
    store::entities::survey,
};

/// What a new survey starts from.
pub struct Draft {
    pub key: String,
    pub title: String,
    pub definition: Value,
    pub metrics: Metrics,
}

/// What the caller gave.
pub struct Input {
    pub key: String,
    pub title: Option<String>,
    pub org: Option<String>,
    pub template: Option<String>,
    pub definition: Option<Value>,
    pub metrics: Option<Metrics>,
}

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    input: Input,
) -> Result<survey::Model, Problem> {
    let now = app.clock.now();
    let org = unit_for(&ctx.actor, input.org.as_deref())?;
    // First, so that nobody takes the built-in survey's key before it is there.
    defaults::ensure(tx, ctx, &org.root(), now).await?;
    let draft = draft(input)?;
    insert(tx, &org, draft, now).await
}

fn draft(input: Input) -> Result<Draft, Problem> {
    let mut fields = Fields::new();
    let well_formed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let fits = (1..=60).contains(&input.key.len()) && input.key.chars().all(well_formed);
    fields.check(fits, "/key", "malformed", messages::key_form());
    let template = input.template.as_deref().map(|key| (key, Template::find(key)));
    if let Some((key, None)) = template {
        fields.check(
            false,
            "/template",
            "unknown-template",
            messages::unknown_template(key, crate::domain::templates::TEMPLATES.map(|t| t.key)),
        );
    }
    let template = template.and_then(|(_, template)| template);
    let title = input
        .title
        .or_else(|| template.map(|t| t.title.to_owned()))
        .unwrap_or_else(|| input.key.clone());
    fields.text("/title", &title, 1, limits::NAME);
    let definition = input
        .definition
        .or_else(|| template.map(Template::definition))
        .unwrap_or_else(|| json!({ "elements": [] }));
    let metrics = input.metrics.or_else(|| template.map(Template::metrics)).unwrap_or_default();
    fields.finish()?;
    change_draft::check_shape(&definition)?;
    Ok(Draft { key: input.key, title, definition, metrics })
}

/// Writes the row; a key that is taken in the enterprise is refused.
pub async fn insert(
    tx: &Tx,
    org: &OrgPath,
    draft: Draft,
    now: DateTime<Utc>,
) -> Result<survey::Model, Problem> {
    let model = survey::Model {
        id: kernel::new_id(),
        org: org.to_string(),
        root: org.root().to_string(),
        key: draft.key,
        title: draft.title,
        draft: canonical(&draft.definition),
        metrics: json!(draft.metrics),
        current_version: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let row = survey::ActiveModel {
        id: Set(model.id),
        org: Set(model.org.clone()),
        root: Set(model.root.clone()),
        key: Set(model.key.clone()),
        title: Set(model.title.clone()),
        draft: Set(model.draft.clone()),
        metrics: Set(model.metrics.clone()),
        current_version: Set(None),
        version: Set(model.version),
        created_at: Set(now),
        updated_at: Set(now),
    };
    match survey::Entity::insert(row).exec_without_returning(tx).await {
        Ok(_) => Ok(model),
        Err(e) if is_unique_violation(&e) => Err(Problem::of(&codes::SURVEY_KEY_TAKEN).cause(e)),
        Err(e) => Err(e.into()),
    }
}
