//! `/api/v1/responses`: what was answered.

use std::collections::BTreeMap;

use actix_web::{get, web::Data};
use chrono::{DateTime, Utc};
use http::{Allowed, Path, Query, may};
use kernel::{Actor, Page, Permission, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{PageOf, page_query};
use crate::{
    App,
    domain::mask::mask,
    store::{
        entities::{answer, response},
        responses,
    },
};

/// The ticket that was opened because of a bad answer, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUp {
    ticket_id: Uuid,
    ticket_number: Option<String>,
    /// `open`, `resolved`, `closed`.
    state: Option<String>,
    since: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ResponseSummary {
    id: Uuid,
    org: String,
    survey_id: Uuid,
    survey_version: i32,
    invitation_id: Uuid,
    /// `complete` or `partial`.
    state: String,
    ticket_id: Option<Uuid>,
    customer_id: Option<Uuid>,
    /// Withheld from whoever inspects blind.
    handler: Option<String>,
    kind: Option<String>,
    tier: Option<String>,
    locale: String,
    /// 1 to 5.
    csat: Option<i32>,
    /// 0 to 10.
    nps: Option<i32>,
    settled: Option<bool>,
    /// Numbers and addresses in it are masked for callers without `pii:read`.
    comment: Option<String>,
    /// At or below the trigger's low score.
    low: bool,
    follow_up: Option<FollowUp>,
    answered_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ResponseView {
    #[serde(flatten)]
    summary: ResponseSummary,
    /// Answers by question name; free text is masked like `comment`.
    #[schema(value_type = Object)]
    answers: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[param(max_length = 1000, nullable = false)]
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 200, nullable = false)]
    limit: Option<u32>,
    #[param(nullable = false)]
    total: Option<bool>,
    #[param(nullable = false)]
    survey_id: Option<Uuid>,
    #[param(nullable = false)]
    ticket_id: Option<Uuid>,
    /// Only bad answers, or only others.
    #[param(nullable = false)]
    low: Option<bool>,
    /// Answered at this instant or later.
    #[param(nullable = false)]
    from: Option<DateTime<Utc>>,
    /// Answered before this instant.
    #[param(nullable = false)]
    to: Option<DateTime<Utc>>,
}

/// How the caller may see free text and staff.
struct Sight<'a> {
    app: &'a App,
    actor: &'a Actor,
    unmasked: bool,
}

impl Sight<'_> {
    fn text(&self, text: &str) -> String {
        if self.unmasked { text.to_owned() } else { mask(text) }
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|v| self.value(v)).collect(),
            Value::Object(members) => {
                members.into_iter().map(|(k, v)| (k, self.value(v))).collect()
            }
            other => other,
        }
    }

    fn answer(&self, row: answer::Model) -> Result<(String, Value), Problem> {
        if !row.sealed {
            return Ok((row.name, serde_json::from_str(&row.value)?));
        }
        let value = serde_json::from_str(&self.app.pii.open(&row.value)?)?;
        Ok((row.name, self.value(value)))
    }

    fn summary(&self, row: response::Model) -> Result<ResponseSummary, Problem> {
        let comment = row.comment.as_deref().map(|sealed| self.app.pii.open(sealed)).transpose()?;
        let (number, state, since) = (row.follow_up_number, row.follow_up_state, row.follow_up_at);
        Ok(ResponseSummary {
            id: row.id,
            org: row.org,
            survey_id: row.survey_id,
            survey_version: row.survey_version,
            invitation_id: row.invitation_id,
            state: row.state,
            ticket_id: row.ticket_id,
            customer_id: row.customer_id,
            handler: self.actor.may_know(row.handler),
            kind: row.kind,
            tier: row.tier,
            locale: row.locale,
            csat: row.csat,
            nps: row.nps,
            settled: row.settled,
            comment: comment.map(|text| self.text(&text)),
            low: row.low,
            follow_up: row.follow_up_id.map(|ticket_id| FollowUp {
                ticket_id,
                ticket_number: number,
                state,
                since,
            }),
            answered_at: row.answered_at,
        })
    }
}

fn sight<'a>(app: &'a App, caller: &'a Allowed<may::SurveyRead>, what: &str) -> Sight<'a> {
    let unmasked = caller.can(Permission::PiiRead);
    if unmasked {
        tracing::info!(target: "audit", actor = %caller.actor().id, what, "personal data read unmasked");
    }
    Sight { app, actor: caller.actor(), unmasked }
}

/// Responses, newest first.
#[utoipa::path(tag = "responses", security(("bearer" = ["survey:read"])), params(ListQuery), responses((status = 200, description = "a page", body = PageOf<ResponseSummary>)))]
#[get("/api/v1/responses")]
pub async fn list_responses(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    query: Query<ListQuery>,
) -> http::Result {
    let ListQuery { cursor, limit, total, survey_id, ticket_id, low, from, to } = query.0;
    let page = page_query(cursor, limit, total);
    let filter = responses::Filter { survey_id, ticket_id, low, from, to };
    let (rows, total) = responses::list(&app.db, caller.org(), &filter, &page).await?;
    let sight = sight(&app, &caller, "survey responses");
    let page = Page::of(
        rows,
        page.limit()?,
        &format!("responses {filter:?}"),
        |r| r.id,
        |r| sight.summary(r),
    );
    let items = page.items.into_iter().collect::<Result<_, _>>()?;
    Ok(http::ok(&PageOf::of(Page { items, next_cursor: page.next_cursor, total: None }, total)))
}

/// A response with all its answers.
#[utoipa::path(tag = "responses", security(("bearer" = ["survey:read"])), params(("id" = Uuid, Path)), responses((status = 200, description = "the response", body = ResponseView)))]
#[get("/api/v1/responses/{id}")]
pub async fn get_response(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    id: Path<Uuid>,
) -> http::Result {
    let row = responses::get(&app.db, caller.org(), id.0).await?;
    let sight = sight(&app, &caller, "survey response");
    let rows = responses::answers(&app.db, row.id).await?;
    let answers = rows.into_iter().map(|a| sight.answer(a)).collect::<Result<_, _>>()?;
    Ok(http::ok(&ResponseView { summary: sight.summary(row)?, answers }))
}
