//! Tiers of an enterprise and the service standards they carry.

use chrono::{DateTime, Utc};
use kernel::{Context, Fields, Problem, codes, messages as shared};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde::{Deserialize, Serialize};
use store::Tx;
use utoipa::ToSchema;

use super::{App, input};
use crate::messages;
use crate::store::{entities::tier, tiers};

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierDefinition {
    #[schema(min_length = 1, max_length = 200)]
    pub name_zh: String,
    #[schema(min_length = 1, max_length = 200)]
    pub name_en: String,
    /// 1 is the highest.
    #[schema(minimum = 1, maximum = 1000)]
    pub rank: i32,
    /// Key of the SLA policy that ticketing applies.
    #[schema(min_length = 1, max_length = 100)]
    pub sla_policy: Option<String>,
    /// Preferred channel of notices.
    #[schema(min_length = 1, max_length = 40)]
    pub channel: Option<String>,
    /// Days between revisits (回访).
    #[schema(minimum = 1, maximum = 3650)]
    pub revisit_days: Option<i32>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TierView {
    pub key: String,
    /// 1 is the highest.
    pub rank: i32,
    pub name_zh: String,
    pub name_en: String,
    pub sla_policy: Option<String>,
    pub channel: Option<String>,
    /// Days.
    pub revisit_days: Option<i32>,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

impl From<tier::Model> for TierView {
    fn from(row: tier::Model) -> Self {
        Self {
            key: row.key,
            rank: row.rank,
            name_zh: row.name_zh,
            name_en: row.name_en,
            sla_policy: row.sla_policy,
            channel: row.channel,
            revisit_days: row.revisit_days,
            version: row.version,
            updated_at: row.updated_at,
        }
    }
}

/// Highest first. An enterprise that is met for the first time gets the built-in ones.
pub async fn list(app: &App, ctx: &Context) -> Result<Vec<TierView>, Problem> {
    let root = ctx.actor.org.root();
    let mut rows = tiers::all(&app.db, root.as_str()).await?;
    if rows.is_empty() {
        let tx = app.db.begin().await?;
        tiers::ensure(&tx, root.as_str(), app.now()).await?;
        tx.commit().await?;
        rows = tiers::all(&app.db, root.as_str()).await?;
    }
    Ok(rows.into_iter().map(TierView::from).collect())
}

pub async fn read(app: &App, ctx: &Context, key: &str) -> Result<TierView, Problem> {
    let all = list(app, ctx).await?;
    all.into_iter().find(|tier| tier.key == key).ok_or_else(Problem::not_found)
}

/// Makes the tier, or replaces it in the version that the caller has read. Customers of the tier
/// hear of a changed standard from the job `refresh_standards`.
pub async fn put(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (key, version): (&str, Result<i64, Problem>),
    input: TierDefinition,
) -> Result<(TierView, bool), Problem> {
    check(key, &input)?;
    let root = ctx.actor.org.root();
    let now = app.now();
    if ctx.actor.org != root {
        let detail = messages::tiers_belong_to_enterprise();
        return Err(Problem::of(&codes::FORBIDDEN).detail(detail));
    }
    tiers::ensure(tx, root.as_str(), now).await?;
    let Some(old) = tiers::lock(tx, root.as_str(), key).await? else {
        let row = row(root.as_str(), key, input, 1, now);
        return Ok((row.into_active_model().insert(tx).await?.into(), true));
    };
    http::check_version(version?, old.version)?;
    let mut new = row(root.as_str(), key, input, old.version + 1, now);
    new.refreshed_version = old.refreshed_version;
    Ok((new.into_active_model().reset_all().update(tx).await?.into(), false))
}

fn check(key: &str, input: &TierDefinition) -> Result<(), Problem> {
    let sound = (1..=40).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
    if !sound {
        let detail = messages::tier_key_form();
        return Err(Problem::of(&codes::INVALID_PATH).detail(detail));
    }
    let mut fields = Fields::new();
    fields.text("/name_zh", &input.name_zh, 1, 200);
    fields.text("/name_en", &input.name_en, 1, 200);
    fields.check(
        (1..=1000).contains(&input.rank),
        "/rank",
        "out-of-range",
        shared::between(1, 1000),
    );
    input::optional(&mut fields, "/sla_policy", input.sla_policy.as_deref(), 100);
    input::optional(&mut fields, "/channel", input.channel.as_deref(), 40);
    let days = input.revisit_days.is_none_or(|d| (1..=3650).contains(&d));
    fields.check(days, "/revisit_days", "out-of-range", shared::between(1, 3650));
    fields.finish()
}

fn row(
    root: &str,
    key: &str,
    input: TierDefinition,
    version: i64,
    now: DateTime<Utc>,
) -> tier::Model {
    tier::Model {
        root_org: root.to_owned(),
        key: key.to_owned(),
        rank: input.rank,
        name_zh: input.name_zh,
        name_en: input.name_en,
        sla_policy: input.sla_policy,
        channel: input.channel,
        revisit_days: input.revisit_days,
        version,
        refreshed_version: version,
        updated_at: now,
    }
}
