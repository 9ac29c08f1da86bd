//! Blind-indexed identifiers: lookup, and the claim of a party on what tells who it is.

use kernel::OrgPath;
use sea_orm::{ConnectionTrait, DbErr, Value};
use store::{Pii, Tx, sql};
use uuid::Uuid;

use crate::domain::{
    identifier::{Identifier, PartyKind},
    matching::Hit,
};

/// Keyed hash under which an identifier is found.
#[must_use]
pub fn blind(pii: &Pii, identifier: &Identifier) -> String {
    pii.blind(identifier.kind.as_str(), &identifier.value)
}

/// Replaces the identifiers of a source record.
pub async fn replace(
    tx: &Tx,
    pii: &Pii,
    root: &str,
    record: Uuid,
    identifiers: &[Identifier],
) -> Result<(), DbErr> {
    sql::execute(tx, "DELETE FROM identifier WHERE source_record_id = $1", vec![record.into()])
        .await?;
    add(tx, pii, root, record, identifiers).await
}

/// Writes the identifiers of a new source record.
pub async fn add(
    tx: &Tx,
    pii: &Pii,
    root: &str,
    record: Uuid,
    identifiers: &[Identifier],
) -> Result<(), DbErr> {
    for identifier in identifiers {
        let insert =
            "INSERT INTO identifier (id, root_org, source_record_id, kind, sealed, blind, valid)
           VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = vec![
            kernel::new_id().into(),
            root.into(),
            record.into(),
            identifier.kind.as_str().into(),
            pii.seal(&identifier.value).into(),
            blind(pii, identifier).into(),
            identifier.valid.into(),
        ];
        sql::execute(tx, insert, values).await?;
    }
    Ok(())
}

/// Who holds these identifiers.
pub async fn holders(
    conn: &impl ConnectionTrait,
    pii: &Pii,
    (root, party): (&str, PartyKind),
    identifiers: &[Identifier],
) -> Result<Vec<Hit>, DbErr> {
    let mut hits = vec![];
    for identifier in identifiers {
        let select = "SELECT customer_id FROM identity
           WHERE root_org = $1 AND party_kind = $2 AND kind = $3 AND blind = $4";
        if let Some(row) = sql::one(conn, select, key(pii, root, party, identifier)).await? {
            hits.push(Hit { kind: identifier.kind, customer: row.try_get("", "customer_id")? });
        }
    }
    Ok(hits)
}

/// Claims identifiers that nobody holds for `customer`; answers those that somebody else holds.
/// A concurrent claim is waited for. Claims are made in one fixed order, so that two transactions
/// never wait for each other.
pub async fn claim(
    tx: &Tx,
    pii: &Pii,
    scope: (&str, PartyKind),
    customer: Uuid,
    identifiers: &[Identifier],
) -> Result<Vec<Identifier>, DbErr> {
    settle(tx, pii, scope, customer, (&[], identifiers)).await
}

/// As [`claim`], for a party that is not there yet. What somebody else holds is locked, so that of
/// two newcomers who share it the second waits for the first, and then sees them.
pub async fn claim_in_turn(
    tx: &Tx,
    pii: &Pii,
    scope: (&str, PartyKind),
    customer: Uuid,
    identifiers: &[Identifier],
) -> Result<Vec<Identifier>, DbErr> {
    let mut ordered: Vec<&Identifier> = identifiers.iter().collect();
    ordered.sort_by_key(|i| (i.kind, blind(pii, i)));
    let mut refused = vec![];
    for identifier in ordered {
        // What is given up while we wait is there to be claimed.
        while !claim_one(tx, pii, scope, customer, identifier).await? {
            if lock_held(tx, pii, scope, identifier).await? {
                refused.push(identifier.clone());
                break;
            }
        }
    }
    Ok(refused)
}

