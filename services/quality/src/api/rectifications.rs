//! `/api/v1/rectifications`.

use actix_web::{HttpResponse, get, post, web::Data};
use http::{Allowed, Created, IdempotencyHeader, Idempotent, Json, Path, Query, may};
use kernel::{Actor, PageQuery, Problem};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    PageOf, bounded,
    views::{Names, RectificationView, StepView},
};
use crate::{
    App,
    app::rectify::{self, Evidence, NewRectification, Verification},
    domain::{rectification::RectificationState, visibility::View},
    store::{
        self,
        entities::{rectification, rectification_step},
        inspections,
    },
};

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(open_rectification)
        .service(list_rectifications)
        .service(get_rectification)
        .service(finish_rectification)
        .service(verify_rectification);
}

/// Opens a rectification by hand; only supervisors and above.
#[utoipa::path(tag = "rectifications", security(("bearer" = ["quality:rectify"])), params(IdempotencyHeader),
    request_body = NewRectification,
    responses((status = 201, description = "Opened", body = RectificationView),
        (status = 404, description = "There is no such evaluation or ticket")))]
#[post("/api/v1/rectifications")]
async fn open_rectification(
    app: Data<App>,
    caller: Allowed<may::QualityRectify>,
    input: Idempotent<NewRectification>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &::store::Tx, body| {
        let opened = rectify::open(&app, tx, &ctx, body).await?;
        let location = format!("/api/v1/rectifications/{}", opened.id);
        let version = Some(opened.version);
        let body = RectificationView::of(opened, &ctx.actor, app.clock.now());
        Ok(Created { location, version, body })
    };
    input.create(&app.db, &ctx, work).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RectificationQuery {
    #[param(inline)]
    state: Option<RectificationState>,
    /// User id of the owner.
    #[param(max_length = 200)]
    owner: Option<String>,
    evaluation_id: Option<Uuid>,
    ticket_id: Option<Uuid>,
    /// `true`: only what is open past its limit; `false`: only the others.
    overdue: Option<bool>,
    /// From `next_cursor` of the page before.
    #[param(max_length = 1000)]
    cursor: Option<String>,
    /// 1 to 200, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Whether to count all.
    total: Option<bool>,
}

/// Lists the rectifications that the caller may see, the newest first; an agent sees his own.
#[utoipa::path(tag = "rectifications", security(("bearer" = ["quality:read"])), params(RectificationQuery),
    responses((status = 200, description = "One page", body = PageOf<RectificationView>)))]
#[get("/api/v1/rectifications")]
async fn list_rectifications(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Query(q): Query<RectificationQuery>,
) -> http::Result {
    use rectification::Column as C;
    bounded("/owner", q.owner.as_deref())?;
    let (actor, now) = (caller.actor(), app.clock.now());
    let asked = (q.state, &q.owner, q.evaluation_id, q.ticket_id, q.overdue);
    let filter = format!("rectifications {} {:?} {asked:?}", actor.org, View::of(actor));
    let overdue = || Condition::all().add(C::State.eq("open")).add(C::DueAt.lt(now));
    let matching = Condition::all()
        .add_option(q.state.map(|state| C::State.eq(state.as_str())))
        .add_option(q.owner.map(|owner| owned(actor, owner)))
        .add_option(q.evaluation_id.map(|id| C::EvaluationId.eq(id)))
        .add_option(q.ticket_id.map(|id| C::TicketId.eq(id)))
        .add_option(q.overdue.map(|wanted| if wanted { overdue() } else { overdue().not() }));
    let found = inspections::visible_rectifications(actor).filter(matching);
    let query = PageQuery { cursor: q.cursor, limit: q.limit, total: q.total };
    let page = store::page(&app.db, found, &query, &filter, |r| r.id).await?;
    Ok(http::ok(&PageOf::of(page, |r| Ok(RectificationView::of(r, actor, now)))?))
}

/// Orders of an owner; whoever inspects blind finds only those whose owner they may know.
fn owned(actor: &Actor, owner: String) -> Condition {
    use rectification::Column as C;
    let known = actor.may_know(Some(owner.clone())).is_some();
    let named = Condition::all().add(C::Owner.eq(owner));
    if known { named } else { named.add(C::EvaluationId.is_not_null()) }
}

/// One rectification with all its steps.
#[utoipa::path(tag = "rectifications", security(("bearer" = ["quality:read"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The rectification", body = RectificationView)))]
#[get("/api/v1/rectifications/{id}")]
async fn get_rectification(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Path(id): Path<Uuid>,
) -> http::Result {
    let found = inspections::visible_rectifications(caller.actor())
        .filter(rectification::Column::Id.eq(id));
    let found = found.one(&app.db).await?.ok_or_else(Problem::not_found)?;
    let steps = rectification_step::Entity::find()
        .filter(rectification_step::Column::RectificationId.eq(id))
        .order_by_asc(rectification_step::Column::Id)
        .all(&app.db)
        .await?;
    let names = Names::seen_by(caller.actor(), &found);
    let steps = Some(steps.into_iter().map(|step| StepView::of(step, &names)).collect());
    let version = found.version;
    let view = RectificationView::of(found, caller.actor(), app.clock.now());
    Ok(http::ok_versioned(version, &RectificationView { steps, ..view }))
}

/// The owner says that it is done, with evidence.
#[utoipa::path(tag = "rectifications", security(("bearer" = ["quality:rectify"])), request_body = Evidence,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "Done", body = RectificationView)))]
#[post("/api/v1/rectifications/{id}/done")]
async fn finish_rectification(
    app: Data<App>,
    caller: Allowed<may::QualityRectify>,
    Path(id): Path<Uuid>,
    Json(input): Json<Evidence>,
) -> http::Result {
    let ctx = caller.context();
    let done =
        http::write(&app.db, async |tx| rectify::finish(&app, tx, &ctx, id, input).await).await?;
    Ok(shown(&app, caller.actor(), done))
}

/// A supervisor or above, never the owner, verifies it; what does not pass is open again.
#[utoipa::path(tag = "rectifications", security(("bearer" = ["quality:rectify"])), request_body = Verification,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "Verified or reopened", body = RectificationView)))]
#[post("/api/v1/rectifications/{id}/verify")]
async fn verify_rectification(
    app: Data<App>,
    caller: Allowed<may::QualityRectify>,
    Path(id): Path<Uuid>,
    Json(input): Json<Verification>,
) -> http::Result {
    let ctx = caller.context();
    let verified =
        http::write(&app.db, async |tx| rectify::verify(&app, tx, &ctx, id, input).await).await?;
    Ok(shown(&app, caller.actor(), verified))
}

fn shown(app: &App, actor: &Actor, of: rectification::Model) -> HttpResponse {
    http::ok_versioned(of.version, &RectificationView::of(of, actor, app.clock.now()))
}
