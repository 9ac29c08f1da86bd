//! `/api/v1/evaluations` and `/api/v1/appeals`.

use actix_web::{HttpResponse, get, post, put, web::Data};
use http::{
    Allowed, Created, IdempotencyHeader, Idempotent, IfMatch, IfMatchHeader, Json, Path, Query, may,
};
use kernel::{Actor, PageQuery, Problem};
use sea_orm::{ColumnTrait, Condition, QueryFilter};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    PageOf, bounded,
    views::{AppealView, EvaluationView},
};
use crate::{
    App,
    app::{
        appeals::{self, Decision, NewAppeal},
        evaluate::{self, AnswersInput},
        publish,
    },
    domain::{appeal::EvaluationState, visibility::View},
    store::{
        self,
        entities::{appeal, evaluation},
        inspections,
    },
};

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_evaluations)
        .service(get_evaluation)
        .service(save_answers)
        .service(publish_evaluation)
        .service(lodge_appeal)
        .service(list_appeals)
        .service(get_appeal)
        .service(decide_appeal);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EvaluationQuery {
    #[param(inline)]
    state: Option<EvaluationState>,
    inspection_id: Option<Uuid>,
    /// User id of the agent; finds only what is published.
    #[param(max_length = 200)]
    agent: Option<String>,
    /// User id of the scorer.
    #[param(max_length = 200)]
    scorer: Option<String>,
    /// From `next_cursor` of the page before.
    #[param(max_length = 1000)]
    cursor: Option<String>,
    /// 1 to 200, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Whether to count all.
    total: Option<bool>,
}

/// Lists the evaluations that the caller may see, the newest first.
#[utoipa::path(tag = "evaluations", security(("bearer" = ["quality:read"])), params(EvaluationQuery),
    responses((status = 200, description = "One page", body = PageOf<EvaluationView>)))]
#[get("/api/v1/evaluations")]
async fn list_evaluations(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Query(q): Query<EvaluationQuery>,
) -> http::Result {
    use evaluation::Column as C;
    bounded("/agent", q.agent.as_deref())?;
    bounded("/scorer", q.scorer.as_deref())?;
    let actor = caller.actor();
    let asked = (q.state, q.inspection_id, &q.agent, &q.scorer);
    let filter = format!("evaluations {} {:?} {asked:?}", actor.org, View::of(actor));
    let matching = Condition::all()
        .add_option(q.state.map(|state| C::State.eq(state.as_str())))
        .add_option(q.inspection_id.map(|id| C::InspectionId.eq(id)))
        .add_option(
            q.agent.map(|agent| Condition::all().add(C::Agent.eq(agent)).add(C::State.ne("draft"))),
        )
        .add_option(q.scorer.map(|scorer| C::Scorer.eq(scorer)));
    let found = inspections::visible_evaluations(actor).filter(matching);
    let query = PageQuery { cursor: q.cursor, limit: q.limit, total: q.total };
    let page = store::page(&app.db, found, &query, &filter, |e| e.id).await?;
    Ok(http::ok(&PageOf::of(page, |e| EvaluationView::of(actor, e))?))
}

/// One evaluation.
#[utoipa::path(tag = "evaluations", security(("bearer" = ["quality:read"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The evaluation", body = EvaluationView)))]
#[get("/api/v1/evaluations/{id}")]
async fn get_evaluation(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Path(id): Path<Uuid>,
) -> http::Result {
    let found =
        inspections::visible_evaluations(caller.actor()).filter(evaluation::Column::Id.eq(id));
    shown(caller.actor(), found.one(&app.db).await?.ok_or_else(Problem::not_found)?)
}

/// Replaces the answers of a draft.
#[utoipa::path(tag = "evaluations", security(("bearer" = ["quality:evaluate"])), request_body = AnswersInput,
    params(("id" = Uuid, Path), IfMatchHeader),
    responses((status = 200, description = "Saved; the score is a preview", body = EvaluationView)))]
#[put("/api/v1/evaluations/{id}/answers")]
async fn save_answers(
    app: Data<App>,
    caller: Allowed<may::QualityEvaluate>,
    Path(id): Path<Uuid>,
    IfMatch(version): IfMatch,
    Json(input): Json<AnswersInput>,
) -> http::Result {
    let ctx = caller.context();
    let saved =
        http::write(&app.db, async |tx| evaluate::save(tx, &ctx, id, version, input).await).await?;
    shown(caller.actor(), saved)
}

