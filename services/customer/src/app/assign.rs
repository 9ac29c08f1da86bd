//! Tier (客户分层) and account manager (客户经理) of a customer, with their history.

use chrono::{DateTime, Utc};
use kernel::{Actor, Arg, Context, Fields, Problem};
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, erase, input, party::Party};
use crate::messages;
use crate::store::{
    customers,
    entities::{assignment, customer},
    history::{self, ACCOUNT_MANAGER, Assigned, TIER},
    tiers,
};

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierInput {
    /// Key of a tier; `null` takes the tier away.
    #[schema(min_length = 1, max_length = 40)]
    pub tier: Option<String>,
    /// When the tier ends by itself; never when absent.
    pub valid_until: Option<DateTime<Utc>>,
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountManagerInput {
    /// User id; `null` takes the account manager away.
    #[schema(min_length = 1, max_length = 100)]
    pub account_manager: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
}

/// One line of the history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AssignmentView {
    pub id: Uuid,
    /// `tier` or `account_manager`.
    pub what: String,
    /// `null`: it was taken away.
    pub value: Option<String>,
    pub since: DateTime<Utc>,
    /// When it was meant to end.
    pub valid_until: Option<DateTime<Utc>>,
    /// When it ended; `null`: it holds.
    pub ended_at: Option<DateTime<Utc>>,
    pub reason: Option<String>,
    /// User, client or `source:NAME`. Like the account managers and why they changed, withheld from
    /// whoever inspects blind.
    pub assigned_by: Option<String>,
}

impl AssignmentView {
    /// The line as `actor` may see it.
    fn of(mut row: assignment::Model, actor: &Actor) -> Self {
        if row.what == ACCOUNT_MANAGER {
            row.value = actor.may_know(row.value);
            row.reason = row.reason.filter(|_| !actor.inspects_blind());
        }
        Self {
            id: row.id,
            what: row.what,
            value: row.value,
            since: row.since,
            valid_until: row.until_at,
            ended_at: row.ended_at,
            reason: row.reason,
            assigned_by: actor.may_know(Some(row.assigned_by)),
        }
    }
}

/// A new value, and who wants it.
#[derive(Debug, Clone)]
pub struct Assignment {
    pub value: Option<String>,
    pub until_at: Option<DateTime<Utc>>,
    pub reason: Option<String>,
    pub by: String,
}

impl Assignment {
    /// What a source wants, if it wants anything.
    #[must_use]
    pub fn wish(value: Option<&str>, source: &str) -> Option<Self> {
        let value = Some(value?.to_owned());
        Some(Self { value, until_at: None, reason: None, by: format!("source:{source}") })
    }
}

/// Sets the tier in the row and its history; answers what has changed by it.
pub async fn tier(
    app: &App,
    tx: &Tx,
    row: &mut customer::Model,
    new: Option<Assignment>,
) -> Result<Vec<&'static str>, Problem> {
    let Some(new) = new else { return Ok(vec![]) };
    if row.tier == new.value && row.tier_until == new.until_at {
        return Ok(vec![]);
    }
    let now = app.now();
    row.tier_version = match &new.value {
        Some(key) => {
            tiers::ensure(tx, &row.root_org, now).await?;
            let found = tiers::hold(tx, &row.root_org, key).await?;
            match found {
                Some(tier) => tier.version,
                None => return Err(unknown_tier(tx, &row.root_org, key).await?),
            }
        }
        None => 0,
    };
    row.tier = new.value;
    row.tier_until = new.until_at;
    record(app, tx, row, TIER, row.tier.as_deref(), (new.until_at, new.reason.as_deref(), &new.by))
        .await?;
    Ok(vec!["tier"])
}

async fn unknown_tier(tx: &Tx, root: &str, key: &str) -> Result<Problem, Problem> {
    let known = Arg::list(tiers::all(tx, root).await?.into_iter().map(|tier| tier.key));
    Ok(Problem::invalid("/tier", "unknown-tier", messages::unknown_tier(key, known)))
}

