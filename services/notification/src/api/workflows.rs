//! `/api/v1/workflows`.

use actix_web::{get, put, web::Data};
use http::{Allowed, IfMatch, IfMatchHeader, Json, Path, may, ok, ok_versioned, write};

use crate::{
    App,
    app::workflows::{self, WorkflowInput, WorkflowList, WorkflowView},
};

/// All workflows, as they count for the caller's unit.
#[utoipa::path(tag = "workflows", security(("bearer" = ["notification:read"])),
    responses((status = 200, description = "All of them.", body = WorkflowList)))]
#[get("/api/v1/workflows")]
pub async fn list_workflows(
    app: Data<App>,
    caller: Allowed<may::NotificationRead>,
) -> http::Result {
    Ok(ok(&workflows::list(&app, &caller.context()).await?))
}

/// One workflow.
#[utoipa::path(tag = "workflows", security(("bearer" = ["notification:read"])),
    params(("key" = String, Path, description = "Its key.")),
    responses((status = 200, description = "The workflow.", body = WorkflowView)))]
#[get("/api/v1/workflows/{key}")]
pub async fn get_workflow(
    app: Data<App>,
    caller: Allowed<may::NotificationRead>,
    key: Path<String>,
) -> http::Result {
    let view = workflows::one(&app, &caller.context(), &key.0).await?;
    Ok(ok_versioned(view.setting_version, &view))
}

/// Switches a workflow for the caller's unit and everything below it.
#[utoipa::path(tag = "workflows", security(("bearer" = ["notification:admin"])),
    params(("key" = String, Path, description = "Its key."), IfMatchHeader), request_body = WorkflowInput,
    responses((status = 200, description = "The workflow.", body = WorkflowView)))]
#[put("/api/v1/workflows/{key}")]
pub async fn switch_workflow(
    app: Data<App>,
    caller: Allowed<may::NotificationAdmin>,
    key: Path<String>,
    version: IfMatch,
    body: Json<WorkflowInput>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &_| workflows::put(&app, tx, &ctx, &key.0, version.0, body.0).await;
    let view = write(&app.db, work).await?;
    Ok(ok_versioned(view.setting_version, &view))
}
