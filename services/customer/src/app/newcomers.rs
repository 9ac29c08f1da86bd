//! A batch of records on its way in, as far as nothing has to be decided about them: those that say
//! nothing new, and those of whom nobody has heard. A handful of statements does for all of them
//! what [`intake`] does for one at some twenty; whoever is known by a key or an identifier, in the
//! database or in the batch itself, is left to it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use kernel::{Context, Problem};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use store::{Row, Tx, fts};
use uuid::Uuid;

use super::{
    App,
    assign::Assignment,
    intake::{self, Intake, Outcome, Taken},
    party, publish,
};
use crate::{
    domain::{
        identifier::{Identifier, IdentifierKind},
        record::Record,
    },
    store::{
        bulk::{self, Claim},
        customers,
        entities::{assignment, customer, source_record, tier},
        history::{ACCOUNT_MANAGER, TIER},
        identifiers,
        sources::Member,
        tiers,
    },
};

/// Somebody new.
struct Newcomer<'a> {
    /// Place in the batch.
    at: usize,
    intake: &'a Intake,
    record: Record,
    source: source_record::Model,
    id: Uuid,
    stated: Vec<Stated>,
}

/// Takes in what is plain of a batch of one source and enterprise; `None` in its places are rows
/// that are none. Answers what became of each, `None` for those left to [`intake::run`]; nothing at
/// all where somebody else came in between: the transaction is then to be rolled back.
pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    batch: &[Option<&Intake>],
) -> Result<Option<Vec<Option<Taken>>>, Problem> {
    let mut taken: Vec<Option<Taken>> = vec![None; batch.len()];
    let Some(first) = batch.iter().flatten().next() else { return Ok(Some(taken)) };
    let root = first.org.root().as_str().to_owned();
    let single = once(batch.iter().flatten().filter_map(|i| i.source_key.as_deref()));
    let keys: Vec<&str> = single.iter().copied().collect();
    let known = match keys.is_empty() {
        true => vec![],
        false => bulk::by_keys(tx, (&root, &first.source), &keys).await?,
    };
    let known: HashMap<&str, &Member> =
        known.iter().map(|member| (member.source_key.as_str(), member)).collect();
    unchanged(app, tx, ctx, batch, (&single, &known), &mut taken).await?;
    let new = newcomers(app, tx, &root, batch, (&single, &known)).await?;
    if new.is_empty() {
        return Ok(Some(taken));
    }
    let rows = new.iter().map(|one| one.source.clone()).collect();
    if !bulk::reserve(tx, rows).await? || !bulk::claim(tx, &root, claims(app, &new)).await? {
        return Ok(None);
    }
    let Some(tiers) = hold_tiers(tx, &root, &new).await? else { return Ok(None) };
    for (at, customer) in write(app, tx, ctx, &root, new, &tiers).await? {
        taken[at] = Some(plain(customer, Outcome::Created));
    }
    Ok(Some(taken))
}

fn plain(customer: customer::Model, outcome: Outcome) -> Taken {
    let (contested, invalid, kept, departures) = Default::default();
    Taken { customer, outcome, contested, invalid, kept, departures }
}

/// What occurs exactly once.
fn once<'a>(all: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count == 1).map(|(one, _)| one).collect()
}

/// Records that their source has sent in these words before.
async fn unchanged(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    batch: &[Option<&Intake>],
    (single, known): (&HashSet<&str>, &HashMap<&str, &Member>),
    taken: &mut [Option<Taken>],
) -> Result<(), Problem> {
    let same = |intake: &Intake| -> Option<&Member> {
        let key = intake.source_key.as_deref().filter(|key| single.contains(key))?;
        let member: &Member = known.get(key)?;
        (member.fingerprint == intake::fingerprint(app, intake)).then_some(member)
    };
    let members: Vec<Option<&Member>> = batch.iter().map(|intake| same((*intake)?)).collect();
    let wanted: BTreeSet<Uuid> = members.iter().flatten().map(|m| m.customer_id).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let found = customer::Entity::find()
        .filter(customer::Column::Id.is_in(wanted))
        .filter(customers::visible_to(&ctx.actor.org))
        .all(tx)
        .await?;
    let found: HashMap<Uuid, customer::Model> = found.into_iter().map(|c| (c.id, c)).collect();
    for ((slot, intake), member) in taken.iter_mut().zip(batch).zip(members) {
        let (Some(intake), Some(member)) = (intake, member) else { continue };
        if let Some(customer) = found.get(&member.customer_id) {
            let kept = intake::kept(app, intake, member)?;
            *slot = Some(Taken { kept, ..plain(customer.clone(), Outcome::Unchanged) });
        }
    }
    Ok(())
}

