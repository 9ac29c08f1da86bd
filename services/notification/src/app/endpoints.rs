//! Partners' endpoints: made, changed, deleted, their secrets rotated. Whoever makes or saves one
//! becomes its owner, by whose rights it hears; a machine sees and manages only what it owns. See
//! [`crate::domain::rights`].

use ::store::Tx;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Context, Fields, Page, PageQuery, Problem, limits, messages as shared};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{put_staff::inside, recipients};
use crate::{
    App, codes,
    domain::{
        endpoint,
        rights::{self, Standing},
        signature,
    },
    store::{
        endpoints::{self as store, ACTIVE, DELETED, DISABLED},
        entities::{endpoint_secret, webhook_endpoint},
    },
};

/// An endpoint of a partner.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointView {
    pub id: Uuid,
    /// It hears of this unit and everything below it.
    pub org: String,
    pub name: String,
    pub url: String,
    /// Patterns of event types; empty: all.
    pub event_types: Vec<String>,
    /// `active` or `disabled`.
    pub state: String,
    /// Who made or saved it last, and by whose rights it hears: `user:…` or `client:…`; absent: it is
    /// from before owners were known.
    pub owner: Option<String>,
    /// Event types that reach it: what its patterns ask for and its owner may read.
    pub hears: Vec<String>,
    /// When the first of the owner's rights lapses unless a token shows it here once more.
    pub confirm_by: Option<DateTime<Utc>>,
    /// Why it is disabled: `manual`, `gone` (it answered 410), `failing` (for days).
    pub state_reason: Option<String>,
    /// Since when no call has got through.
    pub failing_since: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Signing secret; told once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: Option<String>,
}

impl EndpointView {
    fn of(
        app: &App,
        row: webhook_endpoint::Model,
        secret: Option<String>,
    ) -> Result<Self, Problem> {
        let patterns = row.patterns();
        let mut hears = vec![];
        for ty in endpoint::types() {
            let granted = recipients::standing(app, &row, ty)? == Standing::Granted;
            if granted && endpoint::wants(&patterns, ty) {
                hears.push((*ty).to_owned());
            }
        }
        let confirm = TimeDelta::days(app.settings.webhooks.confirm_days.into());
        let oldest = row.known_rights()?.and_then(|rights| rights.into_values().min());
        Ok(Self {
            owner: row.owner,
            hears,
            confirm_by: oldest.map(|at| at + confirm),
            event_types: patterns,
            id: row.id,
            org: row.org,
            name: row.name,
            url: row.url,
            state: row.state,
            state_reason: row.state_reason,
            failing_since: row.failing_since,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            secret,
        })
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    #[schema(min_length = 1, max_length = 200, example = "ERP")]
    pub name: String,
    /// An https address that leads to public addresses only.
    #[schema(min_length = 1, max_length = 2000, example = "https://erp.example.com/hooks/kefu")]
    pub url: String,
    /// Event types, or prefixes with `*`; empty: all.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["kefu.ticket.*"]))]
    pub event_types: Vec<String>,
    /// The caller's own unit unless told.
    #[schema(max_length = 330)]
    pub org: Option<String>,
}

/// The endpoint, complete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointInput {
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(min_length = 1, max_length = 2000)]
    pub url: String,
    #[schema(max_items = 50)]
    pub event_types: Vec<String>,
    /// `active` (also ends a run of failures) or `disabled`.
    #[schema(pattern = "^(active|disabled)$", example = "active")]
    pub state: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EndpointQuery {
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    pub total: Option<bool>,
}

pub async fn list(
    app: &App,
    ctx: &Context,
    query: EndpointQuery,
) -> Result<Page<EndpointView>, Problem> {
    let paging = PageQuery { cursor: query.cursor, limit: query.limit, total: query.total };
    let fingerprint = format!("endpoints {}", ctx.actor.org);
    let (limit, after) = (paging.limit()?, paging.after::<Uuid>(&fingerprint)?);
    let rows = store::page(&app.db, &ctx.actor, after, limit + 1).await?;
    let total = match paging.total {
        Some(true) => Some(store::count_visible(&app.db, &ctx.actor).await?),
        _ => None,
    };
    let views = rows
        .into_iter()
        .map(|row| EndpointView::of(app, row, None))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Page { total, ..Page::of(views, limit, &fingerprint, |view| view.id, |view| view) })
}

pub async fn one(app: &App, ctx: &Context, id: Uuid) -> Result<EndpointView, Problem> {
    let row = store::visible(&app.db, &ctx.actor, id).await?;
    EndpointView::of(app, row.ok_or_else(Problem::not_found)?, None)
}

