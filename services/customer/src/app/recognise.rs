//! Looks for the party that a record is about among those that have one of its identifiers.

use kernel::{Context, Problem};
use store::Tx;
use uuid::Uuid;

use super::{App, party::Party};
use crate::{
    domain::{
        golden::Golden,
        identifier::{Identifier, PartyKind},
        matching::{self, Incoming, Verdict},
        record::{Field, Record},
    },
    store::{candidates, identifiers, suspects},
};

/// Whom a new record is about, as far as the caller may know.
pub async fn record(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    root: &str,
    record: &Record,
) -> Result<Verdict, Problem> {
    let text = |field| record.fields.get(&field)?.value.clone();
    let names = (text(Field::Name).unwrap_or_default(), text(Field::LatinName));
    let all = record.all_identifiers();
    decide(app, tx, ctx, (root, record.kind, Uuid::nil()), names, &all).await
}

/// Notes who else a party may be, after a change by which it states what somebody else holds.
pub async fn suspect(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    party: &Party,
    refused: &[Identifier],
) -> Result<(), Problem> {
    if refused.is_empty() {
        return Ok(());
    }
    let golden: Golden = party.golden();
    let text = |field| golden.get(field).map(str::to_owned);
    let names = (text(Field::Name).unwrap_or_default(), text(Field::LatinName));
    let (root, id) = (party.row.root_org.as_str(), party.row.id);
    let who = (root, party.kind(), id);
    let verdict = decide(app, tx, ctx, who, names, &golden.identifiers).await?;
    // Two that would match are still two until somebody says that they are one.
    Ok(suspects::suspect(tx, root, id, &verdict.everybody(), app.now()).await?)
}

/// Those of the identifiers which another customer holds whom the caller sees.
pub async fn in_sight(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (root, kind, customer): (&str, PartyKind, Uuid),
    refused: &[Identifier],
) -> Result<Vec<Identifier>, Problem> {
    let scope = (&ctx.actor.org, root, kind);
    let held = identifiers::contested(tx, &app.pii, scope, customer, refused).await?;
    Ok(held.into_iter().map(|(identifier, _)| identifier).collect())
}

async fn decide(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (root, kind, but): (&str, PartyKind, Uuid),
    (name, latin_name): (String, Option<String>),
    identifiers: &[Identifier],
) -> Result<Verdict, Problem> {
    let scope = (&ctx.actor.org, root, kind);
    let found = candidates::of(tx, &app.pii, scope, identifiers, but).await?;
    let documents = candidates::documents_of(&app.pii, identifiers);
    Ok(matching::decide(&Incoming { name, latin_name, documents }, &found))
}
