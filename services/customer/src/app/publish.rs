//! Tells the other services: the whole customer as they need him, names and addresses sealed.

use contracts::{
    Sealed,
    customer::{CustomerChanged, CustomerRegistered, CustomerSnapshot, ServiceStandard},
};
use kernel::{Context, Problem};
use store::{Pii, Tx};

use super::App;
use crate::store::{
    customers,
    entities::{customer, tier},
    tiers,
};

/// The service standard of a tier.
#[must_use]
pub fn standard(tier: &tier::Model) -> ServiceStandard {
    ServiceStandard {
        sla_policy: tier.sla_policy.clone(),
        channel: tier.channel.clone(),
        revisit_days: tier.revisit_days,
    }
}

/// A customer as the other services know him; unusable phone numbers and addresses stay here.
#[must_use]
pub fn snapshot(
    pii: &Pii,
    row: &customer::Model,
    orgs: Vec<String>,
    tier: Option<&tier::Model>,
) -> CustomerSnapshot {
    let usable =
        |sealed: &Option<String>, valid: bool| sealed.clone().filter(|_| valid).map(Sealed);
    CustomerSnapshot {
        customer_id: row.id,
        number: row.number.clone(),
        org: row.org.clone(),
        orgs,
        kind: row.kind.clone(),
        name: Sealed(pii.seal(&row.name)),
        email: usable(&row.email_sealed, row.email_valid),
        phone: usable(&row.phone_sealed, row.phone_valid),
        locale: row.locale.clone(),
        tier: row.tier.clone(),
        standard: tier.map(standard),
        account_manager: row.account_manager.clone(),
        merged_into: None,
        version: row.version,
    }
}

async fn current(app: &App, tx: &Tx, row: &customer::Model) -> Result<CustomerSnapshot, Problem> {
    let tier = match &row.tier {
        Some(key) => tiers::find(tx, &row.root_org, key).await?,
        None => None,
    };
    let orgs = customers::units(tx, row.id).await?;
    Ok(snapshot(&app.pii, row, orgs, tier.as_ref()))
}

/// A new customer.
pub async fn registered(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    row: &customer::Model,
) -> Result<(), Problem> {
    let event = CustomerRegistered { customer: current(app, tx, row).await? };
    events::emit(tx, ctx, row.updated_at, &event).await?;
    Ok(())
}

/// As [`registered`], for a customer of one unit whose tier is at hand.
pub async fn registered_with(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    row: &customer::Model,
    tier: Option<&tier::Model>,
) -> Result<(), Problem> {
    let event =
        CustomerRegistered { customer: snapshot(&app.pii, row, vec![row.org.clone()], tier) };
    events::emit(tx, ctx, row.updated_at, &event).await?;
    Ok(())
}

/// A customer of whom `changed` is no longer what it was.
pub async fn changed(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    row: &customer::Model,
    changed: Vec<String>,
) -> Result<(), Problem> {
    let event = CustomerChanged { customer: current(app, tx, row).await?, changed };
    events::emit(tx, ctx, row.updated_at, &event).await?;
    Ok(())
}

/// The same under each id that the customer had before, for those who keep it there.
pub async fn under_former_ids(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    row: &customer::Model,
    changed: Vec<String>,
) -> Result<(), Problem> {
    for former in customers::former_ids(tx, row.id).await? {
        let next = customers::next_version(tx, former, row.updated_at).await?;
        let Some((version, number)) = next else { continue };
        let customer = CustomerSnapshot {
            customer_id: former,
            number,
            merged_into: Some(row.id),
            version,
            ..current(app, tx, row).await?
        };
        let event = CustomerChanged { customer, changed: changed.clone() };
        events::emit(tx, ctx, row.updated_at, &event).await?;
    }
    Ok(())
}
