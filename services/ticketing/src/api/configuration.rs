//! Configuration of an enterprise: kinds, queues, departments, calendars, SLA policies. One shape
//! for all: list, read, save a new version.

use actix_web::{get, put, web::Data};
use chrono::{DateTime, Utc};
use http::{Allowed, IfMatch, IfMatchHeader, Json, Path, may, ok, ok_versioned, write};
use kernel::Problem;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use store::Tx;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    app::{
        App,
        config_documents::{self, Checked},
    },
    domain::{
        config::{BusinessCalendar, Department, Queue},
        kind::Kind,
        sla::Policy,
    },
    store::configs::Document,
};

macro_rules! documents {
    ($what:literal, $path:tt, $one:tt, $document:ident, $view:ident, $list:ident, $get_all:ident, $get:ident, $put:ident) => {
        #[doc = concat!("A ", $what, " in its current version.")]
        #[derive(Debug, Serialize, Deserialize, ToSchema)]
        pub struct $view {
            pub key: String,
            /// Also the ETag; timers keep the version they started with.
            pub version: i64,
            pub saved_at: DateTime<Utc>,
            pub saved_by: String,
            #[serde(flatten)]
            pub document: $document,
        }

        #[derive(Debug, Serialize, ToSchema)]
        pub struct $list {
            pub items: Vec<$view>,
        }

        impl $view {
            fn of(found: Document) -> Result<Self, Problem> {
                let Document { key, version, data, saved_at, saved_by } = found;
                Ok(Self { key, version, saved_at, saved_by, document: read(data)? })
            }
        }

        #[doc = concat!("Every ", $what, " of the caller's enterprise, by key.")]
        #[utoipa::path(tag = "configuration", security(("bearer" = ["ticket:read"])),
            responses((status = 200, description = "All of them.", body = $list)))]
        #[get($path)]
        pub async fn $get_all(app: Data<App>, caller: Allowed<may::TicketRead>) -> http::Result {
            let found = config_documents::list(&app, &caller.context(), <$document>::SECTION).await?;
            let items = found.into_iter().map($view::of).collect::<Result<_, _>>()?;
            Ok(ok(&$list { items }))
        }

        #[doc = concat!("One ", $what, ".")]
        #[utoipa::path(tag = "configuration", security(("bearer" = ["ticket:read"])),
            params(("key" = String, Path, max_length = 64), http::IfNoneMatchHeader),
            responses((status = 200, description = "It, with its ETag.", body = $view)))]
        #[get($one)]
        pub async fn $get(app: Data<App>, caller: Allowed<may::TicketRead>, key: Path<String>) -> http::Result {
            let found = config_documents::get(&app, &caller.context(), <$document>::SECTION, &key.0).await?;
            Ok(ok_versioned(found.version, &$view::of(found)?))
        }

        #[doc = concat!("Saves a new version of a ", $what, ". `If-Match: \"0\"` adds a new key. Only callers of the enterprise's root unit may.")]
        // The document takes literals only, not what `doc` puts together.
        #[utoipa::path(tag = "configuration", security(("bearer" = ["ticket:admin"])),
            summary = "Saves a new version, or adds a new one.",
            description = "`If-Match: \"0\"` adds a new one under that key; any other names the version that the change is based on. Only callers of the enterprise's root unit may.",
            params(("key" = String, Path, min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]+$"), IfMatchHeader),
            request_body = $document,
            responses((status = 200, description = "The new version, with its ETag.", body = $view)))]
        #[put($one)]
        pub async fn $put(
            app: Data<App>,
            caller: Allowed<may::TicketAdmin>,
            key: Path<String>,
            if_match: IfMatch,
            input: Json<$document>,
        ) -> http::Result {
            let ctx = caller.context();
            let work = async |tx: &Tx| config_documents::put(&app, tx, &ctx, (&key.0, if_match.0), &input.0).await;
            let saved = write(&app.db, work).await?;
            Ok(ok_versioned(saved.version, &$view::of(saved)?))
        }
    };
}

fn read<T: DeserializeOwned>(data: serde_json::Value) -> Result<T, Problem> {
    Ok(serde_json::from_value(data)?)
}

documents!(
    "ticket kind",
    "/api/v1/ticket-kinds",
    "/api/v1/ticket-kinds/{key}",
    Kind,
    KindView,
    KindList,
    list_kinds,
    get_kind,
    put_kind
);
documents!(
    "queue",
    "/api/v1/queues",
    "/api/v1/queues/{key}",
    Queue,
    QueueView,
    QueueList,
    list_queues,
    get_queue,
    put_queue
);
documents!(
    "department",
    "/api/v1/departments",
    "/api/v1/departments/{key}",
    Department,
    DepartmentView,
    DepartmentList,
    list_departments,
    get_department,
    put_department
);
documents!(
    "calendar",
    "/api/v1/calendars",
    "/api/v1/calendars/{key}",
    BusinessCalendar,
    CalendarView,
    CalendarList,
    list_calendars,
    get_calendar,
    put_calendar
);
documents!(
    "SLA policy",
    "/api/v1/sla-policies",
    "/api/v1/sla-policies/{key}",
    Policy,
    PolicyView,
    PolicyList,
    list_policies,
    get_policy,
    put_policy
);

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_kinds)
        .service(get_kind)
        .service(put_kind)
        .service(list_queues)
        .service(get_queue)
        .service(put_queue)
        .service(list_departments)
        .service(get_department)
        .service(put_department)
        .service(list_calendars)
        .service(get_calendar)
        .service(put_calendar)
        .service(list_policies)
        .service(get_policy)
        .service(put_policy);
}
