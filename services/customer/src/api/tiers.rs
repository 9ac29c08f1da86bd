//! `/api/v1/tiers`: of the caller's enterprise.

use actix_web::{get, put, web::Data};
use http::{Allowed, IfMatch, Json, Path, may, ok, ok_versioned};
use store::Tx;

use super::page::TierList;
use crate::app::{
    App,
    tiers::{self, TierDefinition, TierView},
};

/// Lists the tiers (客户分层) of the enterprise, highest first.
#[utoipa::path(tag = "tiers", security(("bearer" = ["customer:read"])),
    responses((status = 200, description = "All tiers.", body = TierList)))]
#[get("/api/v1/tiers")]
pub async fn list_tiers(app: Data<App>, caller: Allowed<may::CustomerRead>) -> http::Result {
    Ok(ok(&TierList { items: tiers::list(&app, &caller.context()).await? }))
}

/// Reads a tier.
#[utoipa::path(tag = "tiers", security(("bearer" = ["customer:read"])),
    params(("key" = String, Path), http::IfNoneMatchHeader),
    responses((status = 200, description = "The tier.", body = TierView)))]
#[get("/api/v1/tiers/{key}")]
pub async fn read_tier(
    app: Data<App>,
    caller: Allowed<may::CustomerRead>,
    key: Path<String>,
) -> http::Result {
    let view = tiers::read(&app, &caller.context(), &key.0).await?;
    Ok(ok_versioned(view.version, &view))
}

/// Makes a tier, or replaces it (then `If-Match` is needed). Customers in the tier hear of the new
/// standard soon after.
#[utoipa::path(tag = "tiers", security(("bearer" = ["customer:admin"])),
    params(("key" = String, Path, pattern = "^[a-z0-9_-]{1,40}$"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that is replaced.", pattern = "^\"[0-9]{1,18}\"$")),
    request_body = TierDefinition, responses(
        (status = 201, description = "A new tier.", body = TierView),
        (status = 200, description = "The replaced tier.", body = TierView)))]
#[put("/api/v1/tiers/{key}")]
pub async fn put_tier(
    app: Data<App>,
    caller: Allowed<may::CustomerAdmin>,
    key: Path<String>,
    version: Result<IfMatch, http::Error>,
    input: Json<TierDefinition>,
) -> http::Result {
    let ctx = caller.context();
    let version = version.map(|v| v.0).map_err(|e| e.0);
    let work = async |tx: &Tx| tiers::put(&app, tx, &ctx, (&key.0, version), input.0).await;
    let (view, new) = http::write(&app.db, work).await?;
    if !new {
        return Ok(ok_versioned(view.version, &view));
    }
    let location = format!("/api/v1/tiers/{}", view.key);
    let created = http::Created { location, version: Some(view.version), body: view };
    http::Upserted::New(created).into_response()
}
