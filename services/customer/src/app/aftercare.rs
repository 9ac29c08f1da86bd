//! Work that time or a changed tier makes necessary: tiers that end, standards to be told.

use std::sync::LazyLock;

use kernel::{Context, OrgPath, Problem, TraceContext};
use meter::Gauge;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use store::sql;
use uuid::Uuid;

use super::{
    App,
    assign::{self, Assignment},
    party::Party,
};
use crate::store::{
    customers,
    entities::{customer, tier},
    suspects, tiers,
};

static SUSPECTED: LazyLock<Gauge<[(&str, &str); 1]>> = LazyLock::new(|| {
    meter::gauge(
        "kefu_suspected_duplicates",
        "Pairs of customers who may be one and wait for a decision",
    )
});

/// Customers of one turn; the rest follows at the next.
const BATCH: u64 = 500;

fn system(org: &str) -> Result<Context, Problem> {
    Ok(Context::system(OrgPath::parse(org)?, TraceContext::default()))
}

/// Takes away the tiers whose time is over.
pub async fn end_tiers(app: &App) -> Result<(), Problem> {
    let due: Vec<Uuid> = customer::Entity::find()
        .select_only()
        .column(customer::Column::Id)
        .filter(customer::Column::TierUntil.lte(app.now()))
        .filter(customer::Column::MergedAt.is_null())
        .order_by_asc(customer::Column::TierUntil)
        .limit(BATCH)
        .into_tuple()
        .all(&app.db)
        .await?;
    for id in due {
        let tx = app.db.begin().await?;
        let mut party = Party::lock(app, &tx, id).await?;
        // Read again under the lock: somebody may have prolonged it.
        if party.row.tier_until.is_some_and(|until| until <= app.now()) {
            let before = party.golden();
            let ctx = system(&party.row.org)?;
            let none = Assignment {
                value: None,
                until_at: None,
                reason: Some("valid_until".to_owned()),
                by: ctx.actor.id.clone(),
            };
            let changed = assign::tier(app, &tx, &mut party.row, Some(none)).await?;
            party.save(app, &tx, &ctx, &before, &changed).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Tells the customers' new service standard after their tier was redefined.
pub async fn refresh_standards(app: &App) -> Result<(), Problem> {
    let stale = tier::Entity::find()
        .filter(sea_orm::ExprTrait::lt(
            sea_orm::sea_query::Expr::col(tier::Column::RefreshedVersion),
            sea_orm::sea_query::Expr::col(tier::Column::Version),
        ))
        .limit(20)
        .all(&app.db)
        .await?;
    for tier in stale {
        refresh(app, &tier).await?;
    }
    Ok(())
}

async fn refresh(app: &App, tier: &tier::Model) -> Result<(), Problem> {
    let behind: Vec<Uuid> = customer::Entity::find()
        .select_only()
        .column(customer::Column::Id)
        .filter(customer::Column::RootOrg.eq(tier.root_org.as_str()))
        .filter(customer::Column::Tier.eq(tier.key.as_str()))
        .filter(customer::Column::TierVersion.lt(tier.version))
        .filter(customer::Column::MergedAt.is_null())
        .limit(BATCH)
        .into_tuple()
        .all(&app.db)
        .await?;
    if behind.is_empty() {
        // An assignment under way holds the tier, so none can slip in behind this look with an
        // older version.
        let tx = app.db.begin().await?;
        let done = "UPDATE tier SET refreshed_version = $3
           WHERE root_org = $1 AND key = $2 AND version = $3";
        let values =
            vec![tier.root_org.as_str().into(), tier.key.as_str().into(), tier.version.into()];
        sql::execute(&tx, done, values).await?;
        tx.commit().await?;
        return Ok(());
    }
    for id in behind {
        let tx = app.db.begin().await?;
        let mut party = Party::lock(app, &tx, id).await?;
        let held = match &party.row.tier {
            Some(key) => tiers::hold(&tx, &party.row.root_org, key).await?,
            None => None,
        };
        if let Some(now) = held.filter(|t| t.version > party.row.tier_version) {
            let before = party.golden();
            let ctx = system(&party.row.org)?;
            party.row.tier_version = now.version;
            party.save(app, &tx, &ctx, &before, &["standard"]).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Tells others which units see the customers whom several units brought in before that was told
/// at all.
pub async fn tell_units(app: &App) -> Result<(), Problem> {
    let select = "SELECT customer_id FROM untold_units LIMIT 500";
    for row in sql::all(&app.db, select, vec![]).await? {
        let id: Uuid = row.try_get("", "customer_id")?;
        let tx = app.db.begin().await?;
        let done = "DELETE FROM untold_units WHERE customer_id = $1";
        sql::execute(&tx, done, vec![id.into()]).await?;
        let living = customers::resolve(&tx, id).await?;
        let party = Party::lock(app, &tx, living).await?;
        let (before, ctx) = (party.golden(), system(&party.row.org)?);
        party.save(app, &tx, &ctx, &before, &["orgs"]).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Counts the suspected duplicates that wait for somebody.
pub async fn count_suspicions(app: &App) -> Result<(), Problem> {
    let waiting = suspects::waiting(&app.db).await?;
    SUSPECTED.get_or_create(&[("service", "customer")]).set(waiting as f64);
    Ok(())
}
