//! `/api/v1/inspections`.

use actix_web::{HttpResponse, get, post, web::Data};
use http::{Allowed, Created, IdempotencyHeader, Idempotent, Json, Path, Query, may};
use kernel::{Actor, PageQuery, Problem};
use sea_orm::{ColumnTrait, Condition, QueryFilter};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    PageOf, bounded,
    views::{EvaluationView, InspectionView},
};
use crate::{
    App,
    app::{
        evaluate::{self, NewEvaluation},
        inspect::{self, Assignment},
    },
    domain::visibility::View,
    store::{self, entities::inspection, inspections},
};

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_inspections)
        .service(get_inspection)
        .service(assign_inspection)
        .service(claim_inspection)
        .service(start_evaluation);
}

/// Where an inspection stands.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum InspectionState {
    Open,
    Assigned,
    Published,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InspectionQuery {
    #[param(inline)]
    state: Option<InspectionState>,
    /// User id of the inspector.
    #[param(max_length = 200)]
    inspector: Option<String>,
    /// User id of the agent; an inspector finds only what is published.
    #[param(max_length = 200)]
    agent: Option<String>,
    ticket_id: Option<Uuid>,
    plan_id: Option<Uuid>,
    /// From `next_cursor` of the page before.
    #[param(max_length = 1000)]
    cursor: Option<String>,
    /// 1 to 200, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Whether to count all.
    total: Option<bool>,
}

/// Lists the inspections that the caller may see, the newest first.
#[utoipa::path(tag = "inspections", security(("bearer" = ["quality:read"])), params(InspectionQuery),
    responses((status = 200, description = "One page", body = PageOf<InspectionView>)))]
#[get("/api/v1/inspections")]
async fn list_inspections(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Query(q): Query<InspectionQuery>,
) -> http::Result {
    bounded("/inspector", q.inspector.as_deref())?;
    bounded("/agent", q.agent.as_deref())?;
    let actor = caller.actor();
    let asked = (q.state, &q.inspector, &q.agent, q.ticket_id, q.plan_id);
    let filter = format!("inspections {} {:?} {asked:?}", actor.org, View::of(actor));
    let found = inspections::visible(actor).filter(matching(actor, &q));
    let query = PageQuery { cursor: q.cursor, limit: q.limit, total: q.total };
    let page = store::page(&app.db, found, &query, &filter, |i| i.id).await?;
    Ok(http::ok(&PageOf::of(page, |i| InspectionView::of(actor, i))?))
}

fn matching(actor: &Actor, q: &InspectionQuery) -> Condition {
    use inspection::Column as C;
    let state = q.state.map(|state| match state {
        InspectionState::Open => "open",
        InspectionState::Assigned => "assigned",
        InspectionState::Published => "published",
    });
    // To ask for an agent's inspections must not tell whose a blind one is.
    let by_agent = q.agent.as_ref().map(|agent| {
        let named = Condition::all().add(C::Agent.eq(agent));
        match View::of(actor) {
            View::Inspector(_) => named.add(C::State.eq("published")),
            _ => named.add(
                Condition::any()
                    .add(C::State.eq("published"))
                    .add(C::Inspector.is_null())
                    .add(C::Inspector.ne(&actor.id)),
            ),
        }
    });
    Condition::all()
        .add_option(state.map(|state| C::State.eq(state)))
        .add_option(q.inspector.as_ref().map(|inspector| C::Inspector.eq(inspector)))
        .add_option(by_agent)
        .add_option(q.ticket_id.map(|id| C::TicketId.eq(id)))
        .add_option(q.plan_id.map(|id| C::PlanId.eq(id)))
}

/// One inspection; the agent is withheld from its inspector until it is published.
#[utoipa::path(tag = "inspections", security(("bearer" = ["quality:read"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The inspection", body = InspectionView)))]
#[get("/api/v1/inspections/{id}")]
async fn get_inspection(
    app: Data<App>,
    caller: Allowed<may::QualityRead>,
    Path(id): Path<Uuid>,
) -> http::Result {
    let found = inspections::visible(caller.actor())
        .filter(inspection::Column::Id.eq(id))
        .one(&app.db)
        .await?;
    shown(caller.actor(), found.ok_or_else(Problem::not_found)?)
}

/// Gives an inspection to an inspector, never to the agent himself.
#[utoipa::path(tag = "inspections", security(("bearer" = ["quality:decide"])), request_body = Assignment,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "Assigned", body = InspectionView)))]
#[post("/api/v1/inspections/{id}/assign")]
async fn assign_inspection(
    app: Data<App>,
    caller: Allowed<may::QualityDecide>,
    Path(id): Path<Uuid>,
    Json(input): Json<Assignment>,
) -> http::Result {
    let ctx = caller.context();
    let given = http::write(&app.db, async |tx| inspect::assign(tx, &ctx, id, input).await).await?;
    shown(caller.actor(), given)
}

/// Takes an unassigned inspection.
#[utoipa::path(tag = "inspections", security(("bearer" = ["quality:evaluate"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "Claimed", body = InspectionView)))]
#[post("/api/v1/inspections/{id}/claim")]
async fn claim_inspection(
    app: Data<App>,
    caller: Allowed<may::QualityEvaluate>,
    Path(id): Path<Uuid>,
) -> http::Result {
    let ctx = caller.context();
    let claimed = http::write(&app.db, async |tx| inspect::claim(tx, &ctx, id).await).await?;
    shown(caller.actor(), claimed)
}

fn shown(actor: &Actor, of: inspection::Model) -> http::Result<HttpResponse> {
    Ok(http::ok_versioned(of.version, &InspectionView::of(actor, of)?))
}

/// Starts the evaluation, a draft; an unassigned inspection is claimed thereby.
#[utoipa::path(tag = "evaluations", security(("bearer" = ["quality:evaluate"])), request_body = NewEvaluation,
    params(("id" = Uuid, Path), IdempotencyHeader),
    responses((status = 201, description = "Started", body = EvaluationView)))]
#[post("/api/v1/inspections/{id}/evaluations")]
async fn start_evaluation(
    app: Data<App>,
    caller: Allowed<may::QualityEvaluate>,
    Path(id): Path<Uuid>,
    input: Idempotent<NewEvaluation>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &::store::Tx, body| {
        let started = evaluate::start(&app, tx, &ctx, id, body).await?;
        let location = format!("/api/v1/evaluations/{}", started.id);
        Ok(Created {
            location,
            version: Some(started.version),
            body: EvaluationView::of(&ctx.actor, started)?,
        })
    };
    input.create(&app.db, &ctx, work).await
}
