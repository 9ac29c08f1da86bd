//! Changes made by hand: they are one more source record of the party, named `desk`, so that the
//! golden record stays a function of its sources and a later word of a source can outdo them.

use kernel::{Context, Fields, Problem};
use store::Tx;
use uuid::Uuid;

use super::{
    App, assign,
    input::CustomerPatch,
    party::{Party, Source},
};
use crate::{
    codes,
    domain::record::Record,
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
    let contested = party.claim(app, tx, &before).await?;
    refuse_others(app, tx, &party, &record, &contested).await?;
    party.save(app, tx, ctx, &before, &[]).await
}

/// A person who enters an identifier of somebody else is told so.
async fn refuse_others(
    app: &App,
    tx: &Tx,
    party: &Party,
    entered: &Record,
    contested: &[crate::domain::identifier::Identifier],
) -> Result<(), Problem> {
    let entered = entered.all_identifiers();
    let Some(held) =
        contested.iter().find(|c| entered.iter().any(|e| e.kind == c.kind && e.value == c.value))
    else {
        return Ok(());
    };
    let scope = (party.row.root_org.as_str(), party.kind());
    let holders = identifiers::holders(tx, &app.pii, scope, std::slice::from_ref(held)).await?;
    let holder = holders.first().map(|hit| hit.customer.to_string()).unwrap_or_default();
    let detail = format!("customer {holder} has this {}", held.kind);
    Err(Problem::of(&codes::DUPLICATE_CUSTOMER).detail(detail))
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
