//! HTTP plumbing shared by all services: problem+json (RFC 9457), callers and their rights,
//! bodies and queries whose every fault has a stable code, idempotency keys, ETags, rate limits,
//! request telemetry, health, and the OpenAPI documents.
//!
//! A handler names what it needs in its signature and has three lines:
//!
//! ```ignore
//! #[post("/api/v1/tickets")]
//! async fn create_ticket(app: Data<App>, caller: Allowed<may::TicketCreate>, input: Idempotent<NewTicket>) -> http::Result {
//!     let ctx = caller.context();
//!     input.create(&app.db, &ctx, async |tx, body| open_ticket::run(&app, tx, &ctx, body).await).await
//! }
//! ```

mod address;
mod auth;
mod body;
mod drain;
mod edge;
mod error;
mod etag;
mod fallback;
mod health;
mod idempotency;
pub mod issuer;
mod json;
pub mod messages;
mod metrics;
mod openapi;
mod params;
mod patience;
mod query;
mod rate;
mod request;
mod respond;
mod shape;
pub mod taken;
mod telemetry;

pub use auth::{Allowed, AuthSettings, Authenticator, ClaimNames, KeySource, Needs, Public, may};
pub use body::{BodyLimit, Json, Raw, UploadLimit};
pub use drain::Drain;
pub use edge::{Edge, OnCaller, edge};
pub use error::{Error, ProblemBody, Result};
pub use etag::{IfMatch, check_version};
pub use fallback::{RouteTable, default_service};
pub use health::{Figures, Health};
pub use idempotency::{
    IdempotencyKey, Idempotent, RequestClock, SealReplies, migrations, purge_idempotency,
};
pub use openapi::{
    IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, RouteDoc, openapi, routes_of,
};
pub use patience::BodyPatience;
pub use query::{Form, Path, Query};
pub use rate::{RateLimits, RateSettings};
pub use respond::{Created, Done, Upserted, no_content, ok, ok_versioned, org_filter, write};
