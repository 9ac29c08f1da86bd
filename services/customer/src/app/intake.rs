//! Takes what a source says about a customer: the one way in for REST, upsert and import.
//!
//! A match is a customer whom the caller sees and who is surely the same (`domain/matching.rs`).
//! Anybody else who has an identifier of the newcomer is left as they are: the newcomer becomes a
//! customer of their own, and a person decides. What the caller does not see is not told to them,
//! not even that it is there.
//!
//! The order of locks is always: source record, customer, identifiers (in a fixed order). Two
//! transactions that bring the same customer in at once meet at the source's key or at an
//! identifier; the second waits, and then finds what the first has made. A newcomer, who has no
//! row to lock yet, lets go of all identifiers before they become a source of somebody known.

use kernel::{Context, OrgPath, Problem};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use store::{Tx, sql};
use uuid::Uuid;

use super::{
    App,
    assign::{self, Assignment},
    erase,
    input::OnMatch,
    party::{self, Party, Source},
    publish, recognise,
};
use crate::{
    codes,
    domain::{
        golden::Golden,
        identifier::{Identifier, IdentifierKind, PartyKind},
        matching::{Hit, Verdict},
        record::{Departure, Draft, Record},
    },
    messages,
    store::{
        customers,
        entities::{customer, source_record},
        identifiers,
        sources::{self, Member},
        suspects,
    },
};

/// A source record on its way in.
#[derive(Debug, Clone)]
pub struct Intake {
    pub source: String,
    /// Made up when absent.
    pub source_key: Option<String>,
    pub kind: PartyKind,
    pub draft: Draft,
    /// The input as it came, JSON; equal text means that nothing is new.
    pub received: String,
    pub org: OrgPath,
    pub on_match: OnMatch,
    /// The transaction will be rolled back: no number is drawn.
    pub dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Created,
    /// Became a further source of a known customer, who has this identifier too.
    Matched(IdentifierKind),
    Updated,
    Unchanged,
}

#[derive(Debug, Clone)]
pub struct Taken {
    pub customer: customer::Model,
    pub outcome: Outcome,
    /// Identifiers that another customer holds whom the caller sees: kept, but not this customer's
    /// own.
    pub contested: Vec<Identifier>,
    /// Identifiers of the input that are no such thing: kept and marked.
    pub invalid: Vec<Identifier>,
    /// Kinds of which the input has no usable value, so that the one known from the source stays.
    pub kept: Vec<IdentifierKind>,
    /// What sounds like somebody else under a key that the source has used before.
    pub departures: Vec<Departure>,
}

pub async fn run(app: &App, tx: &Tx, ctx: &Context, intake: Intake) -> Result<Taken, Problem> {
    let root = intake.org.root().as_str().to_owned();
    let record = Record::empty(intake.kind).replaced(&intake.draft, app.now());
    let row = source_row(app, &intake, &record)?;
    if !sources::reserve(tx, row.clone()).await? {
        let known = sources::by_key(tx, &root, &intake.source, &row.source_key).await?;
        let known = known.ok_or_else(|| Problem::internal("a source record without a party"))?;
        return update(app, tx, ctx, intake, known).await;
    }
    let source = Source { member: member(&row), record };
    let verdict = recognise::record(app, tx, ctx, &root, &source.record).await?;
    match verdict.known {
        Some(hit) => attach(app, tx, ctx, intake, source, hit).await,
        None => create(app, tx, ctx, intake, source, verdict).await,
    }
}

/// The source record that is to be; its key is made up where the source has none.
pub(super) fn source_row(
    app: &App,
    intake: &Intake,
    record: &Record,
) -> Result<source_record::Model, Problem> {
    let now = app.now();
    Ok(source_record::Model {
        id: kernel::new_id(),
        root_org: intake.org.root().as_str().to_owned(),
        org: intake.org.as_str().to_owned(),
        source: intake.source.clone(),
        source_key: intake.source_key.clone().unwrap_or_else(|| kernel::new_id().to_string()),
        received: app.pii.seal(&intake.received),
        normalised: app.pii.seal(&serde_json::to_string(record)?),
        fingerprint: fingerprint(app, intake),
        created_at: now,
        updated_at: now,
    })
}

