//! `/api/v1/sampling-plans` and their draws.

use actix_web::{get, post, put, web::Data};
use http::{
    Allowed, Created, IdempotencyHeader, Idempotent, IfMatch, IfMatchHeader, Json, Path, Query, may,
};
use kernel::{OrgPath, PageQuery, Problem};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    PageOf,
    views::{DrawView, PlanView},
};
use crate::{
    App,
    app::{
        draw::{self as draws, DrawInput, Rerun},
        plans::{self as cases, PlanInput},
    },
    store::{
        self,
        entities::{draw, sampling_plan},
    },
};

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(create_sampling_plan)
        .service(list_sampling_plans)
        .service(get_sampling_plan)
        .service(edit_sampling_plan)
        .service(draw_sample)
        .service(list_draws)
        .service(get_draw)
        .service(rerun_draw);
}

/// Creates a sampling plan: quota per agent and month, risk rules, inspectors.
#[utoipa::path(tag = "sampling", security(("bearer" = ["quality:admin"])), params(IdempotencyHeader),
    request_body = PlanInput, responses((status = 201, description = "Created", body = PlanView),
        (status = 404, description = "There is no such scorecard")))]
#[post("/api/v1/sampling-plans")]
async fn create_sampling_plan(
    app: Data<App>,
    caller: Allowed<may::QualityAdmin>,
    input: Idempotent<PlanInput>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &::store::Tx, body| {
        let plan = cases::create(&app, tx, &ctx, body).await?;
        let location = format!("/api/v1/sampling-plans/{}", plan.id);
        Ok(Created { location, version: Some(plan.version), body: PlanView::of(plan)? })
    };
    input.create(&app.db, &ctx, work).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// From `next_cursor` of the page before.
    #[param(max_length = 1000)]
    cursor: Option<String>,
    /// 1 to 200, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Whether to count all.
    total: Option<bool>,
}

impl From<ListQuery> for PageQuery {
    fn from(q: ListQuery) -> Self {
        Self { cursor: q.cursor, limit: q.limit, total: q.total }
    }
}

/// Lists the plans of the caller's unit and below, the newest first.
#[utoipa::path(tag = "sampling", security(("bearer" = ["quality:read"])), params(ListQuery),
    responses((status = 200, description = "One page", body = PageOf<PlanView>)))]
#[get("/api/v1/sampling-plans")]
async fn list_sampling_plans(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Query(q): Query<ListQuery>,
) -> http::Result {
    let found = sampling_plan::Entity::find()
        .filter(http::org_filter(caller.org(), sampling_plan::Column::Org));
    let filter = format!("plans {}", caller.org());
    let page = store::page(&app.db, found, &q.into(), &filter, |plan| plan.id).await?;
    Ok(http::ok(&PageOf::of(page, PlanView::of)?))
}

/// One plan.
#[utoipa::path(tag = "sampling", security(("bearer" = ["quality:read"])), params(("id" = Uuid, Path), http::IfNoneMatchHeader),
    responses((status = 200, description = "The plan", body = PlanView)))]
#[get("/api/v1/sampling-plans/{id}")]
async fn get_sampling_plan(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Path(id): Path<Uuid>,
) -> http::Result {
    let plan = plan(&app, caller.org(), id).await?;
    Ok(http::ok_versioned(plan.version, &PlanView::of(plan)?))
}

async fn plan(app: &App, org: &OrgPath, id: Uuid) -> Result<sampling_plan::Model, Problem> {
    let found = sampling_plan::Entity::find_by_id(id);
    let found = found.filter(http::org_filter(org, sampling_plan::Column::Org));
    found.one(&app.db).await?.ok_or_else(Problem::not_found)
}

/// Replaces a plan's content.
#[utoipa::path(tag = "sampling", security(("bearer" = ["quality:admin"])), request_body = PlanInput,
    params(("id" = Uuid, Path), IfMatchHeader),
    responses((status = 200, description = "Changed", body = PlanView)))]
