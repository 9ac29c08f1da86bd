//! `/api/v1/surveys` and their versions.

use actix_web::{HttpResponse, get, http::header, post, put, web::Data};
use chrono::{DateTime, Utc};
use http::{Allowed, Created, Idempotent, IfMatch, Json, Path, Query, may};
use kernel::{Locale, Page, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{PageOf, page_query};
use crate::{
    App,
    app::{change_draft, create_survey, publish},
    domain::{definition::Definition, metrics::Metrics, reader::Issue, templates::TEMPLATES},
    store::{
        entities::{survey, survey_version},
        surveys,
    },
};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSurvey {
    /// Name for programs, unique in the enterprise.
    #[schema(min_length = 1, max_length = 60, pattern = "^[a-z0-9_-]+$")]
    key: String,
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    title: Option<String>,
    /// Unit that owns it; the caller's own unless told.
    #[schema(max_length = 300, nullable = false)]
    org: Option<String>,
    /// Built-in template to start from.
    #[schema(max_length = 60, nullable = false)]
    template: Option<String>,
    /// SurveyJS JSON.
    #[schema(value_type = Object, required = false)]
    definition: Option<Value>,
    #[schema(nullable = false)]
    metrics: Option<Metrics>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDraft {
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    title: Option<String>,
    /// SurveyJS JSON.
    #[schema(value_type = Object)]
    definition: Value,
    #[serde(default)]
    metrics: Metrics,
}

/// A survey without its draft.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveySummary {
    id: Uuid,
    org: String,
    key: String,
    title: String,
    /// Newest published version.
    current_version: Option<i32>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Something to know about a definition.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueView {
    /// `error` keeps the survey from being published, `warning` does not.
    severity: &'static str,
    /// JSON pointer into the definition, or `/metrics/…`.
    pointer: String,
    code: &'static str,
    detail: String,
}

/// A survey with its draft.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyView {
    #[serde(flatten)]
    summary: SurveySummary,
    #[schema(value_type = Object)]
    definition: Value,
    metrics: Metrics,
    /// What would keep the draft from being published, and what is not carried out.
    issues: Vec<IssueView>,
}

/// A published version; it never changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionView {
    survey_id: Uuid,
    version: i32,
    /// SHA-256 of the definition in canonical form (no blanks, members sorted).
    hash: String,
    #[schema(value_type = Object)]
    definition: Value,
    metrics: Metrics,
    /// What is not carried out.
    issues: Vec<IssueView>,
    published_at: DateTime<Utc>,
    published_by: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Versions {
    items: Vec<VersionView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateView {
    key: &'static str,
    title: &'static str,
    #[schema(value_type = Object)]
    definition: Value,
    metrics: Metrics,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Templates {
    items: Vec<TemplateView>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[param(max_length = 1000, nullable = false)]
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 200, nullable = false)]
    limit: Option<u32>,
    #[param(nullable = false)]
    total: Option<bool>,
}

impl SurveySummary {
    fn of(row: &survey::Model) -> Self {
        Self {
            id: row.id,
            org: row.org.clone(),
            key: row.key.clone(),
            title: row.title.clone(),
            current_version: row.current_version,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl SurveyView {
    fn of(row: &survey::Model, locale: Locale) -> Result<Self, Problem> {
        Ok(Self {
            summary: SurveySummary::of(row),
            definition: serde_json::from_str(&row.draft)?,
            metrics: serde_json::from_value(row.metrics.clone())?,
            issues: issues(change_draft::report(row)?, locale),
        })
    }
}

impl VersionView {
    fn of(row: survey_version::Model, locale: Locale) -> Result<Self, Problem> {
        let definition = serde_json::from_str(&row.definition)?;
        Ok(Self {
            survey_id: row.survey_id,
            version: row.version,
            // Read anew, for the reader's language.
            issues: issues(Definition::read(&definition).1, locale),
            definition,
            metrics: serde_json::from_value(row.metrics)?,
            hash: row.hash,
            published_at: row.published_at,
            published_by: row.published_by,
        })
    }
}

fn issues(list: Vec<Issue>, locale: Locale) -> Vec<IssueView> {
    let view = |i: Issue| IssueView {
        severity: i.severity,
        pointer: i.pointer,
        code: i.code,
        detail: i.detail.render(locale),
    };
    list.into_iter().map(view).collect()
}

/// Built-in surveys to start from.
#[utoipa::path(tag = "surveys", security(("bearer" = ["survey:read"])), responses((status = 200, description = "the templates", body = Templates)))]
#[get("/api/v1/survey-templates")]
pub async fn list_templates(_caller: Allowed<may::SurveyRead>) -> http::Result {
    let view = |t: &crate::domain::templates::Template| TemplateView {
        key: t.key,
        title: t.title,
        definition: t.definition(),
        metrics: t.metrics(),
    };
    Ok(http::ok(&Templates { items: TEMPLATES.iter().map(view).collect() }))
}

/// Creates a survey with a draft; nobody is asked before it is published.
#[utoipa::path(tag = "surveys", security(("bearer" = ["survey:admin"])), params(http::IdempotencyHeader), request_body = NewSurvey,
    responses((status = 201, description = "created", body = SurveyView)))]
#[post("/api/v1/surveys")]
pub async fn post_survey(
    app: Data<App>,
    caller: Allowed<may::SurveyAdmin>,
    input: Idempotent<NewSurvey>,
) -> http::Result {
    let ctx = caller.context();
    let create = async |tx: &store::Tx, body: NewSurvey| {
        let NewSurvey { key, title, org, template, definition, metrics } = body;
        let input = create_survey::Input { key, title, org, template, definition, metrics };
        let row = create_survey::run(&app, tx, &ctx, input).await?;
        let body = SurveyView::of(&row, caller.locale())?;
        Ok(Created {
            location: format!("/api/v1/surveys/{}", row.id),
            version: Some(row.version),
            body,
        })
    };
    input.create(&app.db, &ctx, create).await
}

/// Surveys of the caller's unit and those below it.
#[utoipa::path(tag = "surveys", security(("bearer" = ["survey:read"])), params(ListQuery), responses((status = 200, description = "a page", body = PageOf<SurveySummary>)))]
#[get("/api/v1/surveys")]
pub async fn list_surveys(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    query: Query<ListQuery>,
) -> http::Result {
    let page = page_query(query.0.cursor, query.0.limit, query.0.total);
    let (rows, total) = surveys::list(&app.db, caller.org(), &page).await?;
    let page = Page::of(rows, page.limit()?, "surveys", |r| r.id, |r| SurveySummary::of(&r));
    Ok(http::ok(&PageOf::of(page, total)))
}

/// A survey with its draft and what is to be said about it.
#[utoipa::path(tag = "surveys", security(("bearer" = ["survey:read"])), params(("id" = Uuid, Path), http::IfNoneMatchHeader), responses((status = 200, description = "the survey", body = SurveyView)))]
#[get("/api/v1/surveys/{id}")]
pub async fn get_survey(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    id: Path<Uuid>,
) -> http::Result {
    let row = surveys::get(&app.db, caller.org(), id.0).await?;
    Ok(http::ok_versioned(row.version, &SurveyView::of(&row, caller.locale())?))
}

/// Replaces the draft. It may be unfinished; `issues` tells what is missing.
#[utoipa::path(tag = "surveys", security(("bearer" = ["survey:admin"])), params(("id" = Uuid, Path), http::IfMatchHeader), request_body = NewDraft,
    responses((status = 200, description = "changed", body = SurveyView)))]
