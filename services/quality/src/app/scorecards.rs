//! Creates, edits and publishes scorecards.

use kernel::{Context, Fields, Problem, new_id};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use serde::Deserialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, org_of};
use crate::{
    codes,
    domain::scorecard::{Form, Titles, is_key},
    messages,
    store::{
        entities::{scorecard, scorecard_version},
        json, read,
        scorecards::{self, Whole},
    },
};

/// A new scorecard; its form becomes the draft of version 1.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewScorecard {
    /// Unique in the unit.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9_-]{1,40}$")]
    pub key: String,
    pub title: Titles,
    pub form: Form,
    /// Unit it belongs to; the caller's unless given.
    pub org: Option<String>,
}

/// New content of a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScorecardEdit {
    pub title: Option<Titles>,
    pub form: Form,
}

/// # Errors
/// `invalid`, `key-taken`.
pub async fn create(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    input: NewScorecard,
) -> Result<Whole, Problem> {
    let org = org_of(ctx, input.org.as_deref())?;
    let mut fields = Fields::new();
    fields.check(is_key(&input.key), "/key", "malformed", messages::key_form());
    input.title.check(&mut fields, "/title");
    input.form.check(&mut fields);
    fields.finish()?;
    let card = scorecard::ActiveModel {
        id: Set(new_id()),
        org: Set(org.to_string()),
        key: Set(input.key),
        title: Set(json(&input.title)?),
        latest_published: Set(None),
        created_at: Set(app.clock.now()),
        created_by: Set(ctx.actor.id.clone()),
        version: Set(1),
    };
    let card = card.insert(tx).await.map_err(|e| match store::is_unique_violation(&e) {
        true => Problem::of(&codes::KEY_TAKEN).field("/key", "taken", messages::key_taken()),
        false => Problem::internal(e),
    })?;
    let draft = insert_draft(tx, card.id, 1, &input.form).await?;
    Ok(Whole { card, versions: vec![draft] })
}

/// Replaces the content of a draft.
///
/// # Errors
/// `version-published`, `precondition-failed`, `invalid`.
pub async fn edit(
    tx: &Tx,
    ctx: &Context,
    (id, number): (Uuid, i32),
    if_match: i64,
    input: ScorecardEdit,
) -> Result<Whole, Problem> {
    let whole = scorecards::to_change(tx, &ctx.actor.org, id).await?;
    let version = whole.number(number).ok_or_else(Problem::not_found)?.clone();
    if version.state != "draft" {
        return Err(Problem::of(&codes::VERSION_PUBLISHED));
    }
    http::check_version(if_match, whole.card.version)?;
    let mut fields = Fields::new();
    if let Some(title) = &input.title {
        title.check(&mut fields, "/title");
    }
    input.form.check(&mut fields);
    fields.finish()?;
    let mut row = version.into_active_model();
    row.form = Set(json(&input.form)?);
    row.update(tx).await?;
    let title = input.title.as_ref().map(json).transpose()?;
    changed(tx, ctx, whole.card, |card| {
        if let Some(title) = title {
            card.title = Set(title);
        }
    })
    .await
}

/// Opens the draft of the next version as a copy of the newest.
///
/// # Errors
/// `draft-exists`.
pub async fn open_draft(tx: &Tx, ctx: &Context, id: Uuid) -> Result<(Whole, i32), Problem> {
    let whole = scorecards::to_change(tx, &ctx.actor.org, id).await?;
    if whole.draft().is_some() {
        return Err(Problem::of(&codes::DRAFT_EXISTS));
    }
    let newest = whole.versions.last().ok_or_else(Problem::not_found)?;
    let number = newest.number + 1;
    insert_draft(tx, id, number, &read(&newest.form)?).await?;
    Ok((changed(tx, ctx, whole.card, |_| {}).await?, number))
}

/// Publishes the draft: from now on it never changes.
///
/// # Errors
/// `nothing-to-publish`, `weights-sum-to-zero`.
pub async fn publish(app: &App, tx: &Tx, ctx: &Context, id: Uuid) -> Result<Whole, Problem> {
    let whole = scorecards::to_change(tx, &ctx.actor.org, id).await?;
    let draft = whole.draft().ok_or_else(|| Problem::of(&codes::NOTHING_TO_PUBLISH))?.clone();
    read::<Form>(&draft.form)?.check_publishable()?;
    let number = draft.number;
    let mut row = draft.into_active_model();
    row.state = Set("published".to_owned());
    row.published_at = Set(Some(app.clock.now()));
    row.published_by = Set(Some(ctx.actor.id.clone()));
    row.update(tx).await?;
    changed(tx, ctx, whole.card, |card| card.latest_published = Set(Some(number))).await
}

async fn insert_draft(
    tx: &Tx,
    card: Uuid,
    number: i32,
    form: &Form,
) -> Result<scorecard_version::Model, Problem> {
    let row = scorecard_version::ActiveModel {
        id: Set(new_id()),
        scorecard_id: Set(card),
        number: Set(number),
        state: Set("draft".to_owned()),
        form: Set(json(form)?),
        published_at: Set(None),
        published_by: Set(None),
    };
    Ok(row.insert(tx).await?)
}

async fn changed(
    tx: &Tx,
    ctx: &Context,
    card: scorecard::Model,
    edit: impl FnOnce(&mut scorecard::ActiveModel),
) -> Result<Whole, Problem> {
    let (id, version) = (card.id, card.version);
    let mut row = card.into_active_model();
    row.version = Set(version + 1);
    edit(&mut row);
    row.update(tx).await?;
    scorecards::whole(tx, &ctx.actor.org, id).await
}
