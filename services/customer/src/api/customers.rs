//! `/api/v1/customers`.

use actix_web::{get, patch, post, put, web::Data};
use http::{
    Allowed, Created, Done, IdempotencyHeader, Idempotent, IfMatch, IfMatchHeader, Json, Path,
    Query, Upserted, may, ok, ok_versioned, write,
};
use kernel::{Context, Problem};
use serde::Deserialize;
use store::Tx;
use utoipa::IntoParams;
use uuid::Uuid;

use super::page::{AssignmentList, CustomerPage, PiiAccessList, TimelinePage};
use crate::{
    app::{
        App, amend,
        assign::{self, AccountManagerInput, TierInput},
        create::{self, NewCustomer},
        input::{CustomerInput, CustomerPatch},
        intake::{Outcome, Taken},
        list::{self, CustomerQuery},
        read,
        timeline::{self, TimelineQuery},
        view::{self, CustomerView, SourcesView},
    },
    store::entities::customer,
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RevealQuery {
    /// `true`: personal data unmasked; needs `pii:read` and is written down.
    pub reveal: Option<bool>,
    /// Why; goes into the access log.
    #[param(min_length = 1, max_length = 200)]
    pub purpose: Option<String>,
}

/// What a creation answers: the new customer, or the one who was known already.
async fn answer(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    taken: Taken,
) -> Result<Upserted<CustomerView>, Problem> {
    let shown = view::customer(app, tx, &ctx.actor.org, &taken.customer, false).await?;
    let mut body = shown.seen_by(&ctx.actor);
    let version = Some(body.version);
    let location = format!("/api/v1/customers/{}", body.id);
    body.matched_on = match taken.outcome {
        Outcome::Created => return Ok(Upserted::New(Created { location, version, body })),
        Outcome::Matched(kind) => Some(kind.as_str().to_owned()),
        Outcome::Updated | Outcome::Unchanged => Some("source_key".to_owned()),
    };
    Ok(Upserted::Known(Done { version, body }))
}

async fn changed(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    row: customer::Model,
) -> Result<Done<CustomerView>, Problem> {
    let shown = view::customer(app, tx, &ctx.actor.org, &row, false).await?;
    let body = shown.seen_by(&ctx.actor);
    Ok(Done { version: Some(body.version), body })
}

/// Creates a customer, or finds one whom the caller sees and who is surely the same: by an identity
/// card, a credit code or a member number; by telephone or e-mail only with a compatible name or a
/// second identifier. Otherwise who shares an identifier is a suspected duplicate.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:write"])), params(IdempotencyHeader),
    request_body = NewCustomer, responses(
        (status = 201, description = "A new customer.", body = CustomerView),
        (status = 200, description = "A known customer, who has the record as a further source; `matched_on` says by what he was found.", body = CustomerView)))]
#[post("/api/v1/customers")]
pub async fn create_customer(
    app: Data<App>,
    caller: Allowed<may::CustomerWrite>,
    input: Idempotent<NewCustomer>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx, body| {
        answer(&app, tx, &ctx, create::run(&app, tx, &ctx, body).await?).await
    };
    input.upsert(&app.db, &ctx, work).await
}

/// Creates or updates the customer whom a source knows under a key; the whole record as it is
/// there. Sent again, it changes nothing.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:write"])),
    params(("source" = String, Path, description = "Name of the source system.", pattern = "^[a-z0-9_.-]{1,40}$"),
        ("key" = String, Path, description = "Key of the record there.", min_length = 1, max_length = 200)),
    request_body = CustomerInput, responses(
        (status = 201, description = "A new customer.", body = CustomerView),
        (status = 200, description = "A known customer; `matched_on` says by what he was found.", body = CustomerView)))]
#[put("/api/v1/customers/by-source/{source}/{key}")]
pub async fn upsert_customer(
    app: Data<App>,
    caller: Allowed<may::CustomerWrite>,
    path: Path<(String, String)>,
    input: Json<CustomerInput>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx| {
        let taken = create::upsert(&app, tx, &ctx, path.0, input.0).await?;
        answer(&app, tx, &ctx, taken).await
    };
    write(&app.db, work).await?.into_response()
}

/// Lists and searches customers, newest first; personal data is masked.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:read"])), params(CustomerQuery),
    responses((status = 200, description = "One page.", body = CustomerPage)))]
#[get("/api/v1/customers")]
pub async fn list_customers(
    app: Data<App>,
    caller: Allowed<may::CustomerRead>,
    query: Query<CustomerQuery>,
) -> http::Result {
    Ok(ok(&list::run(&app, &caller.context(), query.0).await?))
}

/// Reads a customer; a former id (before a merge) resolves for ever.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:read"])),
    params(("id" = Uuid, Path), RevealQuery),
    responses((status = 200, description = "The customer.", body = CustomerView)))]