/// The source is known: it says something new, or the same again.
async fn update(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    intake: Intake,
    known: Member,
) -> Result<Taken, Problem> {
    let seen = customers::find(tx, &ctx.actor.org, known.customer_id).await?;
    let customer = seen.ok_or_else(|| Problem::of(&codes::SOURCE_RECORD_ELSEWHERE))?;
    if known.fingerprint == fingerprint(app, &intake) {
        return Ok(Taken {
            customer,
            outcome: Outcome::Unchanged,
            contested: vec![],
            invalid: vec![],
            kept: kept(app, &intake, &known)?,
            departures: vec![],
        });
    }
    if customer.kind != intake.kind.as_str() {
        let detail = messages::kind_changed();
        return Err(Problem::invalid("/kind", "kind-changed", detail));
    }
    let mut party = Party::lock(app, tx, known.customer_id).await?;
    let before = party.golden();
    let now = app.now();
    // Read again under the lock: a concurrent update of the same record may have come first.
    let Some(at) = party.sources.iter().position(|s| s.member.id == known.id) else {
        return Err(Problem::of(&kernel::codes::CONFLICT).detail(messages::record_moved()));
    };
    let old = party.sources[at].record.clone();
    let (new, kept) = old.replaced(&intake.draft, now).keeping(&old);
    rewrite(app, tx, known.id, &intake, &new).await?;
    identifiers::replace(tx, &app.pii, &party.row.root_org, known.id, &new.all_identifiers())
        .await?;
    party.sources[at].record = new.clone();
    let refused = party.claim(app, tx, &before).await?;
    recognise::suspect(app, tx, ctx, &party, &refused).await?;
    let contested = in_sight(app, tx, ctx, &party, &refused).await?;
    let mut also = brought_in(tx, party.row.id, &intake.org).await?;
    if new.wish.tier != old.wish.tier {
        let tier = Assignment::wish(new.wish.tier.as_deref(), &intake.source);
        also.extend(assign::tier(app, tx, &mut party.row, tier).await?);
    }
    if new.wish.account_manager != old.wish.account_manager {
        let manager = Assignment::wish(new.wish.account_manager.as_deref(), &intake.source);
        also.extend(assign::account_manager(app, tx, &mut party.row, manager).await?);
    }
    let customer = party.save(app, tx, ctx, &before, &also).await?;
    let departures = new.departures(&old);
    let (outcome, invalid) = (Outcome::Updated, invalid(&new));
    Ok(Taken { customer, outcome, contested, invalid, kept, departures })
}

/// What was kept when the record came in these words before.
pub(super) fn kept(
    app: &App,
    intake: &Intake,
    known: &Member,
) -> Result<Vec<IdentifierKind>, Problem> {
    let record = Record::empty(intake.kind).replaced(&intake.draft, app.now());
    if record.all_identifiers().iter().all(|i| i.valid) {
        return Ok(vec![]);
    }
    let known = party::open_record(&app.pii, known.clone())?;
    Ok(record.keeping(&known.record).1)
}

/// Lets a unit see the customer; answers what has changed by it.
async fn brought_in(tx: &Tx, id: Uuid, org: &OrgPath) -> Result<Vec<&'static str>, Problem> {
    let new = customers::bring_in(tx, id, org.as_str()).await?;
    Ok(if new { vec!["orgs"] } else { vec![] })
}

