//! `/api/v1/customer-imports`. An import is repeatable by its source keys; it needs no
//! Idempotency-Key.

use actix_web::{post, web::Data};
use http::{Allowed, Json, Query, Raw, may, ok};
use kernel::{Problem, codes};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::{
    App,
    import::{self, ImportReport, ImportRequest},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CsvQuery {
    /// Name of the system that the rows come from.
    #[param(min_length = 1, max_length = 40, pattern = "^[a-z0-9_.-]+$")]
    pub source: String,
    /// Tells what would happen and writes nothing.
    pub dry_run: Option<bool>,
}

/// Imports up to 1,000 customers; tells the outcome of every row.
#[utoipa::path(tag = "imports", security(("bearer" = ["customer:admin"])), request_body = ImportRequest,
    responses((status = 200, description = "What became of every row.", body = ImportReport)))]
#[post("/api/v1/customer-imports")]
pub async fn import_customers(
    app: Data<App>,
    caller: Allowed<may::CustomerAdmin>,
    input: Json<ImportRequest>,
) -> http::Result {
    Ok(ok(&import::json(&app, &caller.context(), input.0).await?))
}

/// Imports a CSV file (UTF-8; column names in Chinese or English); tells the outcome of every row.
#[utoipa::path(tag = "imports", security(("bearer" = ["customer:admin"])), params(CsvQuery),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, description = "What became of every row.", body = ImportReport)))]
#[post("/api/v1/customer-imports/csv")]
pub async fn import_csv(
    app: Data<App>,
    caller: Allowed<may::CustomerAdmin>,
    query: Query<CsvQuery>,
    body: Raw,
) -> http::Result {
    if body.media_type != "text/csv" {
        return Err(Problem::of(&codes::UNSUPPORTED_MEDIA_TYPE)
            .detail("text/csv is accepted here")
            .into());
    }
    let what = (query.0.source.as_str(), query.0.dry_run.unwrap_or_default());
    Ok(ok(&import::csv(&app, &caller.context(), what, &body.bytes).await?))
}
