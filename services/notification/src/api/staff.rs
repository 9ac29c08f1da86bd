//! `/api/v1/staff`.

use actix_web::{get, put, web::Data};
use http::{Allowed, Json, Path, Query, may, ok, ok_versioned, write};

use super::page::StaffPage;
use crate::{
    App,
    app::{
        put_staff::{self, StaffInput},
        staff::{self, StaffQuery, StaffView},
    },
};

/// Members of staff of the caller's subtree, by user id.
#[utoipa::path(tag = "staff", security(("bearer" = ["notification:read"])), params(StaffQuery),
    responses((status = 200, description = "One page.", body = StaffPage)))]
#[get("/api/v1/staff")]
pub async fn list_staff(
    app: Data<App>,
    caller: Allowed<may::NotificationRead>,
    query: Query<StaffQuery>,
) -> http::Result {
    Ok(ok(&staff::list(&app, &caller.context(), query.0).await?))
}

/// One member of staff.
#[utoipa::path(tag = "staff", security(("bearer" = ["notification:read"])),
    params(("user_id" = String, Path, description = "`sub` of their tokens."), http::IfNoneMatchHeader),
    responses((status = 200, description = "The member of staff.", body = StaffView)))]
#[get("/api/v1/staff/{user_id}")]
pub async fn get_staff(
    app: Data<App>,
    caller: Allowed<may::NotificationRead>,
    user_id: Path<String>,
) -> http::Result {
    let view = staff::one(&app, &caller.context(), &user_id.0).await?;
    Ok(ok_versioned(view.version, &view))
}

/// Creates or replaces a member of staff, as a directory elsewhere has him; the last writer wins.
#[utoipa::path(tag = "staff", security(("bearer" = ["notification:admin"])),
    params(("user_id" = String, Path, description = "`sub` of his tokens.", min_length = 1, max_length = 200)),
    request_body = StaffInput,
    responses((status = 200, description = "The member of staff.", body = StaffView)))]
#[put("/api/v1/staff/{user_id}")]
pub async fn put_staff_member(
    app: Data<App>,
    caller: Allowed<may::NotificationAdmin>,
    user_id: Path<String>,
    body: Json<StaffInput>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &_| put_staff::run(&app, tx, &ctx, &user_id.0, body.0).await;
    let view = write(&app.db, work).await?;
    Ok(ok_versioned(view.version, &view))
}
