//! `/api/v1/sender`.

use actix_web::{delete, get, put, web::Data};
use http::{Allowed, IfMatch, IfMatchHeader, Json, may, no_content, ok_versioned, write};

use crate::{
    App,
    app::sender::{self, SenderView},
    domain::sender::Sender,
};

/// Company, telephone, hours and time zone of the mails of the caller's unit: the nearest unit's.
#[utoipa::path(tag = "templates", security(("bearer" = ["notification:read"])),
    responses((status = 200, description = "The block.", body = SenderView)))]
#[get("/api/v1/sender")]
pub async fn get_sender(app: Data<App>, caller: Allowed<may::NotificationRead>) -> http::Result {
    let view = sender::one(&app, &caller.context()).await?;
    Ok(ok_versioned(view.own_version, &view))
}

/// Writes the block for the caller's unit and everything below it that has none of its own.
#[utoipa::path(tag = "templates", security(("bearer" = ["notification:admin"])), params(IfMatchHeader),
    request_body = Sender,
    responses((status = 200, description = "The block.", body = SenderView)))]
#[put("/api/v1/sender")]
pub async fn put_sender(
    app: Data<App>,
    caller: Allowed<may::NotificationAdmin>,
    version: IfMatch,
    body: Json<Sender>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &_| sender::put(&app, tx, &ctx, version.0, body.0).await;
    let view = write(&app.db, work).await?;
    Ok(ok_versioned(view.own_version, &view))
}

/// Takes the own unit's block away; the unit above counts again.
#[utoipa::path(tag = "templates", security(("bearer" = ["notification:admin"])), params(IfMatchHeader),
    responses((status = 204, description = "It is gone."),
        (status = 404, description = "The unit has no block of its own.")))]
#[delete("/api/v1/sender")]
pub async fn delete_sender(
    app: Data<App>,
    caller: Allowed<may::NotificationAdmin>,
    version: IfMatch,
) -> http::Result {
    let ctx = caller.context();
    write(&app.db, async |tx| sender::delete(tx, &ctx, version.0).await).await?;
    Ok(no_content())
}