/// Another source of a known customer.
async fn attach(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    intake: Intake,
    mut source: Source,
    hit: Hit,
) -> Result<Taken, Problem> {
    if intake.on_match == OnMatch::Reject {
        return Err(duplicate(hit.customer, hit.kind));
    }
    let mut party = Party::lock(app, tx, hit.customer).await?;
    erase::refuse_erased(&party.row)?;
    let before = party.golden();
    let outcome = Outcome::Matched(hit.kind);
    let mut also = brought_in(tx, party.row.id, &intake.org).await?;
    let fingerprint = fingerprint(app, &intake);
    let repeated =
        |s: &Source| s.member.source == intake.source && s.member.fingerprint == fingerprint;
    if intake.source_key.is_none() && party.sources.iter().any(repeated) {
        // The same words without a key of their own: no new record.
        sources::forget(tx, source.member.id).await?;
        let customer = party.save(app, tx, ctx, &before, &also).await?;
        let (contested, invalid, kept, departures) = Default::default();
        return Ok(Taken { customer, outcome, contested, invalid, kept, departures });
    }
    source.member.customer_id = party.row.id;
    join(app, tx, &source, &party.row.root_org, hit.kind.as_str()).await?;
    let (wish, invalid) = (source.record.wish.clone(), invalid(&source.record));
    party.sources.push(source);
    let refused = party.claim(app, tx, &before).await?;
    recognise::suspect(app, tx, ctx, &party, &refused).await?;
    let contested = in_sight(app, tx, ctx, &party, &refused).await?;
    // What people or earlier sources have decided stands.
    if party.row.tier.is_none() {
        let tier = Assignment::wish(wish.tier.as_deref(), &intake.source);
        also.extend(assign::tier(app, tx, &mut party.row, tier).await?);
    }
    if party.row.account_manager.is_none() {
        let manager = Assignment::wish(wish.account_manager.as_deref(), &intake.source);
        also.extend(assign::account_manager(app, tx, &mut party.row, manager).await?);
    }
    let customer = party.save(app, tx, ctx, &before, &also).await?;
    Ok(Taken { customer, outcome, contested, invalid, kept: vec![], departures: vec![] })
}

/// 409: the customer, whom the caller sees, is known by this identifier.
pub fn duplicate(customer: Uuid, kind: IdentifierKind) -> Problem {
    let detail = messages::has_this(customer, kind.as_str());
    Problem::of(&codes::DUPLICATE_CUSTOMER).detail(detail)
}

async fn in_sight(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    party: &Party,
    refused: &[Identifier],
) -> Result<Vec<Identifier>, Problem> {
    let who = (party.row.root_org.as_str(), party.kind(), party.row.id);
    recognise::in_sight(app, tx, ctx, who, refused).await
}

/// Somebody new — unless somebody else brings them in at this very moment. `seen` is what could be
/// seen of others before the identifiers were claimed.
async fn create(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    intake: Intake,
    mut source: Source,
    mut seen: Verdict,
) -> Result<Taken, Problem> {
    let root = intake.org.root().as_str().to_owned();
    let id = kernel::new_id();
    let telling = telling(&source.record);
    let scope = (root.as_str(), intake.kind);
    identifiers::before_claims(tx).await?;
    let refused = identifiers::claim_in_turn(tx, &app.pii, scope, id, &telling).await?;
    if !refused.is_empty() {
        // Whoever shares them is here now or comes after us.
        seen = recognise::record(app, tx, ctx, &root, &source.record).await?;
        if let Some(hit) = seen.known {
            identifiers::give_back(tx).await?;
            return attach(app, tx, ctx, intake, source, hit).await;
        }
    }
    identifiers::keep_claims(tx).await?;
    let near = seen.suspects.iter().find(|s| s.visible);
    if let (OnMatch::Reject, Some(near)) = (intake.on_match, near) {
        let kind = near.shared.first().copied().unwrap_or(IdentifierKind::Phone);
        return Err(duplicate(near.customer, kind));
    }
    suspects::suspect(tx, &root, id, &seen.suspects, app.now()).await?;
    let who = (scope.0, scope.1, id);
    let contested = recognise::in_sight(app, tx, ctx, who, &refused).await?;
    let number = match intake.dry_run {
        true => format!("dry-run-{id}"),
        false => next_number(app, tx, &root).await?,
    };
    let mut row = blank(app, ctx, &intake, (id, number));
    source.member.customer_id = id;
    party::write_golden(&app.pii, &mut row, &party::golden_of(std::slice::from_ref(&source)));
    let mut row = row.into_active_model().insert(tx).await?;
    customers::bring_in(tx, id, &row.org).await?;
    join(app, tx, &source, &root, "created").await?;
    let wish = source.record.wish.clone();
    let tier = Assignment::wish(wish.tier.as_deref(), &intake.source);
    let manager = Assignment::wish(wish.account_manager.as_deref(), &intake.source);
    let mut assigned = assign::tier(app, tx, &mut row, tier).await?;
    assigned.extend(assign::account_manager(app, tx, &mut row, manager).await?);
    if !assigned.is_empty() {
        row = row.into_active_model().reset_all().update(tx).await?;
    }
    party::index(tx, &row).await?;
    publish::registered(app, tx, ctx, &row).await?;
    let invalid = invalid(&source.record);
    let outcome = Outcome::Created;
    let (kept, departures) = Default::default();
    Ok(Taken { customer: row, outcome, contested, invalid, kept, departures })
}

