//! REST interface: three-line handlers over the use cases.

mod evaluations;
mod inspections;
mod plans;
mod rectifications;
mod reports;
mod scorecards;
mod views;

use kernel::Page;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every handler.
pub fn routes(config: &mut ServiceConfig) {
    scorecards::routes(config);
    plans::routes(config);
    inspections::routes(config);
    evaluations::routes(config);
    rectifications::routes(config);
    reports::routes(config);
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
struct PageOf<T> {
    items: Vec<T>,
    /// Give it back as `cursor` to read on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
    /// Only on request (`total=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<u64>,
}

impl<T> PageOf<T> {
    /// The page with its rows as the caller may see them.
    fn of<M>(
        page: Page<M>,
        view: impl FnMut(M) -> Result<T, kernel::Problem>,
    ) -> Result<Self, kernel::Problem> {
        let items = page.items.into_iter().map(view).collect::<Result<_, _>>()?;
        Ok(Self { items, next_cursor: page.next_cursor, total: page.total })
    }
}

/// Bounds of a word in a query.
fn bounded(pointer: &str, value: Option<&str>) -> Result<(), kernel::Problem> {
    let fits = value.is_none_or(|v| v.chars().count() <= kernel::limits::NAME);
    if fits {
        return Ok(());
    }
    let detail = kernel::messages::too_long(kernel::limits::NAME);
    Err(kernel::Problem::of(&kernel::codes::INVALID_QUERY).field(pointer, "too-long", detail))
}
