//! `/api/v1/inbox`.

use actix_web::{get, post, web::Data};
use http::{Allowed, Path, Query, may, ok, write};

use crate::{
    App,
    app::inbox::{self, InboxItem, InboxPage, InboxQuery},
};

/// The caller's own inbox, the newest first.
#[utoipa::path(tag = "inbox", security(("bearer" = ["inbox:read"])), params(InboxQuery),
    responses((status = 200, description = "One page.", body = InboxPage)))]
#[get("/api/v1/inbox")]
pub async fn list_inbox(
    app: Data<App>,
    caller: Allowed<may::InboxRead>,
    query: Query<InboxQuery>,
) -> http::Result {
    Ok(ok(&inbox::list(&app, &caller.context(), query.0).await?))
}

/// Marks an item as read.
#[utoipa::path(tag = "inbox", security(("bearer" = ["inbox:read"])),
    params(("seq" = i64, Path, description = "Its number in the caller's inbox.")),
    responses((status = 200, description = "The item.", body = InboxItem)))]
#[post("/api/v1/inbox/{seq}/read")]
pub async fn read_item(
    app: Data<App>,
    caller: Allowed<may::InboxRead>,
    seq: Path<i64>,
) -> http::Result {
    let ctx = caller.context();
    Ok(ok(&write(&app.db, async |tx| inbox::read(&app, tx, &ctx, seq.0).await).await?))
}
