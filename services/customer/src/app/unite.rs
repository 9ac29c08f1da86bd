//! Two customers turn out to be one: the records of the one become the other's, its id resolves to
//! it for ever, and whoever saw either sees the one that is left. Nothing is deleted, and where
//! each record came from is kept.

use kernel::{Context, Problem, codes};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use store::{Tx, fts};
use uuid::Uuid;

use super::{
    App,
    assign::{self, Assignment},
    erase,
    party::{self, Party},
};
use crate::store::{customers, entities::customer, history, identifiers, sources, suspects};

/// Why a record belongs to a customer who was not the one it created.
const REASON: &str = "same_customer";

/// Makes `former` a former id of `living`.
pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (former, living): (Uuid, Uuid),
) -> Result<customer::Model, Problem> {
    let (gone, mut party) = both(app, tx, former, living).await?;
    let (before, now) = (party.golden(), app.now());
    let mut also = vec!["merged"];
    sources::move_all(tx, former, living, REASON, now).await?;
    customers::alias(tx, former, living, now).await?;
    if customers::share(tx, former, living).await? {
        also.push("orgs");
    }
    history::end_all(tx, former, now).await?;
    retire(app, tx, gone.row.clone()).await?;

    party.sources = party::sources_of(app, tx, living).await?;
    let scope = (party.row.root_org.clone(), party.kind());
    let scope = (scope.0.as_str(), scope.1);
    let given = gone.golden().identifiers;
    identifiers::hand_over(tx, &app.pii, scope, (former, living), &given).await?;
    party.claim(app, tx, &before).await?;
    also.extend(inherit(app, tx, ctx, &gone.row, &mut party.row).await?);
    // Last: who waits for a pair of ours may hold an identifier, and we want none any more.
    suspects::follow(tx, former, living).await?;
    let row = party.save(app, tx, ctx, &before, &also).await?;
    party::index(tx, &row).await?;
    Ok(row)
}

/// Both parties, locked in the order of their ids.
async fn both(app: &App, tx: &Tx, former: Uuid, living: Uuid) -> Result<(Party, Party), Problem> {
    let (gone, party) = if former < living {
        let gone = Party::lock(app, tx, former).await?;
        (gone, Party::lock(app, tx, living).await?)
    } else {
        let party = Party::lock(app, tx, living).await?;
        (Party::lock(app, tx, former).await?, party)
    };
    erase::refuse_erased(&gone.row)?;
    erase::refuse_erased(&party.row)?;
    if gone.row.kind != party.row.kind || gone.row.root_org != party.row.root_org {
        return Err(Problem::of(&codes::CONFLICT));
    }
    Ok((gone, party))
}

/// Tier and account manager of the former customer, where the living one has none.
async fn inherit(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    gone: &customer::Model,
    row: &mut customer::Model,
) -> Result<Vec<&'static str>, Problem> {
    let of = |value: &Option<String>, until_at| {
        let value = Some(value.clone()?);
        Some(Assignment { value, until_at, reason: None, by: ctx.actor.id.clone() })
    };
    let mut changed = vec![];
    if row.tier.is_none() {
        changed.extend(assign::tier(app, tx, row, of(&gone.tier, gone.tier_until)).await?);
    }
    if row.account_manager.is_none() {
        let manager = of(&gone.account_manager, None);
        changed.extend(assign::account_manager(app, tx, row, manager).await?);
    }
    Ok(changed)
}

/// The former row keeps number, name and history; nobody is found by it, and no timer runs.
async fn retire(app: &App, tx: &Tx, mut row: customer::Model) -> Result<(), Problem> {
    (row.phone_sealed, row.email_sealed, row.address_sealed) = Default::default();
    (row.phone_valid, row.email_valid) = (false, false);
    (row.tier, row.tier_until, row.account_manager) = Default::default();
    row.tier_version = 0;
    row.updated_at = app.now();
    row.merged_at = Some(app.now());
    let row = row.into_active_model().reset_all().update(tx).await?;
    fts::put(tx, "customer", row.id, "").await?;
    Ok(())
}
