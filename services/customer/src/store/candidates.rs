//! Known parties that have an identifier of an incoming record.

use kernel::OrgPath;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QuerySelect,
    Value,
};
use store::{Pii, sql};
use uuid::Uuid;

use super::{
    customers,
    entities::customer,
    identifiers::{self, blind},
};
use crate::domain::{
    identifier::{Identifier, IdentifierKind, PartyKind},
    matching::Candidate,
};

/// Parties looked at per identifier: a number that stands for "none" in some system is stated by
/// thousands.
const MOST: i64 = 200;

#[derive(Debug, FromQueryResult)]
struct Stated {
    id: Uuid,
    name: String,
    latin_name: Option<String>,
}

#[derive(Debug, FromQueryResult)]
struct Document {
    customer_id: Uuid,
    kind: String,
    blind: String,
}

/// Parties that state one of the identifiers which tell who somebody is, with everything else that
/// they share with the record; `but` aside. `viewer` is the caller's unit.
pub async fn of(
    conn: &impl ConnectionTrait,
    pii: &Pii,
    (viewer, root, party): (&OrgPath, &str, PartyKind),
    identifiers: &[Identifier],
    but: Uuid,
) -> Result<Vec<Candidate>, DbErr> {
    let mut found: Vec<Candidate> = vec![];
    let (telling, others): (Vec<Identifier>, Vec<Identifier>) =
        identifiers.iter().filter(|i| i.valid).cloned().partition(|i| i.gives_identity(party));
    for identifier in &telling {
        for row in stating(conn, pii, (root, party), identifier).await? {
            match found.iter_mut().find(|c| c.customer == row.id) {
                Some(known) => known.shared.push(identifier.kind),
                None if row.id != but => found.push(Candidate {
                    customer: row.id,
                    name: row.name,
                    latin_name: row.latin_name,
                    shared: vec![identifier.kind],
                    documents: vec![],
                    holds: false,
                    visible: false,
                }),
                None => {}
            }
        }
    }
    if found.is_empty() {
        return Ok(found);
    }
    for identifier in &others {
        for row in stating(conn, pii, (root, party), identifier).await? {
            if let Some(known) = found.iter_mut().find(|c| c.customer == row.id) {
                known.shared.push(identifier.kind);
            }
        }
    }
    let holders = identifiers::holders(conn, pii, (root, party), &telling).await?;
    let ids: Vec<Uuid> = found.iter().map(|c| c.customer).collect();
    let documents = documents(conn, &ids).await?;
    let visible = seen_by(conn, viewer, &ids).await?;
    for candidate in &mut found {
        candidate.shared.sort_unstable();
        candidate.holds = holders.iter().any(|hit| hit.customer == candidate.customer);
        candidate.visible = visible.contains(&candidate.customer);
        candidate.documents = documents
            .iter()
            .filter(|d| d.customer_id == candidate.customer)
            .filter_map(|d| Some((d.kind.parse().ok()?, d.blind.clone())))
            .collect();
    }
    Ok(found)
}

/// Identity cards and credit codes of the record, as [`Candidate`] has them.
#[must_use]
pub fn documents_of(pii: &Pii, identifiers: &[Identifier]) -> Vec<(IdentifierKind, String)> {
    identifiers
        .iter()
        .filter(|i| i.valid && [IdentifierKind::IdCard, IdentifierKind::Uscc].contains(&i.kind))
        .map(|i| (i.kind, blind(pii, i)))
        .collect()
}

/// Those of the customers whom the unit sees.
pub async fn seen_by(
    conn: &impl ConnectionTrait,
    viewer: &OrgPath,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, DbErr> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    customer::Entity::find()
        .select_only()
        .column(customer::Column::Id)
        .filter(customers::visible_to(viewer))
        .filter(customer::Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(conn)
        .await
}

async fn stating(
    conn: &impl ConnectionTrait,
    pii: &Pii,
    (root, party): (&str, PartyKind),
    identifier: &Identifier,
) -> Result<Vec<Stated>, DbErr> {
    let select = "SELECT DISTINCT c.id, c.name, c.latin_name FROM
         (SELECT source_record_id FROM identifier
          WHERE root_org = $1 AND kind = $2 AND blind = $3 AND valid LIMIT $5) i
         JOIN membership m ON m.source_record_id = i.source_record_id
         JOIN customer c ON c.id = m.customer_id
       WHERE c.kind = $4";
    let values = vec![
        root.into(),
        identifier.kind.as_str().into(),
        blind(pii, identifier).into(),
        party.as_str().into(),
        MOST.into(),
    ];
    sql::rows(conn, select, values).await
}

async fn documents(conn: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Document>, DbErr> {
    let places: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let select = format!(
        "SELECT m.customer_id, i.kind, i.blind FROM membership m
           JOIN identifier i ON i.source_record_id = m.source_record_id
         WHERE m.customer_id IN ({}) AND i.kind IN ('id_card', 'uscc') AND i.valid",
        places.join(", ")
    );
    let values: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    sql::rows(conn, &select, values).await
}