/// Publishes an evaluation: the agent learns of it and may appeal; a fatal item or a low score
/// opens a rectification.
#[utoipa::path(tag = "evaluations", security(("bearer" = ["quality:evaluate"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "Published", body = EvaluationView),
        (status = 422, description = "Items are not answered, or lack evidence")))]
#[post("/api/v1/evaluations/{id}/publish")]
async fn publish_evaluation(
    app: Data<App>,
    caller: Allowed<may::QualityEvaluate>,
    Path(id): Path<Uuid>,
) -> http::Result {
    let ctx = caller.context();
    let published = http::write(&app.db, async |tx| publish::run(&app, tx, &ctx, id).await).await?;
    shown(caller.actor(), published)
}

fn shown(actor: &Actor, of: evaluation::Model) -> http::Result<HttpResponse> {
    Ok(http::ok_versioned(of.version, &EvaluationView::of(actor, of)?))
}

/// Appeals against a published evaluation: once, by the evaluated agent, before the limit.
#[utoipa::path(tag = "appeals", security(("bearer" = ["quality:appeal"])), request_body = NewAppeal,
    params(("id" = Uuid, Path), IdempotencyHeader),
    responses((status = 201, description = "Lodged", body = AppealView)))]
#[post("/api/v1/evaluations/{id}/appeals")]
async fn lodge_appeal(
    app: Data<App>,
    caller: Allowed<may::QualityAppeal>,
    Path(id): Path<Uuid>,
    input: Idempotent<NewAppeal>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &::store::Tx, body| {
        let lodged = appeals::lodge(&app, tx, &ctx, id, body).await?;
        let location = format!("/api/v1/appeals/{}", lodged.id);
        Ok(Created { location, version: Some(lodged.version), body: AppealView::of(lodged)? })
    };
    input.create(&app.db, &ctx, work).await
}

/// Where an appeal stands.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AppealState {
    Lodged,
    Decided,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AppealQuery {
    #[param(inline)]
    state: Option<AppealState>,
    evaluation_id: Option<Uuid>,
    /// From `next_cursor` of the page before.
    #[param(max_length = 1000)]
    cursor: Option<String>,
    /// 1 to 200, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Whether to count all.
    total: Option<bool>,
}

/// Lists the appeals that the caller may see, the newest first.
#[utoipa::path(tag = "appeals", security(("bearer" = ["quality:read"])), params(AppealQuery),
    responses((status = 200, description = "One page", body = PageOf<AppealView>)))]
#[get("/api/v1/appeals")]
async fn list_appeals(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Query(q): Query<AppealQuery>,
) -> http::Result {
    let actor = caller.actor();
    let filter =
        format!("appeals {} {:?} {:?} {:?}", actor.org, View::of(actor), q.state, q.evaluation_id);
    let state = q.state.map(|state| match state {
        AppealState::Lodged => "lodged",
        AppealState::Decided => "decided",
    });
    let matching = Condition::all()
        .add_option(state.map(|state| appeal::Column::State.eq(state)))
        .add_option(q.evaluation_id.map(|id| appeal::Column::EvaluationId.eq(id)));
    let query = PageQuery { cursor: q.cursor, limit: q.limit, total: q.total };
    let found = inspections::visible_appeals(actor).filter(matching);
    let page = store::page(&app.db, found, &query, &filter, |a| a.id).await?;
    Ok(http::ok(&PageOf::of(page, AppealView::of)?))
}

/// One appeal.
#[utoipa::path(tag = "appeals", security(("bearer" = ["quality:read"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The appeal", body = AppealView)))]
#[get("/api/v1/appeals/{id}")]
async fn get_appeal(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Path(id): Path<Uuid>,
) -> http::Result {
    let found = inspections::visible_appeals(caller.actor())
        .filter(appeal::Column::Id.eq(id))
        .one(&app.db)
        .await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(http::ok_versioned(found.version, &AppealView::of(found)?))
}

/// Decides an appeal and scores again; never by the scorer.
#[utoipa::path(tag = "appeals", security(("bearer" = ["quality:decide"])), request_body = Decision,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "Decided", body = AppealView)))]
#[post("/api/v1/appeals/{id}/decision")]
async fn decide_appeal(
    app: Data<App>,
    caller: Allowed<may::QualityDecide>,
    Path(id): Path<Uuid>,
    Json(input): Json<Decision>,
) -> http::Result {
    let ctx = caller.context();
    let decided =
        http::write(&app.db, async |tx| appeals::decide(&app, tx, &ctx, id, input).await).await?;
    Ok(http::ok_versioned(decided.version, &AppealView::of(decided)?))
}
