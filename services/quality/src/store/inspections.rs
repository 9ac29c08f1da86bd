//! Inspections, their evaluations and plans: how they are found by whom.

use std::collections::BTreeMap;

use kernel::{Actor, OrgPath, Problem};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Select,
};
use store::{Tx, sql};
use uuid::Uuid;

use super::{
    entities::{appeal, evaluation, inspection, rectification, sampling_plan},
    lineage, read,
};
use crate::domain::{risk::RiskRules, visibility::View};

/// Follows the correction of a ticket's customer: what is written about the service goes when the
/// right person is forgotten.
pub async fn set_customer(tx: &Tx, ticket: Uuid, customer: Option<Uuid>) -> Result<(), Problem> {
    for table in ["inspection", "rectification"] {
        let update = format!("UPDATE {table} SET customer_id = $2 WHERE ticket_id = $1");
        sql::execute(tx, &update, vec![ticket.into(), customer.into()]).await?;
    }
    Ok(())
}

/// Inspections that `actor` may see.
pub fn visible(actor: &Actor) -> Select<inspection::Entity> {
    use inspection::Column as C;
    let mut seen = Condition::all().add(http::org_filter(&actor.org, C::Org));
    match View::of(actor) {
        View::All => {}
        View::Inspector(me) => {
            let open = Condition::any().add(C::Inspector.is_null()).add(C::Inspector.eq(&me));
            seen = seen.add(open.add(C::State.eq("published")));
        }
        View::Own(me) => seen = seen.add(C::Agent.eq(&me)).add(C::State.eq("published")),
    }
    inspection::Entity::find().filter(seen)
}

/// Evaluations that `actor` may see: drafts only his own, unless he leads.
pub fn visible_evaluations(actor: &Actor) -> Select<evaluation::Entity> {
    use evaluation::Column as C;
    let mut seen = Condition::all().add(http::org_filter(&actor.org, C::Org));
    match View::of(actor) {
        View::All => {}
        View::Inspector(me) => {
            seen = seen.add(Condition::any().add(C::Scorer.eq(&me)).add(C::State.ne("draft")));
        }
        View::Own(me) => seen = seen.add(C::Agent.eq(&me)).add(C::State.ne("draft")),
    }
    evaluation::Entity::find().filter(seen)
}

/// Appeals that `actor` may see.
pub fn visible_appeals(actor: &Actor) -> Select<appeal::Entity> {
    let mut seen = Condition::all().add(http::org_filter(&actor.org, appeal::Column::Org));
    if let View::Own(me) = View::of(actor) {
        seen = seen.add(appeal::Column::Appellant.eq(me));
    }
    appeal::Entity::find().filter(seen)
}

/// Rectifications that `actor` may see: an agent his own.
pub fn visible_rectifications(actor: &Actor) -> Select<rectification::Entity> {
    let mut seen = Condition::all().add(http::org_filter(&actor.org, rectification::Column::Org));
    if let View::Own(me) = View::of(actor) {
        seen = seen.add(rectification::Column::Owner.eq(me));
    }
    rectification::Entity::find().filter(seen)
}

/// An inspection that `actor` may see, locked to be changed.
pub async fn to_change(tx: &Tx, actor: &Actor, id: Uuid) -> Result<inspection::Model, Problem> {
    let found =
        visible(actor).filter(inspection::Column::Id.eq(id)).lock_exclusive().one(tx).await?;
    found.ok_or_else(Problem::not_found)
}

/// An evaluation that `actor` may see, locked to be changed.
pub async fn evaluation_to_change(
    tx: &Tx,
    actor: &Actor,
    id: Uuid,
) -> Result<evaluation::Model, Problem> {
    let found = visible_evaluations(actor)
        .filter(evaluation::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx)
        .await?;
    found.ok_or_else(Problem::not_found)
}

/// The inspection of an evaluation.
pub async fn of_evaluation(
    conn: &impl ConnectionTrait,
    of: &evaluation::Model,
) -> Result<inspection::Model, Problem> {
    let found = inspection::Entity::find_by_id(of.inspection_id).one(conn).await?;
    found.ok_or_else(|| Problem::internal("an evaluation without its inspection"))
}

/// A plan of the caller's subtree, locked to be changed.
pub async fn plan_to_change(
    tx: &Tx,
    org: &OrgPath,
    id: Uuid,
) -> Result<sampling_plan::Model, Problem> {
    let found = sampling_plan::Entity::find_by_id(id)
        .filter(http::org_filter(org, sampling_plan::Column::Org))
        .lock_exclusive()
        .one(tx)
        .await?;
    found.ok_or_else(Problem::not_found)
}

/// The risk rules that hold for `org`: those of the active plan of the nearest unit (the newest of
/// several), or the defaults where no plan has any.
pub async fn risk_rules(
    conn: &impl ConnectionTrait,
    org: &str,
) -> Result<(Option<sampling_plan::Model>, RiskRules), Problem> {
    use sampling_plan::Column as C;
    let plans = sampling_plan::Entity::find()
        .filter(C::Org.is_in(lineage(org)))
        .filter(C::Active.eq(true))
        .filter(C::Risk.is_not_null())
        .all(conn)
        .await?;
    let plan = plans.into_iter().max_by_key(|plan| (plan.org.len(), plan.id));
    let rules = match plan.as_ref().and_then(|plan| plan.risk.as_ref()) {
        Some(rules) => read(rules)?,
        None => RiskRules::default(),
    };
    Ok((plan, rules))
}

/// Open inspections per inspector.
pub async fn load(
    conn: &impl ConnectionTrait,
    inspectors: &[String],
) -> Result<BTreeMap<String, u64>, Problem> {
    use inspection::Column as C;
    let counted: Vec<(String, i64)> = inspection::Entity::find()
        .select_only()
        .column(C::Inspector)
        .column_as(C::Id.count(), "open")
        .filter(C::Inspector.is_in(inspectors.iter().cloned()))
        .filter(C::State.eq("assigned"))
        .group_by(C::Inspector)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(counted.into_iter().map(|(who, n)| (who, u64::try_from(n).unwrap_or(0))).collect())
}
