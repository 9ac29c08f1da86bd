//! `/api/v1/notices`.

use actix_web::{get, post, web::Data};
use http::{Allowed, Path, Query, may, ok, write};
use uuid::Uuid;

use super::page::NoticePage;
use crate::{
    App,
    app::{
        notices::{self, NoticeDetail, NoticeQuery},
        retry,
    },
};

/// Notices of the caller's subtree, the newest first.
#[utoipa::path(tag = "notices", security(("bearer" = ["notification:read"])), params(NoticeQuery),
    responses((status = 200, description = "One page.", body = NoticePage)))]
#[get("/api/v1/notices")]
pub async fn list_notices(
    app: Data<App>,
    caller: Allowed<may::NotificationRead>,
    query: Query<NoticeQuery>,
) -> http::Result {
    Ok(ok(&notices::list(&app, &caller.context(), query.0).await?))
}

/// A notice with its attempts.
#[utoipa::path(tag = "notices", security(("bearer" = ["notification:read"])),
    params(("id" = Uuid, Path, description = "Its id.")),
    responses((status = 200, description = "The notice.", body = NoticeDetail)))]
#[get("/api/v1/notices/{id}")]
pub async fn get_notice(
    app: Data<App>,
    caller: Allowed<may::NotificationRead>,
    id: Path<Uuid>,
) -> http::Result {
    Ok(ok(&notices::one(&app, &caller.context(), id.0).await?))
}

/// Sends a notice again that failed or was suppressed.
#[utoipa::path(tag = "notices", security(("bearer" = ["notification:admin"])),
    params(("id" = Uuid, Path, description = "Its id.")),
    responses((status = 200, description = "The notice, on its way again.", body = NoticeDetail)))]
#[post("/api/v1/notices/{id}/retry")]
pub async fn retry_notice(
    app: Data<App>,
    caller: Allowed<may::NotificationAdmin>,
    id: Path<Uuid>,
) -> http::Result {
    let ctx = caller.context();
    write(&app.db, async |tx| retry::run(&app, tx, &ctx, id.0).await).await?;
    Ok(ok(&notices::one(&app, &ctx, id.0).await?))
}
