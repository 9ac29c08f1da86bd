//! `/api/v1/suspected-duplicates`.

use actix_web::{get, post, web::Data};
use http::{Allowed, IfMatch, IfMatchHeader, Json, Path, Query, may, ok, ok_versioned, write};
use store::Tx;
use uuid::Uuid;

use super::page::SuspicionPage;
use crate::app::{
    App,
    suspicions::{self, DecisionInput, SuspicionQuery, SuspicionView},
};

/// Lists customers who may be one, newest first: those of whom one is the caller's. Personal data
/// is masked; of another unit's customer there is only what helps to recognise them.
#[utoipa::path(tag = "suspected-duplicates", security(("bearer" = ["customer:steward"])), params(SuspicionQuery),
    responses((status = 200, description = "One page.", body = SuspicionPage)))]
#[get("/api/v1/suspected-duplicates")]
pub async fn list_suspected_duplicates(
    app: Data<App>,
    caller: Allowed<may::CustomerSteward>,
    query: Query<SuspicionQuery>,
) -> http::Result {
    Ok(ok(&suspicions::list(&app, &caller.context(), query.0).await?))
}

/// Reads a suspected duplicate.
#[utoipa::path(tag = "suspected-duplicates", security(("bearer" = ["customer:steward"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The suspected duplicate.", body = SuspicionView)))]
#[get("/api/v1/suspected-duplicates/{id}")]
pub async fn read_suspected_duplicate(
    app: Data<App>,
    caller: Allowed<may::CustomerSteward>,
    id: Path<Uuid>,
) -> http::Result {
    let view = suspicions::read(&app, &caller.context(), id.0).await?;
    Ok(ok_versioned(view.version, &view))
}

/// Says whether the two are one. `same`: the newcomer's records become the known customer's, and
/// the newcomer's id resolves to them; where the caller sees only the known customer, somebody who
/// sees the newcomer has to say so too. `different` holds for ever.
#[utoipa::path(tag = "suspected-duplicates", security(("bearer" = ["customer:steward"])),
    params(("id" = Uuid, Path), IfMatchHeader), request_body = DecisionInput,
    responses((status = 200, description = "The suspected duplicate.", body = SuspicionView)))]
#[post("/api/v1/suspected-duplicates/{id}/decision")]
pub async fn decide_suspected_duplicate(
    app: Data<App>,
    caller: Allowed<may::CustomerSteward>,
    id: Path<Uuid>,
    version: IfMatch,
    input: Json<DecisionInput>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx| suspicions::decide(&app, tx, &ctx, (id.0, version.0), input.0).await;
    let view = write(&app.db, work).await?;
    Ok(ok_versioned(view.version, &view))
}
