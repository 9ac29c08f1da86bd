//! `/api/v1/ticket-reports`.

use actix_web::{get, web::Data};
use http::{Allowed, Query, may, ok};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{
    App,
    sla_report::{self, SlaLine, SlaQuery},
};

/// Attainment of service levels.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlaReport {
    /// By metric, then by group; priorities from urgent to low.
    pub items: Vec<SlaLine>,
}

/// Attainment of service levels of the tickets opened in a period. A timer is met when it was
/// fulfilled by its deadline, breached when the deadline passed first; attainment is met ÷ (met +
/// breached). Each cycle of a reopened ticket counts; cancelled timers and department tasks do not.
/// Groups are the tickets' present values.
#[utoipa::path(tag = "reports", security(("bearer" = ["report:read"])), params(SlaQuery),
    responses((status = 200, description = "The report.", body = SlaReport)))]
#[get("/api/v1/ticket-reports/sla")]
pub async fn report_sla(
    app: Data<App>,
    caller: Allowed<may::ReportRead>,
    query: Query<SlaQuery>,
) -> http::Result {
    let items = sla_report::run(&app, &caller.context(), query.0).await?;
    Ok(ok(&SlaReport { items }))
}
