//! `/api/v1/survey-triggers`.

use actix_web::{delete, get, post, put, web::Data};
use chrono::{DateTime, Utc};
use http::{Allowed, Created, Idempotent, IfMatch, Json, Path, Query, may};
use kernel::{Page, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{PageOf, page_query};
use crate::{
    App,
    app::{change_trigger, create_trigger, defaults, delete_trigger},
    domain::trigger::{Filters, LowScore, TriggerEvent},
    store::{entities::survey_trigger, triggers},
};

/// When a survey is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTrigger {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Tickets of this unit and those below it; the caller's own unless told. Fixed once created.
    #[schema(max_length = 300, nullable = false)]
    org: Option<String>,
    survey_id: Uuid,
    event: TriggerEvent,
    #[serde(default)]
    filters: Filters,
    /// Minutes between the event and the invitation.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 43200)]
    delay_minutes: i32,
    /// Days in which a customer is not asked by the same survey again.
    #[serde(default = "cool_down")]
    #[schema(minimum = 0, maximum = 366, default = 7)]
    cool_down_days: i32,
    /// Days in which a customer is not asked by any survey again.
    #[serde(default = "cool_down")]
    #[schema(minimum = 0, maximum = 366, default = 7)]
    cool_down_across_days: i32,
    /// Which answer is bad; none is when absent.
    low_score: Option<LowScore>,
    /// Days for which the link works.
    #[serde(default = "expires")]
    #[schema(minimum = 1, maximum = 365, default = 14)]
    expires_days: i32,
    #[serde(default = "enabled")]
    #[schema(default = true)]
    enabled: bool,
}

const fn cool_down() -> i32 {
    defaults::COOL_DOWN_DAYS
}

const fn expires() -> i32 {
    defaults::EXPIRES_DAYS
}

const fn enabled() -> bool {
    true
}

impl NewTrigger {
    fn wanted(self) -> (Option<String>, create_trigger::Wanted) {
        let Self {
            name,
            org,
            survey_id,
            event,
            filters,
            delay_minutes,
            cool_down_days,
            cool_down_across_days,
            low_score,
            expires_days,
            enabled,
        } = self;
        let wanted = create_trigger::Wanted {
            name,
            survey_id,
            event,
            filters,
            delay_minutes,
            cool_down_days,
            cool_down_across_days,
            low_score,
            expires_days,
            enabled,
        };
        (org, wanted)
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TriggerView {
    id: Uuid,
    org: String,
    name: String,
    survey_id: Uuid,
    event: TriggerEvent,
    filters: Filters,
    delay_minutes: i32,
    cool_down_days: i32,
    cool_down_across_days: i32,
    low_score: Option<LowScore>,
    expires_days: i32,
    enabled: bool,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TriggerView {
    fn of(row: &survey_trigger::Model) -> Result<Self, Problem> {
        let rule = row.rule()?;
        Ok(Self {
            id: row.id,
            org: row.org.clone(),
            name: row.name.clone(),
            survey_id: row.survey_id,
            event: rule.event,
            filters: rule.filters,
            delay_minutes: row.delay_minutes,
            cool_down_days: row.cool_down_days,
            cool_down_across_days: row.cool_down_across_days,
            low_score: row.low_score(),
            expires_days: row.expires_days,
            enabled: row.enabled,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
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
}

/// Creates a trigger on a published survey.
#[utoipa::path(tag = "survey triggers", security(("bearer" = ["survey:admin"])), params(http::IdempotencyHeader), request_body = NewTrigger,
    responses((status = 201, description = "created", body = TriggerView),
        (status = 404, description = "there is no such survey")))]
#[post("/api/v1/survey-triggers")]
pub async fn post_trigger(
    app: Data<App>,
    caller: Allowed<may::SurveyAdmin>,
    input: Idempotent<NewTrigger>,
) -> http::Result {
    let ctx = caller.context();
    let create = async |tx: &store::Tx, body: NewTrigger| {
        let (org, wanted) = body.wanted();
        let row = create_trigger::run(&app, tx, &ctx, org.as_deref(), wanted).await?;
        let body = TriggerView::of(&row)?;
        Ok(Created {
            location: format!("/api/v1/survey-triggers/{}", row.id),
            version: Some(row.version),
            body,
        })
    };
    input.create(&app.db, &ctx, create).await
}

#[utoipa::path(tag = "survey triggers", security(("bearer" = ["survey:read"])), params(ListQuery), responses((status = 200, description = "a page", body = PageOf<TriggerView>)))]
#[get("/api/v1/survey-triggers")]
pub async fn list_triggers(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    query: Query<ListQuery>,
) -> http::Result {
    let page = page_query(query.0.cursor, query.0.limit, query.0.total);
    let (rows, total) = triggers::list(&app.db, caller.org(), &page).await?;
    let Page { items, next_cursor, .. } =
        Page::of(rows, page.limit()?, "survey-triggers", |r| r.id, |r| TriggerView::of(&r));
    let items = items.into_iter().collect::<Result<_, _>>()?;
    Ok(http::ok(&PageOf::of(Page { items, next_cursor, total: None }, total)))
}

#[utoipa::path(tag = "survey triggers", security(("bearer" = ["survey:read"])), params(("id" = Uuid, Path), http::IfNoneMatchHeader), responses((status = 200, description = "the trigger", body = TriggerView)))]
#[get("/api/v1/survey-triggers/{id}")]
pub async fn get_trigger(
    app: Data<App>,
    caller: Allowed<may::SurveyRead>,
    id: Path<Uuid>,
) -> http::Result {
    let row = triggers::get(&app.db, caller.org(), id.0).await?;
    Ok(http::ok_versioned(row.version, &TriggerView::of(&row)?))
}

/// Replaces the trigger; its unit stays.
#[utoipa::path(tag = "survey triggers", security(("bearer" = ["survey:admin"])), params(("id" = Uuid, Path), http::IfMatchHeader), request_body = NewTrigger,
    responses((status = 200, description = "changed", body = TriggerView)))]
#[put("/api/v1/survey-triggers/{id}")]
pub async fn put_trigger(
    app: Data<App>,
    caller: Allowed<may::SurveyAdmin>,
    id: Path<Uuid>,
    version: IfMatch,
    body: Json<NewTrigger>,
) -> http::Result {
    let ctx = caller.context();
    let (_, wanted) = body.0.wanted();
    let row = http::write(&app.db, async |tx| {
        change_trigger::run(&app, tx, &ctx, id.0, version.0, wanted).await
    })
    .await?;
    Ok(http::ok_versioned(row.version, &TriggerView::of(&row)?))
}

/// Deletes the trigger; its invitations stay.
#[utoipa::path(tag = "survey triggers", security(("bearer" = ["survey:admin"])), params(("id" = Uuid, Path), http::IfMatchHeader), responses((status = 204, description = "deleted")))]
#[delete("/api/v1/survey-triggers/{id}")]
pub async fn remove_trigger(
    app: Data<App>,
    caller: Allowed<may::SurveyAdmin>,
    id: Path<Uuid>,
    version: IfMatch,
) -> http::Result {
    let ctx = caller.context();
    http::write(&app.db, async |tx| delete_trigger::run(tx, &ctx, id.0, version.0).await).await?;
    Ok(http::no_content())
}