/// An identifier by its keyed hash.
type Stated = (IdentifierKind, String);

/// Those whom neither a key nor an identifier connects with anybody, and who want no tier that the
/// enterprise has not. Of several in the batch who share an identifier, the first.
async fn newcomers<'a>(
    app: &App,
    tx: &Tx,
    root: &str,
    batch: &[Option<&'a Intake>],
    (single, known): (&HashSet<&str>, &HashMap<&str, &Member>),
) -> Result<Vec<Newcomer<'a>>, Problem> {
    let now = app.now();
    let mut spoken_for: HashSet<Stated> = HashSet::new();
    let mut new = vec![];
    for (at, intake) in batch.iter().enumerate().filter_map(|(at, i)| Some((at, (*i)?))) {
        let record = Record::empty(intake.kind).replaced(&intake.draft, now);
        let stated: Vec<Stated> = intake::telling(&record)
            .iter()
            .map(|i| (i.kind, identifiers::blind(&app.pii, i)))
            .collect();
        let shared = stated.iter().any(|one| spoken_for.contains(one));
        spoken_for.extend(stated.iter().cloned());
        let plain = intake
            .source_key
            .as_deref()
            .is_some_and(|key| single.contains(key) && !known.contains_key(key));
        if plain && !shared {
            let source = intake::source_row(app, intake, &record)?;
            new.push(Newcomer { at, intake, record, source, id: kernel::new_id(), stated });
        }
    }
    let known = stated(tx, root, &new).await?;
    new.retain(|one| !one.stated.iter().any(|stated| known.contains(stated)));
    if new.iter().any(|one| one.record.wish.tier.is_some()) {
        tiers::ensure(tx, root, now).await?;
        let tiers = tiers::all(tx, root).await?;
        new.retain(|one| {
            let wanted = one.record.wish.tier.as_deref();
            wanted.is_none_or(|key| tiers.iter().any(|tier| tier.key == key))
        });
    }
    Ok(new)
}

