//! `/api/v1/webhook-endpoints`.

use ::store::Tx;
use actix_web::{delete, get, post, put, web::Data};
use http::{
    Allowed, Created, IdempotencyHeader, IdempotencyKey, Idempotent, IfMatch, IfMatchHeader, Json,
    Path, Query, may, no_content, ok, ok_versioned, write,
};
use uuid::Uuid;

use super::page::{AttemptPage, EndpointPage};
use crate::{
    App,
    app::{
        endpoints::{self, EndpointInput, EndpointQuery, EndpointView, NewEndpoint},
        notices::NoticeView,
        replay::{self, AttemptQuery, ReplayInput, Replayed},
        test_event,
    },
};

fn location(id: Uuid) -> String {
    format!("/api/v1/webhook-endpoints/{id}")
}

/// Endpoints of the caller's subtree; a client sees only its own.
#[utoipa::path(tag = "webhooks", security(("bearer" = ["webhook:manage"])), params(EndpointQuery),
    responses((status = 200, description = "One page.", body = EndpointPage)))]
#[get("/api/v1/webhook-endpoints")]
pub async fn list_endpoints(
    app: Data<App>,
    caller: Allowed<may::WebhookManage>,
    query: Query<EndpointQuery>,
) -> http::Result {
    Ok(ok(&endpoints::list(&app, &caller.context(), query.0).await?))
}

/// Makes an endpoint. The answer is the only one that tells its secret.
#[utoipa::path(tag = "webhooks", security(("bearer" = ["webhook:manage"])), params(IdempotencyHeader),
    request_body = NewEndpoint,
    responses((status = 201, description = "The endpoint with its secret.", body = EndpointView)))]
#[post("/api/v1/webhook-endpoints")]
pub async fn create_endpoint(
    app: Data<App>,
    caller: Allowed<may::WebhookManage>,
    input: Idempotent<NewEndpoint>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx, body| {
        let body = endpoints::create(&app, tx, &ctx, body).await?;
        Ok(Created { location: location(body.id), version: Some(body.version), body })
    };
    input.create(&app.db, &ctx, work).await
}

/// One endpoint, without its secret.
#[utoipa::path(tag = "webhooks", security(("bearer" = ["webhook:manage"])),
    params(("id" = Uuid, Path, description = "Its id.")),
    responses((status = 200, description = "The endpoint.", body = EndpointView)))]
#[get("/api/v1/webhook-endpoints/{id}")]
pub async fn get_endpoint(
    app: Data<App>,
    caller: Allowed<may::WebhookManage>,
    id: Path<Uuid>,
) -> http::Result {
    let view = endpoints::one(&app, &caller.context(), id.0).await?;
    Ok(ok_versioned(view.version, &view))
}

/// Replaces what can be changed of an endpoint; `active` also ends a run of failures.
#[utoipa::path(tag = "webhooks", security(("bearer" = ["webhook:manage"])),
    params(("id" = Uuid, Path, description = "Its id."), IfMatchHeader), request_body = EndpointInput,
    responses((status = 200, description = "The endpoint.", body = EndpointView)))]
#[put("/api/v1/webhook-endpoints/{id}")]
pub async fn put_endpoint(
    app: Data<App>,
    caller: Allowed<may::WebhookManage>,
    id: Path<Uuid>,
    version: IfMatch,
    body: Json<EndpointInput>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx| endpoints::update(&app, tx, &ctx, id.0, version.0, body.0).await;
    let view = write(&app.db, work).await?;
    Ok(ok_versioned(view.version, &view))
}

/// Deletes an endpoint; what waits for it is not sent any more.
#[utoipa::path(tag = "webhooks", security(("bearer" = ["webhook:manage"])),
    params(("id" = Uuid, Path, description = "Its id."), IfMatchHeader),
    responses((status = 204, description = "It is deleted.")))]
#[delete("/api/v1/webhook-endpoints/{id}")]
pub async fn delete_endpoint(
    app: Data<App>,
    caller: Allowed<may::WebhookManage>,
    id: Path<Uuid>,
    version: IfMatch,
) -> http::Result {
    let ctx = caller.context();
    write(&app.db, async |tx| endpoints::delete(&app, tx, &ctx, id.0, version.0).await).await?;
    Ok(no_content())
}

/// Makes a new secret; the old one signs as well for the time of grace.
#[utoipa::path(tag = "webhooks", security(("bearer" = ["webhook:manage"])),
    params(("id" = Uuid, Path, description = "Its id."), IdempotencyHeader),
    responses((status = 201, description = "The endpoint with its new secret.", body = EndpointView),
        (status = 422, description = "The `Idempotency-Key` was used otherwise.")))]
#[post("/api/v1/webhook-endpoints/{id}/rotate")]
pub async fn rotate_secret(
    app: Data<App>,
    caller: Allowed<may::WebhookManage>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx| {
        let body = endpoints::rotate(&app, tx, &ctx, id.0).await?;
        Ok(Created { location: location(id.0), version: Some(body.version), body })
    };
    key.create(&app.db, &ctx, b"", work).await
}

/// Sends the endpoint an event of type `kefu.webhook.test.v1`.
#[utoipa::path(tag = "webhooks", security(("bearer" = ["webhook:manage"])),
    params(("id" = Uuid, Path, description = "Its id."), IdempotencyHeader),
    responses((status = 201, description = "The notice, on its way.", body = NoticeView),
        (status = 422, description = "The `Idempotency-Key` was used otherwise.")))]
#[post("/api/v1/webhook-endpoints/{id}/test")]
pub async fn send_test_event(
    app: Data<App>,
    caller: Allowed<may::WebhookManage>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx| {
        let body = test_event::run(&app, tx, &ctx, id.0).await?;
        let location = format!("/api/v1/notices/{}", body.id);
        Ok(Created { location, version: None, body })
    };
    key.create(&app.db, &ctx, b"", work).await
}

/// Attempts to reach the endpoint, the newest first.
#[utoipa::path(tag = "webhooks", security(("bearer" = ["webhook:manage"])),
    params(("id" = Uuid, Path, description = "Its id."), AttemptQuery),
    responses((status = 200, description = "One page.", body = AttemptPage)))]
#[get("/api/v1/webhook-endpoints/{id}/attempts")]
pub async fn list_attempts(
    app: Data<App>,
    caller: Allowed<may::WebhookManage>,
    id: Path<Uuid>,
    query: Query<AttemptQuery>,
) -> http::Result {
    Ok(ok(&replay::attempts(&app, &caller.context(), id.0, query.0).await?))
}

/// Sends one message again, or all that failed; at most 1,000 at a time.
#[utoipa::path(tag = "webhooks", security(("bearer" = ["webhook:manage"])),
    params(("id" = Uuid, Path, description = "Its id.")), request_body = ReplayInput,
    responses((status = 200, description = "How many are on their way again.", body = Replayed)))]
#[post("/api/v1/webhook-endpoints/{id}/replay")]
pub async fn replay_messages(
    app: Data<App>,
    caller: Allowed<may::WebhookManage>,
    id: Path<Uuid>,
    body: Json<ReplayInput>,
) -> http::Result {
    let ctx = caller.context();
    Ok(ok(&write(&app.db, async |tx| replay::run(&app, tx, &ctx, id.0, body.0).await).await?))
}