#[put("/api/v1/surveys/{id}/draft")]
pub async fn put_draft(
    app: Data<App>,
    caller: Allowed<may::SurveyAdmin>,
    id: Path<Uuid>,
    version: IfMatch,
    body: Json<NewDraft>,
) -> http::Result {
    let ctx = caller.context();
    let NewDraft { title, definition, metrics } = body.0;
    let input = change_draft::Input { title, definition, metrics };
    let row = http::write(&app.db, async |tx| {
        change_draft::run(&app, tx, &ctx, id.0, version.0, input).await
    })
    .await?;
    Ok(http::ok_versioned(row.version, &SurveyView::of(&row, caller.locale())?))
}

/// Publishes the draft as the next version, which never changes. A draft that equals the newest
/// version is not published again: 200 with that version.
#[utoipa::path(tag = "surveys", security(("bearer" = ["survey:admin"])), params(("id" = Uuid, Path)),
    responses((status = 201, description = "published", body = VersionView), (status = 200, description = "already published", body = VersionView),
        (status = 422, description = "the draft cannot be published as it is")))]
#[post("/api/v1/surveys/{id}/publish")]
pub async fn publish_survey(
    app: Data<App>,
    caller: Allowed<may::SurveyAdmin>,
    id: Path<Uuid>,
) -> http::Result {
    let ctx = caller.context();
    let (row, fresh) =
        http::write(&app.db, async |tx| publish::run(&app, tx, &ctx, id.0).await).await?;
    let location = format!("/api/v1/surveys/{}/versions/{}", row.survey_id, row.version);
    let mut answer = if fresh { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer
        .insert_header((header::LOCATION, location))
        .json(VersionView::of(row, caller.locale())?))
}

/// Published versions, newest first.
#[utoipa::path(tag = "surveys", security(("bearer" = ["survey:read"])), params(("id" = Uuid, Path)), responses((status = 200, description = "the versions", body = Versions)))]
#[get("/api/v1/surveys/{id}/versions")]
pub async fn list_versions(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    id: Path<Uuid>,
) -> http::Result {
    surveys::get(&app.db, caller.org(), id.0).await?;
    let rows = surveys::versions(&app.db, id.0).await?;
    let items = rows
        .into_iter()
        .map(|row| VersionView::of(row, caller.locale()))
        .collect::<Result<_, _>>()?;
    Ok(http::ok(&Versions { items }))
}

/// One published version, as it was published.
#[utoipa::path(tag = "surveys", security(("bearer" = ["survey:read"])), params(("id" = Uuid, Path), ("version" = i32, Path, minimum = 1)),
    responses((status = 200, description = "the version", body = VersionView)))]
#[get("/api/v1/surveys/{id}/versions/{version}")]
pub async fn get_version(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    path: Path<(Uuid, i32)>,
) -> http::Result {
    let (id, version) = path.0;
    surveys::get(&app.db, caller.org(), id).await?;
    let row = surveys::version(&app.db, id, version).await?.ok_or_else(Problem::not_found)?;
    Ok(http::ok(&VersionView::of(row, caller.locale())?))
}