async fn stated(tx: &Tx, root: &str, new: &[Newcomer<'_>]) -> Result<HashSet<Stated>, Problem> {
    let mut wanted: HashMap<IdentifierKind, Vec<&str>> = HashMap::new();
    for (kind, blind) in new.iter().flat_map(|one| &one.stated) {
        wanted.entry(*kind).or_default().push(blind);
    }
    let mut all = HashSet::new();
    for (kind, blinds) in wanted {
        let found = bulk::stated(tx, (root, kind), &blinds).await?;
        all.extend(found.into_iter().map(|blind| (kind, blind)));
    }
    Ok(all)
}

/// What the newcomers claim.
fn claims(app: &App, new: &[Newcomer<'_>]) -> Vec<Claim> {
    let of = |one: &Newcomer<'_>| -> Vec<Claim> {
        let claim = |i: &Identifier| Claim {
            party: one.intake.kind,
            kind: i.kind,
            blind: identifiers::blind(&app.pii, i),
            customer: one.id,
        };
        intake::telling(&one.record).iter().map(claim).collect()
    };
    new.iter().flat_map(of).collect()
}

/// The tiers that newcomers get, kept from changing; nothing where one has gone meanwhile.
async fn hold_tiers(
    tx: &Tx,
    root: &str,
    new: &[Newcomer<'_>],
) -> Result<Option<BTreeMap<String, tier::Model>>, Problem> {
    let wanted: BTreeSet<&str> =
        new.iter().filter_map(|one| one.record.wish.tier.as_deref()).collect();
    let mut held = BTreeMap::new();
    for key in wanted {
        let Some(tier) = tiers::hold(tx, root, key).await? else { return Ok(None) };
        held.insert(key.to_owned(), tier);
    }
    Ok(Some(held))
}

/// Everything else about the newcomers, table by table.
async fn write(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    root: &str,
    new: Vec<Newcomer<'_>>,
    tiers: &BTreeMap<String, tier::Model>,
) -> Result<Vec<(usize, customer::Model)>, Problem> {
    let numbers = numbers(app, tx, root, &new).await?;
    let mut rows: Vec<customer::Model> = vec![];
    for (one, number) in new.iter().zip(numbers) {
        let mut row = intake::blank(app, ctx, one.intake, (one.id, number));
        party::write_golden(&app.pii, &mut row, &intake::golden_alone(&one.source, &one.record));
        if let Some(tier) = one.record.wish.tier.as_ref().and_then(|key| tiers.get(key)) {
            row.tier = Some(tier.key.clone());
            row.tier_version = tier.version;
        }
        row.account_manager.clone_from(&one.record.wish.account_manager);
        rows.push(row);
    }
    for row in &rows {
        tx.insert_later(Row::of::<customer::Entity>(row));
    }
    for row in &rows {
        let values = vec![row.org.as_str().into(), row.id.into()];
        tx.insert_later(Row::new("customer_org (org, customer_id)", "(?, ?)", values));
    }
    for one in &new {
        join(app, tx, root, one);
    }
    for (one, row) in new.iter().zip(&rows) {
        assigned(app, tx, one, row);
    }
    let words: Vec<(Uuid, String)> =
        rows.iter().map(|row| (row.id, party::words(row, &[]))).collect();
    fts::add_all(tx, "customer", &words).await?;
    for row in &rows {
        let tier = row.tier.as_ref().and_then(|key| tiers.get(key));
        publish::registered_with(app, tx, ctx, row, tier).await?;
    }
    Ok(new.iter().map(|one| one.at).zip(rows).collect())
}

async fn numbers(
    app: &App,
    tx: &Tx,
    root: &str,
    new: &[Newcomer<'_>],
) -> Result<Vec<String>, Problem> {
    if new.iter().any(|one| one.intake.dry_run) {
        return Ok(new.iter().map(|one| format!("dry-run-{}", one.id)).collect());
    }
    let (counter, number) = intake::numbering(app, root);
    let first = bulk::next_numbers(tx, &counter, new.len()).await?;
    Ok((first..).take(new.len()).map(number).collect())
}

fn join(app: &App, tx: &Tx, root: &str, one: &Newcomer<'_>) {
    let source = one.source.id;
    tx.insert_later(Row::new(
        "membership (source_record_id, customer_id, reason, since)",
        "(?, ?, ?, ?)",
        vec![source.into(), one.id.into(), "created".into(), one.source.created_at.into()],
    ));
    let row = |identifier: &Identifier| {
        Row::new(
            "identifier (id, root_org, source_record_id, kind, sealed, blind, valid)",
            "(?, ?, ?, ?, ?, ?, ?)",
            vec![
                kernel::new_id().into(),
                root.into(),
                source.into(),
                identifier.kind.as_str().into(),
                app.pii.seal(&identifier.value).into(),
                identifiers::blind(&app.pii, identifier).into(),
                identifier.valid.into(),
            ],
        )
    };
    one.record.all_identifiers().iter().map(row).for_each(|row| tx.insert_later(row));
}

/// History of tier and account manager.
fn assigned(app: &App, tx: &Tx, one: &Newcomer<'_>, row: &customer::Model) {
    for (what, value) in [(TIER, &row.tier), (ACCOUNT_MANAGER, &row.account_manager)] {
        let wish = Assignment::wish(value.as_deref(), &one.intake.source);
        if let Some(new) = wish {
            tx.insert_later(Row::of::<assignment::Entity>(&assignment::Model {
                id: kernel::new_id(),
                customer_id: row.id,
                what: what.to_owned(),
                value: new.value,
                since: app.now(),
                until_at: None,
                ended_at: None,
                reason: None,
                assigned_by: new.by,
            }));
        }
    }
}
