//! Changes made by hand: they are one more source record of the party, named `desk`, so that the
//! golden record stays a function of its sources and a later word of a source can outdo them.

use kernel::{Context, Fields, Problem};
use store::Tx;
use uuid::Uuid;

use super::{
    App, assign,
    input::CustomerPatch,
    intake,
    party::{Party, Source},
    recognise,
};
use crate::{
    domain::{identifier::Identifier, matching, record::Record},
    store::{
        entities::{customer, source_record},
        identifiers,
        sources::{self, Member},
    },
};

/// Source of what people enter by hand; its key is the customer's id.
pub const DESK: &str = "desk";

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (id, version): (Uuid, i64),
    patch: CustomerPatch,
) -> Result<customer::Model, Problem> {
    let mut fields = Fields::new();
    patch.check(&mut fields);
    fields.finish()?;
    let mut party = assign::locked(app, tx, ctx, id, version).await?;
    let before = party.golden();
    let at = desk(app, tx, &mut party).await?;
    let source = &mut party.sources[at];
    source.record = source.record.amended(&patch.draft(), app.now());
    let (record, record_id) = (source.record.clone(), source.member.id);
    let received = serde_json::to_string(&patch)?;
    let texts = (
        app.pii.seal(&received),
        app.pii.seal(&serde_json::to_string(&record)?),
        app.pii.blind("source-record", &received),
    );
    sources::rewrite(tx, record_id, texts, app.now()).await?;
    identifiers::replace(tx, &app.pii, &party.row.root_org, record_id, &record.all_identifiers())
        .await?;
    let refused = party.claim(app, tx, &before).await?;
    refuse_others(app, tx, ctx, &party, &record, &refused).await?;
    recognise::suspect(app, tx, ctx, &party, &refused).await?;
    party.save(app, tx, ctx, &before, &[]).await
}

/// Who enters an identity card, credit code or member number of somebody else is told so, if they
/// see that customer. Else it is kept, as a shared telephone is, and whoever sees both decides.
async fn refuse_others(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    party: &Party,
    entered: &Record,
    refused: &[Identifier],
) -> Result<(), Problem> {
    let entered = entered.all_identifiers();
    let refused: Vec<Identifier> = refused
        .iter()
        .filter(|r| matching::is_strong(r.kind))
        .filter(|r| entered.iter().any(|e| e.kind == r.kind && e.value == r.value))
        .cloned()
        .collect();
    let scope = (&ctx.actor.org, party.row.root_org.as_str(), party.kind());
    let held = identifiers::contested(tx, &app.pii, scope, party.row.id, &refused).await?;
    match held.first() {
        Some((identifier, holder)) => Err(intake::duplicate(*holder, identifier.kind)),
        None => Ok(()),
    }
}

/// Position of the party's desk record, which is made when it is first needed.
async fn desk(app: &App, tx: &Tx, party: &mut Party) -> Result<usize, Problem> {
    let key = party.row.id.to_string();
    let known =
        party.sources.iter().position(|s| s.member.source == DESK && s.member.source_key == key);
    if let Some(at) = known {
        return Ok(at);
    }
    let now = app.now();
    let record = Record::empty(party.kind());
    let normalised = app.pii.seal(&serde_json::to_string(&record)?);
    let row = source_record::Model {
        id: kernel::new_id(),
        root_org: party.row.root_org.clone(),
        org: party.row.org.clone(),
        source: DESK.to_owned(),
        source_key: key.clone(),
        received: app.pii.seal("{}"),
        normalised: normalised.clone(),
        fingerprint: String::new(),
        created_at: now,
        updated_at: now,
    };
    if !sources::reserve(tx, row.clone()).await? {
        return Err(Problem::internal("the desk record belongs to another party"));
    }
    sources::join(tx, row.id, party.row.id, "created", now).await?;
    let member = Member {
        id: row.id,
        customer_id: party.row.id,
        org: row.org,
        source: row.source,
        source_key: row.source_key,
        received: row.received,
        normalised,
        fingerprint: row.fingerprint,
        reason: "created".to_owned(),
        since: now,
        created_at: now,
        updated_at: now,
    };
    party.sources.push(Source { member, record });
    Ok(party.sources.len() - 1)
}
