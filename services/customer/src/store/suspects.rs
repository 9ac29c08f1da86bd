//! Suspected duplicates.

use chrono::{DateTime, Utc};
use kernel::OrgPath;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect,
    QueryTrait,
};
use store::{Tx, sql};
use uuid::Uuid;

use super::{
    customers,
    entities::{
        customer,
        suspected_duplicate::{self, Column, Entity},
    },
};
use crate::domain::{matching::Suspect, suspicion::State};

/// Both ids in order: the same for a pair, whoever came first.
fn pair(a: Uuid, b: Uuid) -> String {
    format!("{}/{}", a.min(b), a.max(b))
}

/// Notes that `newcomer` may be one of the suspects. A pair that was suspected before, and perhaps
/// decided, stays as it is.
pub async fn suspect(
    tx: &Tx,
    root: &str,
    newcomer: Uuid,
    suspects: &[Suspect],
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    // In the order of pairs, so that two transactions never wait for each other.
    let mut ordered: Vec<&Suspect> = suspects.iter().collect();
    ordered.sort_by_key(|s| pair(newcomer, s.customer));
    for suspect in ordered {
        let mut kinds: Vec<&str> = suspect.shared.iter().map(|kind| kind.as_str()).collect();
        kinds.dedup();
        let insert = "INSERT INTO suspected_duplicate
             (id, root_org, pair, newcomer_id, known_id, matched_on, state, version, suspected_at)
           VALUES ($1, $2, $3, $4, $5, $6, 'open', 1, $7) ON CONFLICT (pair) DO NOTHING";
        let values = vec![
            kernel::new_id().into(),
            root.into(),
            pair(newcomer, suspect.customer).into(),
            newcomer.into(),
            suspect.customer.into(),
            kinds.join(",").into(),
            now.into(),
        ];
        sql::execute(tx, insert, values).await?;
    }
    Ok(())
}

/// Suspicions that the members of `org` may know of: those about a customer of theirs, and where
/// the known customer's unit has agreed, those about a newcomer of theirs.
#[must_use]
pub fn visible_to(org: &OrgPath) -> Condition {
    let enterprise = Condition::all().add(Column::RootOrg.eq(org.root().as_str()));
    if org.root() == *org {
        return enterprise;
    }
    let seen = || {
        customer::Entity::find()
            .select_only()
            .column(customer::Column::Id)
            .filter(customers::visible_to(org))
            .into_query()
    };
    let agreed = Condition::all()
        .add(Column::AgreedAt.is_not_null())
        .add(Column::NewcomerId.in_subquery(seen()));
    enterprise.add(Condition::any().add(Column::KnownId.in_subquery(seen())).add(agreed))
}

/// The suspicion, if `org` may know of it; locked until the transaction ends.
pub async fn lock(
    tx: &Tx,
    org: &OrgPath,
    id: Uuid,
) -> Result<Option<suspected_duplicate::Model>, DbErr> {
    let select = Entity::find_by_id(id);
    let select = if tx.is_postgres() { select.lock_exclusive() } else { select };
    if select.one(tx).await?.is_none() {
        return Ok(None);
    }
    // Asked a second time: a lock and a subquery together would lock what it reads.
    Entity::find_by_id(id).filter(visible_to(org)).one(tx).await
}

/// How many wait for a decision.
pub async fn waiting(conn: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let select = "SELECT COUNT(*) AS n FROM suspected_duplicate WHERE state IN ('open', 'agreed')";
    sql::one(conn, select, vec![]).await?.map_or(Ok(0), |row| row.try_get("", "n"))
}

/// After `former` has become `living`: what was suspected of the one is suspected of the other. Of
/// two rows that are about one pair then, a decision stands before a question.
pub async fn follow(tx: &Tx, former: Uuid, living: Uuid) -> Result<(), DbErr> {
    let concerned =
        Condition::any().add(Column::NewcomerId.eq(former)).add(Column::KnownId.eq(former));
    for row in Entity::find().filter(concerned).all(tx).await? {
        let came_later = row.newcomer_id == former;
        let other = if came_later { row.known_id } else { row.newcomer_id };
        if other == living {
            continue;
        }
        let now = pair(living, other);
        if let Some(known) = Entity::find().filter(Column::Pair.eq(now.as_str())).one(tx).await? {
            let redundant = match (is_decided(&row), is_decided(&known)) {
                (false, _) => row.id,
                (true, false) => known.id,
                (true, true) => continue,
            };
            Entity::delete_by_id(redundant).exec(tx).await?;
            if redundant == row.id {
                continue;
            }
        }
        let column = if came_later { "newcomer_id" } else { "known_id" };
        let update =
            format!("UPDATE suspected_duplicate SET pair = $2, {column} = $3 WHERE id = $1");
        sql::execute(tx, &update, vec![row.id.into(), now.into(), living.into()]).await?;
    }
    Ok(())
}

fn is_decided(row: &suspected_duplicate::Model) -> bool {
    [State::Same.as_str(), State::Different.as_str()].contains(&row.state.as_str())
}
