//! `/api/v1/service-reports`.

use actix_web::{get, post, web::Data};
use http::{Allowed, Created, IdempotencyHeader, Idempotent, Path, Query, may};
use kernel::{PageQuery, Problem};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{PageOf, bounded, views::ReportView};
use crate::{
    App,
    app::report::{self, NewReport},
    store::{self, entities::service_report},
};

pub fn routes(config: &mut ServiceConfig) {
    config.service(publish_report).service(list_reports).service(get_report);
}

/// Computes a month's report of a unit with everything below it and freezes it as the next version;
/// supervisors do so for their own unit.
#[utoipa::path(tag = "reports", security(("bearer" = ["report:publish"])), params(IdempotencyHeader),
    request_body = NewReport, responses((status = 201, description = "Published", body = ReportView)))]
#[post("/api/v1/service-reports")]
async fn publish_report(
    app: Data<App>,
    caller: Allowed<may::ReportPublish>,
    input: Idempotent<NewReport>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &::store::Tx, body| {
        let published = report::publish(&app, tx, &ctx, body).await?;
        let location = format!("/api/v1/service-reports/{}", published.id);
        Ok(Created { location, version: None, body: ReportView::of(published)? })
    };
    input.create(&app.db, &ctx, work).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReportQuery {
    /// Exactly this unit.
    #[param(max_length = 200)]
    org: Option<String>,
    /// Month, `2026-03`.
    #[param(max_length = 200)]
    period: Option<String>,
    /// From `next_cursor` of the page before.
    #[param(max_length = 1000)]
    cursor: Option<String>,
    /// 1 to 200, 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Whether to count all.
    total: Option<bool>,
}

/// Lists reports, the newest first.
#[utoipa::path(tag = "reports", security(("bearer" = ["report:read"])), params(ReportQuery),
    responses((status = 200, description = "One page", body = PageOf<ReportView>)))]
#[get("/api/v1/service-reports")]
async fn list_reports(
    app: Data<App>,
    caller: Allowed<may::ReportRead>,
    Query(q): Query<ReportQuery>,
) -> http::Result {
    use service_report::Column as C;
    bounded("/org", q.org.as_deref())?;
    bounded("/period", q.period.as_deref())?;
    let filter = format!("reports {} {:?} {:?}", caller.org(), q.org, q.period);
    let matching = Condition::all()
        .add(http::org_filter(caller.org(), C::Org))
        .add_option(q.org.map(|org| C::Org.eq(org)))
        .add_option(q.period.map(|period| C::Period.eq(period)));
    let query = PageQuery { cursor: q.cursor, limit: q.limit, total: q.total };
    let found = service_report::Entity::find().filter(matching);
    let page = store::page(&app.db, found, &query, &filter, |r| r.id).await?;
    Ok(http::ok(&PageOf::of(page, ReportView::of)?))
}

/// One report.
#[utoipa::path(tag = "reports", security(("bearer" = ["report:read"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The report", body = ReportView)))]
#[get("/api/v1/service-reports/{id}")]
async fn get_report(
    app: Data<App>,
    caller: Allowed<may::ReportRead>,
    Path(id): Path<Uuid>,
) -> http::Result {
    let found = service_report::Entity::find_by_id(id)
        .filter(http::org_filter(caller.org(), service_report::Column::Org));
    Ok(http::ok(&ReportView::of(found.one(&app.db).await?.ok_or_else(Problem::not_found)?)?))
}