#[put("/api/v1/sampling-plans/{id}")]
async fn edit_sampling_plan(
    app: Data<App>,
    caller: Allowed<may::QualityAdmin>,
    Path(id): Path<Uuid>,
    IfMatch(version): IfMatch,
    Json(input): Json<PlanInput>,
) -> http::Result {
    let ctx = caller.context();
    let plan =
        http::write(&app.db, async |tx| cases::edit(tx, &ctx, id, version, input).await).await?;
    Ok(http::ok_versioned(plan.version, &PlanView::of(plan)?))
}

/// Draws the quota of a month at random and opens the inspections.
///
/// The frame is every ticket of the plan's unit resolved in the month that is not inspected yet.
/// The same frame and seed always give the same sample.
#[utoipa::path(tag = "sampling", security(("bearer" = ["quality:admin"])), request_body = DrawInput,
    params(("id" = Uuid, Path), IdempotencyHeader),
    responses((status = 201, description = "Drawn", body = DrawView)))]
#[post("/api/v1/sampling-plans/{id}/draw")]
async fn draw_sample(
    app: Data<App>,
    caller: Allowed<may::QualityAdmin>,
    Path(id): Path<Uuid>,
    input: Idempotent<DrawInput>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &::store::Tx, body| {
        let drawn = draws::draw(&app, tx, &ctx, id, body).await?;
        let location = format!("/api/v1/sampling-plans/{id}/draws/{}", drawn.id);
        Ok(Created { location, version: None, body: DrawView::of(drawn, true)? })
    };
    input.create(&app.db, &ctx, work).await
}

/// Lists a plan's draws, the newest first, without their frames.
#[utoipa::path(tag = "sampling", security(("bearer" = ["quality:admin"])), params(("id" = Uuid, Path), ListQuery),
    responses((status = 200, description = "One page", body = PageOf<DrawView>)))]
#[get("/api/v1/sampling-plans/{id}/draws")]
async fn list_draws(
    app: Data<App>,
    caller: Allowed<may::QualityAdmin>,
    Path(id): Path<Uuid>,
    Query(q): Query<ListQuery>,
) -> http::Result {
    plan(&app, caller.org(), id).await?;
    let found = draw::Entity::find()
        .filter(draw::Column::PlanId.eq(id))
        .filter(http::org_filter(caller.org(), draw::Column::Org));
    let filter = format!("draws {id} {}", caller.org());
    let page = store::page(&app.db, found, &q.into(), &filter, |draw| draw.id).await?;
    Ok(http::ok(&PageOf::of(page, |draw| DrawView::of(draw, false))?))
}

/// The record of a draw, with its frame.
#[utoipa::path(tag = "sampling", security(("bearer" = ["quality:admin"])),
    params(("id" = Uuid, Path), ("draw_id" = Uuid, Path)),
    responses((status = 200, description = "The draw", body = DrawView)))]
#[get("/api/v1/sampling-plans/{id}/draws/{draw_id}")]
async fn get_draw(
    app: Data<App>,
    caller: Allowed<may::QualityAdmin>,
    Path((id, draw_id)): Path<(Uuid, Uuid)>,
) -> http::Result {
    let found = draws::find(&app.db, caller.org(), id, draw_id).await?;
    Ok(http::ok(&DrawView::of(found, true)?))
}

/// Draws again from the recorded frame and seed, to be compared; changes nothing.
#[utoipa::path(tag = "sampling", security(("bearer" = ["quality:admin"])),
    params(("id" = Uuid, Path), ("draw_id" = Uuid, Path)),
    responses((status = 200, description = "The draw done again", body = Rerun)))]
#[get("/api/v1/sampling-plans/{id}/draws/{draw_id}/rerun")]
async fn rerun_draw(
    app: Data<App>,
    caller: Allowed<may::QualityAdmin>,
    Path((id, draw_id)): Path<(Uuid, Uuid)>,
) -> http::Result {
    Ok(http::ok(&draws::rerun(&app.db, caller.org(), id, draw_id).await?))
}