/// Waits for the identifier's claim; answers whether there still is one.
async fn lock_held(
    tx: &Tx,
    pii: &Pii,
    (root, party): (&str, PartyKind),
    identifier: &Identifier,
) -> Result<bool, DbErr> {
    let select = "SELECT customer_id FROM identity
       WHERE root_org = $1 AND party_kind = $2 AND kind = $3 AND blind = $4";
    let lock = if tx.is_postgres() { " FOR UPDATE" } else { "" };
    let row = sql::one(tx, &format!("{select}{lock}"), key(pii, root, party, identifier)).await?;
    Ok(row.is_some())
}

/// Marks where the transaction stands, to go back to by [`give_back`].
pub async fn before_claims(tx: &Tx) -> Result<(), DbErr> {
    tx.execute_unprepared("SAVEPOINT claim").await.map(drop)
}

/// Keeps what was claimed since [`before_claims`].
pub async fn keep_claims(tx: &Tx) -> Result<(), DbErr> {
    tx.execute_unprepared("RELEASE SAVEPOINT claim").await.map(drop)
}

/// Gives up what was claimed and locked since [`before_claims`], for others at once and not only
/// when the transaction ends, so that it may go on to lock a customer. Deleted rows would stay
/// locked; only the end of a subtransaction lets go of them.
pub async fn give_back(tx: &Tx) -> Result<(), DbErr> {
    tx.execute_unprepared("ROLLBACK TO SAVEPOINT claim").await?;
    keep_claims(tx).await
}

/// Passes the claims of one party on to another, in the one order.
pub async fn hand_over(
    tx: &Tx,
    pii: &Pii,
    (root, party): (&str, PartyKind),
    (from, to): (Uuid, Uuid),
    identifiers: &[Identifier],
) -> Result<(), DbErr> {
    let mut ordered: Vec<&Identifier> = identifiers.iter().collect();
    ordered.sort_by_key(|i| (i.kind, blind(pii, i)));
    for identifier in ordered {
        let update = "UPDATE identity SET customer_id = $6
           WHERE root_org = $1 AND party_kind = $2 AND kind = $3 AND blind = $4 AND customer_id = $5";
        let mut values = key(pii, root, party, identifier);
        values.extend([from.into(), to.into()]);
        sql::execute(tx, update, values).await?;
    }
    Ok(())
}

/// Gives up the claims on `gone` and makes those on `new`, as [`claim`] does: both in the one
/// order, so that two parties that exchange identifiers do not wait for each other either.
pub async fn settle(
    tx: &Tx,
    pii: &Pii,
    scope: (&str, PartyKind),
    customer: Uuid,
    (gone, new): (&[Identifier], &[Identifier]),
) -> Result<Vec<Identifier>, DbErr> {
    let mut ordered: Vec<(&Identifier, bool)> =
        gone.iter().map(|i| (i, false)).chain(new.iter().map(|i| (i, true))).collect();
    ordered.sort_by_key(|(i, _)| (i.kind, blind(pii, i)));
    let mut refused = vec![];
    for (identifier, wanted) in ordered {
        match wanted {
            false => release(tx, pii, scope, customer, identifier).await?,
            true if claim_one(tx, pii, scope, customer, identifier).await? => {}
            true => refused.push(identifier.clone()),
        }
    }
    Ok(refused)
}

/// Whether the identifier is the customer's now.
async fn claim_one(
    tx: &Tx,
    pii: &Pii,
    (root, party): (&str, PartyKind),
    customer: Uuid,
    identifier: &Identifier,
) -> Result<bool, DbErr> {
    let insert = "INSERT INTO identity (root_org, party_kind, kind, blind, customer_id)
       VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (root_org, party_kind, kind, blind) DO NOTHING";
    let mut values = key(pii, root, party, identifier);
    values.push(customer.into());
    if sql::execute(tx, insert, values).await?.rows_affected() > 0 {
        return Ok(true);
    }
    let held = holders(tx, pii, (root, party), std::slice::from_ref(identifier)).await?;
    Ok(held.iter().all(|hit| hit.customer == customer))
}