/// A row with nothing of the golden record in it.
pub(super) fn blank(
    app: &App,
    ctx: &Context,
    intake: &Intake,
    (id, number): (Uuid, String),
) -> customer::Model {
    let now = app.now();
    customer::Model {
        id,
        root_org: intake.org.root().as_str().to_owned(),
        org: intake.org.as_str().to_owned(),
        number,
        kind: intake.kind.as_str().to_owned(),
        name: String::new(),
        latin_name: None,
        locale: "zh-CN".to_owned(),
        phone_sealed: None,
        phone_valid: false,
        email_sealed: None,
        email_valid: false,
        address_sealed: None,
        tier: None,
        tier_version: 0,
        tier_until: None,
        account_manager: None,
        version: 1,
        created_at: now,
        updated_at: now,
        created_by: ctx.actor.id.clone(),
        erased_at: None,
        merged_at: None,
    }
}

/// Unique under concurrency: the counter's row is locked until the transaction ends.
async fn next_number(app: &App, tx: &Tx, root: &str) -> Result<String, Problem> {
    let (counter, number) = numbering(app, root);
    Ok(number(sql::next_number(tx, &counter).await?))
}

/// The counter of today's numbers, and how it makes them.
pub(super) fn numbering<'a>(
    app: &'a App,
    root: &str,
) -> (String, impl Fn(i64) -> String + use<'a>) {
    let pattern = app.numbering.of(root);
    let today = app.now().with_timezone(&app.numbering.offset);
    let counter = format!("customer:{root}:{}", pattern.counter(today));
    (counter, move |sequence| pattern.number(today, sequence))
}

fn invalid(record: &Record) -> Vec<Identifier> {
    record.all_identifiers().into_iter().filter(|i| !i.valid).collect()
}

pub(super) fn telling(record: &Record) -> Vec<Identifier> {
    record.all_identifiers().into_iter().filter(|i| i.gives_identity(record.kind)).collect()
}

async fn join(
    app: &App,
    tx: &Tx,
    source: &Source,
    root: &str,
    reason: &str,
) -> Result<(), Problem> {
    let (id, customer) = (source.member.id, source.member.customer_id);
    sources::join(tx, id, customer, reason, app.now()).await?;
    identifiers::add(tx, &app.pii, root, id, &source.record.all_identifiers()).await?;
    Ok(())
}

async fn rewrite(
    app: &App,
    tx: &Tx,
    id: Uuid,
    intake: &Intake,
    record: &Record,
) -> Result<(), Problem> {
    let texts = (
        app.pii.seal(&intake.received),
        app.pii.seal(&serde_json::to_string(record)?),
        fingerprint(app, intake),
    );
    Ok(sources::rewrite(tx, id, texts, app.now()).await?)
}

pub(super) fn fingerprint(app: &App, intake: &Intake) -> String {
    app.pii.blind("source-record", &intake.received)
}

/// The golden record of somebody who has one source.
pub(super) fn golden_alone(row: &source_record::Model, record: &Record) -> Golden {
    party::golden_of(&[Source { member: member(row), record: record.clone() }])
}

fn member(row: &source_record::Model) -> Member {
    Member {
        id: row.id,
        customer_id: Uuid::nil(),
        org: row.org.clone(),
        source: row.source.clone(),
        source_key: row.source_key.clone(),
        received: row.received.clone(),
        normalised: row.normalised.clone(),
        fingerprint: row.fingerprint.clone(),
        reason: String::new(),
        since: row.created_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
