//! Routes and what they take and give.

mod answers;
mod invitations;
mod pages;
mod responses;
mod results;
mod surveys;
mod triggers;

use kernel::{Page, PageQuery};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(surveys::list_templates)
        .service(surveys::post_survey)
        .service(surveys::list_surveys)
        .service(surveys::get_survey)
        .service(surveys::put_draft)
        .service(surveys::publish_survey)
        .service(surveys::list_versions)
        .service(surveys::get_version)
        .service(triggers::post_trigger)
        .service(triggers::list_triggers)
        .service(triggers::get_trigger)
        .service(triggers::put_trigger)
        .service(triggers::remove_trigger)
        .service(invitations::post_invitation)
        .service(invitations::list_invitations)
        .service(invitations::get_invitation)
        .service(invitations::post_opt_out)
        .service(invitations::get_opt_out)
        .service(invitations::delete_opt_out)
        .service(responses::list_responses)
        .service(responses::get_response)
        .service(results::get_results)
        .service(answers::get_questions)
        .service(answers::post_answer)
        .service(pages::style)
        .service(pages::script)
        .service(pages::show)
        .service(pages::submit)
        .service(pages::stop);
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageOf<T> {
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
    fn of(page: Page<T>, total: Option<u64>) -> Self {
        Self { items: page.items, next_cursor: page.next_cursor, total }
    }
}

fn page_query(cursor: Option<String>, limit: Option<u32>, total: Option<bool>) -> PageQuery {
    PageQuery { cursor, limit, total }
}