#[get("/api/v1/customers/{id}")]
pub async fn read_customer(
    app: Data<App>,
    caller: Allowed<may::CustomerRead>,
    id: Path<Uuid>,
    query: Query<RevealQuery>,
) -> http::Result {
    let view = shown(&app, &caller.context(), id.0, &query.0).await?;
    Ok(ok_versioned(view.version, &view))
}

async fn shown(
    app: &App,
    ctx: &Context,
    id: Uuid,
    query: &RevealQuery,
) -> http::Result<CustomerView> {
    if query.reveal != Some(true) {
        return Ok(read::masked(app, ctx, id).await?);
    }
    write(&app.db, async |tx| read::revealed(app, tx, ctx, id, query.purpose.as_deref()).await)
        .await
}

/// Changes a customer by hand.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:write"])),
    params(("id" = Uuid, Path), IfMatchHeader), request_body = CustomerPatch,
    responses((status = 200, description = "The changed customer.", body = CustomerView)))]
#[patch("/api/v1/customers/{id}")]
pub async fn change_customer(
    app: Data<App>,
    caller: Allowed<may::CustomerWrite>,
    id: Path<Uuid>,
    version: IfMatch,
    input: Json<CustomerPatch>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx| {
        let row = amend::run(&app, tx, &ctx, (id.0, version.0), input.0).await?;
        changed(&app, tx, &ctx, row).await
    };
    let done = write(&app.db, work).await?;
    Ok(ok_versioned(done.body.version, &done.body))
}

/// Where a customer's data comes from, and why each field is what it is; masked.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:read"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "Source records and winners.", body = SourcesView)))]
#[get("/api/v1/customers/{id}/sources")]
pub async fn list_customer_sources(
    app: Data<App>,
    caller: Allowed<may::CustomerRead>,
    id: Path<Uuid>,
) -> http::Result {
    Ok(ok(&read::sources(&app, &caller.context(), id.0).await?))
}

/// Who saw a customer's personal data unmasked: the last 200 times.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:admin"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "Newest first.", body = PiiAccessList)))]
#[get("/api/v1/customers/{id}/pii-accesses")]
pub async fn list_pii_accesses(
    app: Data<App>,
    caller: Allowed<may::CustomerAdmin>,
    id: Path<Uuid>,
) -> http::Result {
    Ok(ok(&PiiAccessList { items: read::accesses(&app, &caller.context(), id.0).await? }))
}

/// History of tier and account manager: the last 200 assignments.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:read"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "Newest first.", body = AssignmentList)))]
#[get("/api/v1/customers/{id}/assignments")]
pub async fn list_assignments(
    app: Data<App>,
    caller: Allowed<may::CustomerRead>,
    id: Path<Uuid>,
) -> http::Result {
    Ok(ok(&AssignmentList { items: assign::list(&app, &caller.context(), id.0).await? }))
}

/// Puts a customer into a tier (客户分层), or takes the tier away.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:admin"])),
    params(("id" = Uuid, Path), IfMatchHeader), request_body = TierInput,
    responses((status = 200, description = "The customer.", body = CustomerView)))]
#[put("/api/v1/customers/{id}/tier")]
pub async fn assign_tier(
    app: Data<App>,
    caller: Allowed<may::CustomerAdmin>,
    id: Path<Uuid>,
    version: IfMatch,
    input: Json<TierInput>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx| {
        let row = assign::put_tier(&app, tx, &ctx, (id.0, version.0), input.0).await?;
        changed(&app, tx, &ctx, row).await
    };
    let done = write(&app.db, work).await?;
    Ok(ok_versioned(done.body.version, &done.body))
}

/// Gives a customer an account manager (客户经理), or takes him away.
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:admin"])),
    params(("id" = Uuid, Path), IfMatchHeader), request_body = AccountManagerInput,
    responses((status = 200, description = "The customer.", body = CustomerView)))]
#[put("/api/v1/customers/{id}/account-manager")]
pub async fn assign_account_manager(
    app: Data<App>,
    caller: Allowed<may::CustomerAdmin>,
    id: Path<Uuid>,
    version: IfMatch,
    input: Json<AccountManagerInput>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx| {
        let row = assign::put_account_manager(&app, tx, &ctx, (id.0, version.0), input.0).await?;
        changed(&app, tx, &ctx, row).await
    };
    let done = write(&app.db, work).await?;
    Ok(ok_versioned(done.body.version, &done.body))
}

/// Everything that happened to a customer (360° timeline).
#[utoipa::path(tag = "customers", security(("bearer" = ["customer:read"])),
    params(("id" = Uuid, Path), TimelineQuery),
    responses((status = 200, description = "One page.", body = TimelinePage)))]
#[get("/api/v1/customers/{id}/timeline")]
pub async fn read_timeline(
    app: Data<App>,
    caller: Allowed<may::CustomerRead>,
    id: Path<Uuid>,
    query: Query<TimelineQuery>,
) -> http::Result {
    Ok(ok(&timeline::read(&app, &caller.context(), caller.locale(), id.0, query.0).await?))
}
