//! `/api/v1/templates`.

use actix_web::{get, post, put, web::Data};
use http::{Allowed, IfMatch, IfMatchHeader, Json, Path, Query, may, ok, ok_versioned, write};

use crate::{
    App,
    app::{
        preview::{self, Preview, PreviewInput},
        put_template::{self, TemplateInput},
        templates::{self, TemplateList, TemplateQuery, TemplateView},
    },
};

/// The texts that count for the caller's unit, built in or its own.
#[utoipa::path(tag = "templates", security(("bearer" = ["notification:read"])), params(TemplateQuery),
    responses((status = 200, description = "All of them.", body = TemplateList)))]
#[get("/api/v1/templates")]
pub async fn list_templates(
    app: Data<App>,
    caller: Allowed<may::NotificationRead>,
    query: Query<TemplateQuery>,
) -> http::Result {
    Ok(ok(&templates::list(&app, &caller.context(), query.0).await?))
}

/// One text.
#[utoipa::path(tag = "templates", security(("bearer" = ["notification:read"])),
    params(("key" = String, Path, description = "Key of its workflow."),
        ("channel" = String, Path, description = "`email` or `inbox`."),
        ("locale" = String, Path, description = "`zh-CN` or `en`.")),
    responses((status = 200, description = "The text.", body = TemplateView)))]
#[get("/api/v1/templates/{key}/{channel}/{locale}")]
pub async fn get_template(
    app: Data<App>,
    caller: Allowed<may::NotificationRead>,
    path: Path<(String, String, String)>,
) -> http::Result {
    let (key, channel, locale) = path.0;
    let slot = templates::slot(&key, &channel, &locale)?;
    let view = templates::one(&app, &caller.context(), &key, slot).await?;
    Ok(ok_versioned(view.own_version, &view))
}

/// Writes the caller's unit's own text: a new version, live at once.
#[utoipa::path(tag = "templates", security(("bearer" = ["notification:admin"])),
    params(("key" = String, Path, description = "Key of its workflow."),
        ("channel" = String, Path, description = "`email` or `inbox`."),
        ("locale" = String, Path, description = "`zh-CN` or `en`."), IfMatchHeader),
    request_body = TemplateInput,
    responses((status = 200, description = "The text.", body = TemplateView)))]
#[put("/api/v1/templates/{key}/{channel}/{locale}")]
pub async fn put_template_version(
    app: Data<App>,
    caller: Allowed<may::NotificationAdmin>,
    path: Path<(String, String, String)>,
    version: IfMatch,
    body: Json<TemplateInput>,
) -> http::Result {
    let ctx = caller.context();
    let (key, channel, locale) = path.0;
    let (channel, locale) = templates::slot(&key, &channel, &locale)?;
    let slot = (key.as_str(), channel, locale);
    let work = async |tx: &_| put_template::run(&app, tx, &ctx, slot, version.0, body.0).await;
    let view = write(&app.db, work).await?;
    Ok(ok_versioned(view.own_version, &view))
}

/// How a text comes out with sample data; sends nothing.
#[utoipa::path(tag = "templates", security(("bearer" = ["notification:read"])),
    params(("key" = String, Path, description = "Key of its workflow.")), request_body = PreviewInput,
    responses((status = 200, description = "The finished text.", body = Preview)))]
#[post("/api/v1/templates/{key}/preview")]
pub async fn preview_template(
    app: Data<App>,
    caller: Allowed<may::NotificationRead>,
    key: Path<String>,
    body: Json<PreviewInput>,
) -> http::Result {
    Ok(ok(&preview::run(&app, &caller.context(), &key.0, body.0).await?))
}
