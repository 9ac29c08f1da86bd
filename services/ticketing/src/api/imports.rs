//! `/api/v1/ticket-imports`.

use actix_web::{post, web::Data};
use http::{Allowed, Json, may, ok};

use crate::app::{
    App,
    import_servicenow::{self, ImportReport, ServiceNowImport},
};

/// Takes over up to 1,000 rows of a ServiceNow incident log with their own times: nobody is told,
/// nothing is surveyed, service levels are judged on historical time. Rows of one incident must
/// come in order, over any number of requests; a row sent again changes nothing.
#[utoipa::path(tag = "imports", security(("bearer" = ["ticket:import"])), request_body = ServiceNowImport,
    responses((status = 200, description = "What became of each row.", body = ImportReport)))]
#[post("/api/v1/ticket-imports/servicenow")]
pub async fn import_incidents(
    app: Data<App>,
    caller: Allowed<may::TicketImport>,
    input: Json<ServiceNowImport>,
) -> http::Result {
    let report = import_servicenow::run(&app, &caller.context(), input.0).await?;
    Ok(ok(&report))
}
