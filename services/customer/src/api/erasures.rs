//! `/api/v1/customers/{id}/erasure`: the right to be forgotten.

use actix_web::{get, post, web::Data};
use http::{Allowed, Created, IdempotencyHeader, Idempotent, Path, may, ok};
use store::Tx;
use uuid::Uuid;

use crate::app::{
    App,
    erase::{self, ErasureView, NewErasure},
};

/// Forgets a person, in every service: name, addresses, identifiers, source records, and the words
/// of his tickets, survey answers and notices. A stub with his number stays. Cannot be undone;
/// asked for again, the other services are told once more.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:erase"])),
    params(("id" = Uuid, Path), IdempotencyHeader), request_body = NewErasure,
    responses((status = 201, description = "Proof of the erasure.", body = ErasureView)))]
#[post("/api/v1/customers/{id}/erasure")]
pub async fn erase_customer(
    app: Data<App>,
    caller: Allowed<may::CustomerErase>,
    id: Path<Uuid>,
    input: Idempotent<NewErasure>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx, body| {
        let body = erase::run(&app, tx, &ctx, id.0, body).await?;
        let location = format!("/api/v1/customers/{}/erasure", body.customer_id);
        Ok(Created { location, version: None, body })
    };
    input.create(&app.db, &ctx, work).await
}

/// Proof that a person was forgotten: when, why and by whom. 404 for one who was not.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:admin"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "Proof of the erasure.", body = ErasureView)))]
#[get("/api/v1/customers/{id}/erasure")]
pub async fn read_erasure(
    app: Data<App>,
    caller: Allowed<may::CustomerAdmin>,
    id: Path<Uuid>,
) -> http::Result {
    Ok(ok(&erase::shown(&app, &caller.context(), id.0).await?))
}
