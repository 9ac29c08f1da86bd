//! `/api/v1/customer-imports`. An import is repeatable by its source keys; it needs no
//! Idempotency-Key.

use actix_web::{post, web::Data};
use http::{Allowed, Json, Query, Raw, may, ok};
use kernel::{Problem, codes};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    app::{
        App,
        import::{self, CsvOptions, ImportReport, ImportRequest, messages},
    },
    domain::columns,
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
    /// `COLUMN=FIELD`, e.g. `座机=phone`, for a column of another name; the field `-` has a column
    /// ignored. May be given several times.
    #[serde(default)]
    #[param(required = false, value_type = Vec<String>)]
    pub map: Vec<String>,
}

/// Encodings that a caller may name; which one it is, the file tells.
const CHARSETS: [&str; 5] = ["utf-8", "utf-16", "gb18030", "gbk", "gb2312"];

/// What the API's page says about the columns.
fn about_csv() -> String {
    let columns = columns::listed(|column| {
        let names = column.names.join("`, `");
        let needed = if column.needed { " **(needed)**" } else { "" };
        format!("| `{}`{needed} | `{names}` | {} |", column.field, column.about)
    });
    format!(
        "UTF-8 (with or without a mark), UTF-16 with its mark, and GB18030 (GBK, GB2312) are \
         recognised, `,`, `;` and tabs as separators, and any line end. The first line names the \
         columns; case, blanks, `-` and `_` play no part. Columns that are none of these are listed \
         in `ignored_columns`.\n\n\
         | field | also | what stands in it |\n|---|---|---|\n{columns}\n\n\
         What spreadsheets do to numbers (`'138…`, `138….0`, `1.3800138000E+10`) and copies to \
         e-mail addresses is undone where nothing was lost, with the remark `repaired`; what cannot \
         be used is kept and marked, with a remark."
    )
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

/// Imports a CSV file of up to 20,000 customers; tells the outcome of every row.
#[utoipa::path(tag = "imports", security(("bearer" = ["customer:admin"])), params(CsvQuery),
    description = about_csv(),
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
            .detail(messages::media_type())
            .into());
    }
    if body.charset.as_deref().is_some_and(|charset| !CHARSETS.contains(&charset)) {
        return Err(Problem::of(&codes::UNSUPPORTED_MEDIA_TYPE)
            .detail(messages::charsets(CHARSETS.join(", ")))
            .into());
    }
    let CsvQuery { source, dry_run, map } = query.0;
    let options = CsvOptions { source, dry_run: dry_run.unwrap_or_default(), map };
    Ok(ok(&import::csv(&app, &caller.context(), &options, &body.bytes).await?))
}