/// Sets the account manager in the row and its history; answers what has changed by it.
pub async fn account_manager(
    app: &App,
    tx: &Tx,
    row: &mut customer::Model,
    new: Option<Assignment>,
) -> Result<Vec<&'static str>, Problem> {
    let Some(new) = new else { return Ok(vec![]) };
    if row.account_manager == new.value {
        return Ok(vec![]);
    }
    row.account_manager = new.value;
    let value = row.account_manager.as_deref();
    record(app, tx, row, ACCOUNT_MANAGER, value, (None, new.reason.as_deref(), &new.by)).await?;
    Ok(vec!["account_manager"])
}

async fn record(
    app: &App,
    tx: &Tx,
    row: &customer::Model,
    what: &'static str,
    value: Option<&str>,
    (until_at, reason, by): (Option<DateTime<Utc>>, Option<&str>, &str),
) -> Result<(), Problem> {
    let assigned = Assigned { what, value, until_at, reason, by };
    Ok(history::assign(tx, row.id, assigned, app.now()).await?)
}

/// `PUT …/tier`.
pub async fn put_tier(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (id, version): (Uuid, i64),
    input: TierInput,
) -> Result<customer::Model, Problem> {
    let mut fields = Fields::new();
    input::optional(&mut fields, "/tier", input.tier.as_deref(), 40);
    input::optional(&mut fields, "/reason", input.reason.as_deref(), 500);
    let ahead = input.valid_until.is_none_or(|until| until > app.now() && input.tier.is_some());
    fields.check(ahead, "/valid_until", "not-ahead", messages::ahead_with_tier());
    fields.finish()?;
    let mut party = locked(app, tx, ctx, id, version).await?;
    let before = party.golden();
    let new = Assignment {
        value: input.tier,
        until_at: input.valid_until,
        reason: input.reason,
        by: ctx.actor.id.clone(),
    };
    let changed = tier(app, tx, &mut party.row, Some(new)).await?;
    party.save(app, tx, ctx, &before, &changed).await
}

/// `PUT …/account-manager`.
pub async fn put_account_manager(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (id, version): (Uuid, i64),
    input: AccountManagerInput,
) -> Result<customer::Model, Problem> {
    let mut fields = Fields::new();
    input::optional(&mut fields, "/account_manager", input.account_manager.as_deref(), 100);
    input::optional(&mut fields, "/reason", input.reason.as_deref(), 500);
    fields.finish()?;
    let mut party = locked(app, tx, ctx, id, version).await?;
    let before = party.golden();
    let new = Assignment {
        value: input.account_manager,
        until_at: None,
        reason: input.reason,
        by: ctx.actor.id.clone(),
    };
    let changed = account_manager(app, tx, &mut party.row, Some(new)).await?;
    party.save(app, tx, ctx, &before, &changed).await
}

/// The customer, visible to the caller, locked, and in the version he has read.
pub async fn locked(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    version: i64,
) -> Result<Party, Problem> {
    let seen = customers::find(tx, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    let party = Party::lock(app, tx, seen.id).await?;
    http::check_version(version, party.row.version)?;
    erase::refuse_erased(&party.row)?;
    Ok(party)
}

/// The history, newest first; at most 200 lines.
pub async fn list(app: &App, ctx: &Context, id: Uuid) -> Result<Vec<AssignmentView>, Problem> {
    use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
    let seen =
        customers::find(&app.db, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    let ids = customers::all_ids(&app.db, seen.id).await?;
    let rows = assignment::Entity::find()
        .filter(assignment::Column::CustomerId.is_in(ids))
        .order_by_desc(assignment::Column::Id)
        .limit(200)
        .all(&app.db)
        .await?;
    Ok(rows.into_iter().map(|row| AssignmentView::of(row, &ctx.actor)).collect())
}