pub async fn create(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    input: NewEndpoint,
) -> Result<EndpointView, Problem> {
    let mut fields = Fields::new();
    check(app, ctx, &mut fields, &input.name, &input.url, &input.event_types);
    let org = inside(&mut fields, ctx, input.org.as_deref());
    fields.finish()?;
    if store::count(tx, &org.root()).await? >= app.settings.webhooks.max_endpoints {
        return Err(Problem::of(&codes::TOO_MANY_ENDPOINTS));
    }
    let now = app.clock.now();
    let row = webhook_endpoint::Model {
        id: kernel::new_id(),
        org: org.to_string(),
        name: input.name.trim().to_owned(),
        url: input.url,
        event_types: json!(input.event_types),
        state: ACTIVE.to_owned(),
        state_reason: None,
        failing_since: None,
        paused_until: None,
        version: 1,
        created_at: now,
        updated_at: now,
        owner: Some(rights::owner(&ctx.actor)),
        rights: Some(json!(rights::of(&ctx.actor, now))),
    };
    store::insert(tx, row.clone()).await?;
    let secret = new_secret(app, tx, row.id, now).await?;
    tracing::info!(target: "audit", by = ctx.actor.id, endpoint = %row.id, "webhook endpoint made");
    EndpointView::of(app, row, Some(secret))
}

pub async fn update(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    if_match: i64,
    input: EndpointInput,
) -> Result<EndpointView, Problem> {
    let mut fields = Fields::new();
    check(app, ctx, &mut fields, &input.name, &input.url, &input.event_types);
    let known = [ACTIVE, DISABLED].contains(&input.state.as_str());
    fields.check(known, "/state", "unknown-state", shared::one_of([ACTIVE, DISABLED]));
    fields.finish()?;
    let mut row = current(tx, ctx, id, if_match).await?;
    if input.state == ACTIVE {
        (row.state_reason, row.failing_since, row.paused_until) = (None, None, None);
    } else if row.state == ACTIVE {
        row.state_reason = Some("manual".to_owned());
    }
    row.name = input.name.trim().to_owned();
    row.url = input.url;
    row.event_types = json!(input.event_types);
    row.state = input.state;
    row.owner = Some(rights::owner(&ctx.actor));
    row.rights = Some(json!(rights::of(&ctx.actor, app.clock.now())));
    tracing::info!(target: "audit", by = ctx.actor.id, endpoint = %id, "webhook endpoint saved");
    save(app, tx, row).await
}

pub async fn delete(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    if_match: i64,
) -> Result<(), Problem> {
    let mut row = current(tx, ctx, id, if_match).await?;
    row.state = DELETED.to_owned();
    tracing::info!(target: "audit", by = ctx.actor.id, endpoint = %id, "webhook endpoint deleted");
    save(app, tx, row).await.map(drop)
}

/// Makes a new secret; those before it sign too for the time of grace.
pub async fn rotate(app: &App, tx: &Tx, ctx: &Context, id: Uuid) -> Result<EndpointView, Problem> {
    let row = store::locked(tx, &ctx.actor, id).await?.ok_or_else(Problem::not_found)?;
    let secret = new_secret(app, tx, id, app.clock.now()).await?;
    tracing::info!(target: "audit", by = ctx.actor.id, endpoint = %id, "webhook secret rotated");
    EndpointView::of(app, row, Some(secret))
}

async fn current(
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    if_match: i64,
) -> Result<webhook_endpoint::Model, Problem> {
    let row = store::locked(tx, &ctx.actor, id).await?.ok_or_else(Problem::not_found)?;
    http::check_version(if_match, row.version)?;
    Ok(row)
}

async fn save(
    app: &App,
    tx: &Tx,
    mut row: webhook_endpoint::Model,
) -> Result<EndpointView, Problem> {
    row.version += 1;
    row.updated_at = app.clock.now();
    store::update(tx, row.clone()).await?;
    EndpointView::of(app, row, None)
}

fn check(
    app: &App,
    ctx: &Context,
    fields: &mut Fields,
    name: &str,
    url: &str,
    patterns: &[String],
) {
    let settings = &app.settings.webhooks;
    fields.text("/name", name, 1, limits::NAME);
    endpoint::check_url(fields, url, settings.allow_http, &settings.allow_cidrs);
    endpoint::check_patterns(fields, patterns);
    endpoint::check_rights(fields, patterns, |ty| rights::may_hear(&ctx.actor, ty));
}

async fn new_secret(
    app: &App,
    tx: &Tx,
    endpoint_id: Uuid,
    now: DateTime<Utc>,
) -> Result<String, Problem> {
    let mut key = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut key)?;
    let secret = signature::secret_of(&key);
    let row = endpoint_secret::Model {
        id: kernel::new_id(),
        endpoint_id,
        secret: app.pii.seal(&secret),
        created_at: now,
        expires_at: None,
    };
    let grace = TimeDelta::hours(app.settings.webhooks.rotation_grace_hours.into());
    store::add_secret(tx, row, now + grace).await?;
    Ok(secret)
}
