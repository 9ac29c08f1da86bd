//! `/api/v1/customers/{id}/contact-reveals`: telephone and e-mail for a ticket.

use actix_web::{post, web::Data};
use http::{Allowed, Json, Path, may, ok, write};
use uuid::Uuid;

use crate::app::{
    App,
    reach::{self, ReachInput, ReachView},
};

/// Telephone and e-mail of the customer of a ticket on which the caller works (handler, first
/// responder, or head of a department with an open task), while it is not finished. Every time is
/// written down with ticket and reason, hence a POST; it takes no `Idempotency-Key`, so that no
/// answer with personal data is kept. A claim made just now is waited for a moment.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:contact"])), params(("id" = Uuid, Path)),
    request_body = ReachInput,
    responses((status = 200, description = "How the customer is reached.", body = ReachView)))]
#[post("/api/v1/customers/{id}/contact-reveals")]
pub async fn reveal_reach(
    app: Data<App>,
    caller: Allowed<may::CustomerContact>,
    id: Path<Uuid>,
    input: Json<ReachInput>,
) -> http::Result {
    let ctx = caller.context();
    reach::wait(&app, &ctx, id.0, &input.0).await?;
    let shown = write(&app.db, async |tx| reach::run(&app, tx, &ctx, id.0, input.0).await).await?;
    Ok(ok(&shown))
}
