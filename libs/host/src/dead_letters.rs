//! REST endpoints for dead letters: list, inspect and re-drive events that could not be handled.
//! One set of handlers serves every service; each service's document shows them under its name.

use std::{collections::HashMap, sync::Arc};

use actix_web::{
    get, post,
    web::{self, Data},
};
use chrono::{DateTime, Utc};
use http::{Allowed, Path, Query, may};
use kernel::{Clock, OrgPath, Page, PageQuery, Problem};
use serde::{Deserialize, Serialize};
use store::Db;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::lifecycle::Service;

/// The services of this process, as the handlers need them.
pub(crate) struct Letters {
    of: HashMap<&'static str, Db>,
    clock: Arc<dyn Clock>,
}

impl Letters {
    pub(crate) fn new(services: &[Service], clock: &Arc<dyn Clock>) -> Self {
        Self { of: services.iter().map(|s| (s.name, s.db.clone())).collect(), clock: clock.clone() }
    }

    fn db(&self, service: &str) -> Result<&Db, Problem> {
        self.of.get(service).ok_or_else(Problem::not_found)
    }

    /// One that the caller may see.
    async fn get(&self, service: &str, id: Uuid, org: &OrgPath) -> Result<DeadLetter, Problem> {
        let found = events::dead_letters::get(self.db(service)?, id).await?.map(DeadLetter::from);
        found.filter(|letter| letter.is_visible_to(org)).ok_or_else(Problem::not_found)
    }
}

/// An event that was given up after its last try.
#[derive(Debug, Serialize, ToSchema)]
struct DeadLetter {
    id: Uuid,
    /// Consumer group that gave it up.
    consumer: String,
    /// Id of the event.
    event_id: Uuid,
    /// CloudEvents type; absent when the message could not be read.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ty: Option<String>,
    /// Organisation whose data it is; absent when the message could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    org: Option<String>,
    topic: String,
    key: String,
    partition: i32,
    offset: i64,
    /// Headers of the original message.
    #[schema(value_type = Object)]
    headers: serde_json::Value,
    /// The original message.
    payload: String,
    attempts: i32,
    /// Why it failed the last time.
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    traceparent: Option<String>,
    created_at: DateTime<Utc>,
}

impl DeadLetter {
    /// What belongs to no readable org is for those who stand at a root.
    fn is_visible_to(&self, caller: &OrgPath) -> bool {
        match &self.org {
            Some(org) => caller.covers(org),
            None => caller.root() == *caller,
        }
    }
}

impl From<events::dead_letters::DeadLetter> for DeadLetter {
    fn from(d: events::dead_letters::DeadLetter) -> Self {
        Self {
            id: d.id,
            consumer: d.consumer,
            event_id: d.event_id,
            ty: d.ty,
            org: d.org,
            topic: d.topic,
            key: d.key,
            partition: d.partition,
            offset: d.offset,
            headers: d.headers,
            payload: d.payload,
            attempts: d.attempts,
            error: d.error,
            traceparent: d.traceparent,
            created_at: d.created_at,
        }
    }
}

/// A page of dead letters, the newest first.
#[derive(Debug, Serialize, ToSchema)]
struct DeadLetterPage {
    items: Vec<DeadLetter>,
    /// Give it back as `cursor` to read on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// How many were handed to the service again.
#[derive(Debug, Serialize, ToSchema)]
struct Redriven {
    redriven: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// From the page before.
    #[param(max_length = 1000, nullable = false)]
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 200, default = 50, nullable = false)]
    limit: Option<u32>,
}

/// Lists events that the service gave up.
#[utoipa::path(tag = "dead letters", operation_id = "list_dead_letters", security(("bearer" = ["ops:manage"])),
    params(("service" = String, Path), ListQuery),
    responses((status = 200, description = "The newest first", body = DeadLetterPage)))]
#[get("/api/v1/{service}/dead-letters")]
async fn list(
    letters: Data<Letters>,
    caller: Allowed<may::OpsManage>,
    service: Path<String>,
    query: Query<ListQuery>,
) -> http::Result {
    let paging = PageQuery { cursor: query.0.cursor, limit: query.0.limit, total: None };
    let Page { items, next_cursor, .. } =
        events::dead_letters::list(letters.db(&service.0)?, &paging).await?;
    let visible =
        items.into_iter().map(DeadLetter::from).filter(|letter| letter.is_visible_to(caller.org()));
    Ok(http::ok(&DeadLetterPage { items: visible.collect(), next_cursor }))
}

/// Shows one event that the service gave up.
#[utoipa::path(tag = "dead letters", operation_id = "show_dead_letter", security(("bearer" = ["ops:manage"])),
    params(("service" = String, Path), ("id" = Uuid, Path)),
    responses((status = 200, description = "The dead letter", body = DeadLetter)))]
#[get("/api/v1/{service}/dead-letters/{id}")]
async fn show(
    letters: Data<Letters>,
    caller: Allowed<may::OpsManage>,
    path: Path<(String, Uuid)>,
) -> http::Result {
    let (service, id) = path.0;
    Ok(http::ok(&letters.get(&service, id, caller.org()).await?))
}

/// Hands one event to the service again, as if it had never failed.
#[utoipa::path(tag = "dead letters", operation_id = "redrive_dead_letter", security(("bearer" = ["ops:manage"])),
    params(("service" = String, Path), ("id" = Uuid, Path)),
    responses((status = 200, description = "It is tried again", body = Redriven)))]
#[post("/api/v1/{service}/dead-letters/{id}/redrive")]
async fn redrive(
    letters: Data<Letters>,
    caller: Allowed<may::OpsManage>,
    path: Path<(String, Uuid)>,
) -> http::Result {
    let (service, id) = path.0;
    letters.get(&service, id, caller.org()).await?;
    let found =
        events::dead_letters::redrive(letters.db(&service)?, id, letters.clock.now()).await?;
    // Somebody else may have been quicker; then nothing is left to do.
    Ok(http::ok(&Redriven { redriven: found.into() }))
}

/// Hands all events that the caller may see to the service again, the oldest first.
#[utoipa::path(tag = "dead letters", operation_id = "redrive_dead_letters", security(("bearer" = ["ops:manage"])),
    params(("service" = String, Path)),
    responses((status = 200, description = "They are tried again", body = Redriven)))]
#[post("/api/v1/{service}/dead-letters/redrive")]
async fn redrive_all(
    letters: Data<Letters>,
    caller: Allowed<may::OpsManage>,
    service: Path<String>,
) -> http::Result {
    let db = letters.db(&service.0)?;
    let (mut ids, mut paging) = (vec![], PageQuery { limit: Some(200), ..PageQuery::default() });
    loop {
        let page = events::dead_letters::list(db, &paging).await?;
        ids.extend(
            page.items
                .into_iter()
                .map(DeadLetter::from)
                .filter(|d| d.is_visible_to(caller.org()))
                .map(|d| d.id),
        );
        paging.cursor = page.next_cursor;
        if paging.cursor.is_none() {
            break;
        }
    }
    let mut redriven = 0;
    for id in ids.into_iter().rev() {
        redriven += u64::from(events::dead_letters::redrive(db, id, letters.clock.now()).await?);
    }
    Ok(http::ok(&Redriven { redriven }))
}

/// Registers the endpoints; in documents `{service}` is replaced by each service's name.
pub(crate) fn documented(config: &mut ServiceConfig) {
    config.service(list).service(show).service(redrive_all).service(redrive);
}

/// For the server, before the modules: one may have a collection of its own name.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    documented(&mut ServiceConfig::new(config));
}
