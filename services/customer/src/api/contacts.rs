//! `/api/v1/customers/{id}/contacts`.

use actix_web::{delete, get, post, put, web::Data};
use http::{
    Allowed, Created, IdempotencyHeader, Idempotent, IfMatch, IfMatchHeader, Json, Path, Query,
    may, no_content, ok, ok_versioned, write,
};
use store::Tx;
use uuid::Uuid;

use super::{customers::RevealQuery, page::ContactList};
use crate::app::{
    App,
    contacts::{self, ContactInput, ContactView},
    read,
};

/// Adds a contact person to an organisation.
#[utoipa::path(tag = "contacts", security(("bearer" = ["customer:write"])),
    params(("id" = Uuid, Path), IdempotencyHeader), request_body = ContactInput,
    responses((status = 201, description = "The contact.", body = ContactView)))]
#[post("/api/v1/customers/{id}/contacts")]
pub async fn create_contact(
    app: Data<App>,
    caller: Allowed<may::CustomerWrite>,
    id: Path<Uuid>,
    input: Idempotent<ContactInput>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx, body| {
        let body = contacts::create(&app, tx, &ctx, id.0, body).await?;
        let location = format!("/api/v1/customers/{}/contacts/{}", body.customer_id, body.id);
        Ok(Created { location, version: Some(body.version), body })
    };
    input.create(&app.db, &ctx, work).await
}

/// Lists the contacts of a customer, oldest first; an organisation has at most 200, a person none.
#[utoipa::path(tag = "contacts", security(("bearer" = ["customer:read"])),
    params(("id" = Uuid, Path), RevealQuery),
    responses((status = 200, description = "All contacts.", body = ContactList)))]
#[get("/api/v1/customers/{id}/contacts")]
pub async fn list_contacts(
    app: Data<App>,
    caller: Allowed<may::CustomerRead>,
    id: Path<Uuid>,
    query: Query<RevealQuery>,
) -> http::Result {
    let ctx = caller.context();
    if query.0.reveal != Some(true) {
        let (_, items) = contacts::list(&app, &app.db, &ctx, id.0, false).await?;
        return Ok(ok(&ContactList { items }));
    }
    let work = async |tx: &Tx| {
        let (customer, items) = contacts::list(&app, tx, &ctx, id.0, true).await?;
        read::log_reveal(&app, tx, &ctx, customer, "contacts", query.0.purpose.as_deref()).await?;
        Ok(items)
    };
    Ok(ok(&ContactList { items: write(&app.db, work).await? }))
}

/// Reads a contact, masked.
#[utoipa::path(tag = "contacts", security(("bearer" = ["customer:read"])),
    params(("id" = Uuid, Path), ("contact_id" = Uuid, Path), http::IfNoneMatchHeader),
    responses((status = 200, description = "The contact.", body = ContactView)))]
#[get("/api/v1/customers/{id}/contacts/{contact_id}")]
pub async fn read_contact(
    app: Data<App>,
    caller: Allowed<may::CustomerRead>,
    path: Path<(Uuid, Uuid)>,
) -> http::Result {
    let (id, contact) = path.0;
    let view = contacts::read(&app, &caller.context(), id, contact).await?;
    Ok(ok_versioned(view.version, &view))
}

/// Replaces a contact.
#[utoipa::path(tag = "contacts", security(("bearer" = ["customer:write"])),
    params(("id" = Uuid, Path), ("contact_id" = Uuid, Path), IfMatchHeader),
    request_body = ContactInput,
    responses((status = 200, description = "The contact.", body = ContactView)))]
#[put("/api/v1/customers/{id}/contacts/{contact_id}")]
pub async fn replace_contact(
    app: Data<App>,
    caller: Allowed<may::CustomerWrite>,
    path: Path<(Uuid, Uuid)>,
    version: IfMatch,
    input: Json<ContactInput>,
) -> http::Result {
    let ctx = caller.context();
    let (id, contact) = path.0;
    let work =
        async |tx: &Tx| contacts::replace(&app, tx, &ctx, (id, contact, version.0), input.0).await;
    let view = write(&app.db, work).await?;
    Ok(ok_versioned(view.version, &view))
}

/// Removes a contact.
#[utoipa::path(tag = "contacts", security(("bearer" = ["customer:write"])),
    params(("id" = Uuid, Path), ("contact_id" = Uuid, Path), IfMatchHeader),
    responses((status = 204, description = "Removed.")))]
#[delete("/api/v1/customers/{id}/contacts/{contact_id}")]
pub async fn remove_contact(
    app: Data<App>,
    caller: Allowed<may::CustomerWrite>,
    path: Path<(Uuid, Uuid)>,
    version: IfMatch,
) -> http::Result {
    let ctx = caller.context();
    let (id, contact) = path.0;
    write(&app.db, async |tx| contacts::remove(tx, &ctx, (id, contact, version.0)).await).await?;
    Ok(no_content())
}
