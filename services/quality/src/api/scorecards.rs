//! `/api/v1/scorecards`.

use actix_web::{HttpResponse, get, post, put, web::Data};
use http::{
    Allowed, Created, IdempotencyHeader, IdempotencyKey, Idempotent, IfMatch, IfMatchHeader, Json,
    Path, Query, may,
};
use kernel::{PageQuery, Problem};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    PageOf, bounded,
    views::{ScorecardSummary, ScorecardView, VersionView},
};
use crate::{
    App,
    app::scorecards::{self as cases, NewScorecard, ScorecardEdit},
    store::{self, entities::scorecard, scorecards},
};

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(create_scorecard)
        .service(list_scorecards)
        .service(get_scorecard)
        .service(open_scorecard_draft)
        .service(get_scorecard_version)
        .service(edit_scorecard_draft)
        .service(publish_scorecard);
}

/// Creates a scorecard; its form is the draft of version 1.
#[utoipa::path(tag = "scorecards", security(("bearer" = ["quality:admin"])), params(IdempotencyHeader),
    request_body = NewScorecard, responses((status = 201, description = "Created", body = ScorecardView)))]
#[post("/api/v1/scorecards")]
async fn create_scorecard(
    app: Data<App>,
    caller: Allowed<may::QualityAdmin>,
    input: Idempotent<NewScorecard>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &::store::Tx, body| created(&cases::create(&app, tx, &ctx, body).await?);
    input.create(&app.db, &ctx, work).await
}

fn created(whole: &scorecards::Whole) -> Result<Created<ScorecardView>, Problem> {
    let location = format!("/api/v1/scorecards/{}", whole.card.id);
    Ok(Created { location, version: Some(whole.card.version), body: ScorecardView::of(whole)? })
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ScorecardQuery {
    /// Exactly this key.
    #[param(max_length = 200)]
    key: Option<String>,
    /// From `next_cursor` of the page before.
    #[param(max_length = 1000)]
    cursor: Option<String>,
    /// 1 to 200, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Whether to count all.
    total: Option<bool>,
}

/// Lists the scorecards of the caller's unit, below and above it; the newest first.
#[utoipa::path(tag = "scorecards", security(("bearer" = ["quality:read"])), params(ScorecardQuery),
    responses((status = 200, description = "One page", body = PageOf<ScorecardSummary>)))]
#[get("/api/v1/scorecards")]
async fn list_scorecards(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Query(q): Query<ScorecardQuery>,
) -> http::Result {
    bounded("/key", q.key.as_deref())?;
    let filter = format!("scorecards {} {:?}", caller.org(), q.key);
    let mut found =
        scorecard::Entity::find().filter(store::readable(caller.org(), scorecard::Column::Org));
    if let Some(key) = q.key {
        found = found.filter(scorecard::Column::Key.eq(key));
    }
    let query = PageQuery { cursor: q.cursor, limit: q.limit, total: q.total };
    let page = store::page(&app.db, found, &query, &filter, |card| card.id).await?;
    Ok(http::ok(&PageOf::of(page, ScorecardSummary::of)?))
}

/// One scorecard with the list of its versions.
#[utoipa::path(tag = "scorecards", security(("bearer" = ["quality:read"])), params(("id" = Uuid, Path), http::IfNoneMatchHeader),
    responses((status = 200, description = "The scorecard", body = ScorecardView)))]
#[get("/api/v1/scorecards/{id}")]
async fn get_scorecard(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Path(id): Path<Uuid>,
) -> http::Result {
    let whole = scorecards::whole(&app.db, caller.org(), id).await?;
    Ok(http::ok_versioned(whole.card.version, &ScorecardView::of(&whole)?))
}

/// Opens the draft of the next version, a copy of the newest one.
#[utoipa::path(tag = "scorecards", security(("bearer" = ["quality:admin"])),
    params(("id" = Uuid, Path), IdempotencyHeader),
    responses((status = 201, description = "The draft is open", body = ScorecardView),
        (status = 422, description = "The `Idempotency-Key` was used otherwise")))]
#[post("/api/v1/scorecards/{id}/versions")]
async fn open_scorecard_draft(
    app: Data<App>,
    caller: Allowed<may::QualityAdmin>,
    Path(id): Path<Uuid>,
    key: IdempotencyKey,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &::store::Tx| {
        let (whole, number) = cases::open_draft(tx, &ctx, id).await?;
        let location = format!("/api/v1/scorecards/{id}/versions/{number}");
        Ok(Created { location, ..created(&whole)? })
    };
    key.create(&app.db, &ctx, b"", work).await
}

/// One version with its form.
#[utoipa::path(tag = "scorecards", security(("bearer" = ["quality:read"])),
    params(("id" = Uuid, Path), ("number" = i32, Path, minimum = 1, maximum = 1000000)),
    responses((status = 200, description = "The version; its ETag is the scorecard's", body = VersionView)))]
#[get("/api/v1/scorecards/{id}/versions/{number}")]
async fn get_scorecard_version(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Path((id, number)): Path<(Uuid, i32)>,
) -> http::Result {
    let whole = scorecards::whole(&app.db, caller.org(), id).await?;
    let version = whole.number(number).ok_or_else(Problem::not_found)?;
    Ok(http::ok_versioned(whole.card.version, &VersionView::of(version)?))
}

/// Replaces the form of a draft; a published version is never changed.
#[utoipa::path(tag = "scorecards", security(("bearer" = ["quality:admin"])), request_body = ScorecardEdit,
    params(("id" = Uuid, Path), ("number" = i32, Path, minimum = 1, maximum = 1000000), IfMatchHeader),
    responses((status = 200, description = "Changed", body = ScorecardView)))]
#[put("/api/v1/scorecards/{id}/versions/{number}")]
async fn edit_scorecard_draft(
    app: Data<App>,
    caller: Allowed<may::QualityAdmin>,
    Path(path): Path<(Uuid, i32)>,
    IfMatch(version): IfMatch,
    Json(input): Json<ScorecardEdit>,
) -> http::Result {
    let ctx = caller.context();
    let whole =
        http::write(&app.db, async |tx| cases::edit(tx, &ctx, path, version, input).await).await?;
    shown(&whole)
}

/// Publishes the draft; from now on new evaluations are made with it.
#[utoipa::path(tag = "scorecards", security(("bearer" = ["quality:admin"])),
    params(("id" = Uuid, Path)), responses((status = 200, description = "Published", body = ScorecardView),
        (status = 422, description = "The draft does not make a scorecard")))]
#[post("/api/v1/scorecards/{id}/publish")]
async fn publish_scorecard(
    app: Data<App>,
    caller: Allowed<may::QualityAdmin>,
    Path(id): Path<Uuid>,
) -> http::Result {
    let ctx = caller.context();
    shown(&http::write(&app.db, async |tx| cases::publish(&app, tx, &ctx, id).await).await?)
}

fn shown(whole: &scorecards::Whole) -> http::Result<HttpResponse> {
    Ok(http::ok_versioned(whole.card.version, &ScorecardView::of(whole)?))
}