/// Gives up whatever the customer still claims.
pub async fn release_all(tx: &Tx, customer: Uuid) -> Result<(), DbErr> {
    sql::execute(tx, "DELETE FROM identity WHERE customer_id = $1", vec![customer.into()])
        .await
        .map(drop)
}

/// Gives up a claim; it goes to the party whose record has stated it longest, if there is one.
async fn release(
    tx: &Tx,
    pii: &Pii,
    (root, party): (&str, PartyKind),
    customer: Uuid,
    identifier: &Identifier,
) -> Result<(), DbErr> {
    let delete = "DELETE FROM identity WHERE root_org = $1 AND party_kind = $2 AND kind = $3
       AND blind = $4 AND customer_id = $5";
    let mut values = key(pii, root, party, identifier);
    values.push(customer.into());
    if sql::execute(tx, delete, values.clone()).await?.rows_affected() == 0 {
        return Ok(());
    }
    let inherit = "INSERT INTO identity (root_org, party_kind, kind, blind, customer_id)
       SELECT i.root_org, c.kind, i.kind, i.blind, c.id
       FROM identifier i JOIN membership m ON m.source_record_id = i.source_record_id
         JOIN customer c ON c.id = m.customer_id
       WHERE i.root_org = $1 AND c.kind = $2 AND i.kind = $3 AND i.blind = $4 AND i.valid
         AND c.id <> $5
       ORDER BY i.id LIMIT 1
       ON CONFLICT (root_org, party_kind, kind, blind) DO NOTHING";
    sql::execute(tx, inherit, values).await.map(drop)
}

fn key(pii: &Pii, root: &str, party: PartyKind, identifier: &Identifier) -> Vec<Value> {
    vec![
        root.into(),
        party.as_str().into(),
        identifier.kind.as_str().into(),
        blind(pii, identifier).into(),
    ]
}

/// Ids of customers that state one of the identifiers, whoever claims it; at most `limit`.
pub async fn stated_by(
    conn: &impl ConnectionTrait,
    pii: &Pii,
    root: &str,
    identifiers: &[Identifier],
    limit: u64,
) -> Result<Vec<Uuid>, DbErr> {
    let mut ids: Vec<Uuid> = vec![];
    for identifier in identifiers {
        let select = "SELECT DISTINCT m.customer_id FROM identifier i
             JOIN membership m ON m.source_record_id = i.source_record_id
           WHERE i.root_org = $1 AND i.kind = $2 AND i.blind = $3 LIMIT $4";
        let values = vec![
            root.into(),
            identifier.kind.as_str().into(),
            blind(pii, identifier).into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ];
        for row in sql::all(conn, select, values).await? {
            ids.push(row.try_get("", "customer_id")?);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Which of a party's identifiers another party holds whom the viewer's unit sees, and who that
/// is. Of parties that it does not see nothing is told: neither who they are nor that they exist.
pub async fn contested(
    conn: &impl ConnectionTrait,
    pii: &Pii,
    (viewer, root, party): (&OrgPath, &str, PartyKind),
    customer: Uuid,
    identifiers: &[Identifier],
) -> Result<Vec<(Identifier, Uuid)>, DbErr> {
    let mut held = vec![];
    for identifier in identifiers.iter().filter(|i| i.gives_identity(party)) {
        let holders = holders(conn, pii, (root, party), std::slice::from_ref(identifier)).await?;
        let others = holders.iter().filter(|hit| hit.customer != customer);
        held.extend(others.map(|hit| (identifier.clone(), hit.customer)));
    }
    let ids: Vec<Uuid> = held.iter().map(|(_, holder)| *holder).collect();
    let seen = super::candidates::seen_by(conn, viewer, &ids).await?;
    held.retain(|(_, holder)| seen.contains(holder));
    Ok(held)
}
