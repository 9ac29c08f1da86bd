//! A party in hand: its locked row and what its sources say. Every change of a customer goes
//! through [`Party::save`], so that version, search index, history and event never part.

use kernel::{Context, Problem, codes};
use sea_orm::{ActiveModelTrait, ConnectionTrait, IntoActiveModel};
use store::{Pii, Tx, fts};
use uuid::Uuid;

use super::{App, publish};
use crate::{
    domain::{
        golden::{self, Golden, SourceView},
        identifier::{Identifier, PartyKind},
        name,
        record::{Field, Record},
    },
    messages,
    store::{
        customers,
        entities::{contact, customer},
        identifiers,
        sources::{self, Member},
    },
};

/// A source record, opened.
#[derive(Debug, Clone)]
pub struct Source {
    pub member: Member,
    pub record: Record,
}

/// A customer with everything that his golden record is computed from.
#[derive(Debug, Clone)]
pub struct Party {
    pub row: customer::Model,
    pub sources: Vec<Source>,
}

/// Opens a source record.
pub fn open_record(pii: &Pii, member: Member) -> Result<Source, Problem> {
    let record = serde_json::from_str(&pii.open(&member.normalised)?)?;
    Ok(Source { member, record })
}

/// The opened source records of a customer, oldest first.
pub async fn sources_of(
    app: &App,
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Vec<Source>, Problem> {
    let members = sources::of_customer(conn, id).await?;
    members.into_iter().map(|member| open_record(&app.pii, member)).collect()
}

/// The golden record of opened source records.
#[must_use]
pub fn golden_of(sources: &[Source]) -> Golden {
    let views: Vec<SourceView> = sources
        .iter()
        .map(|s| SourceView {
            source: s.member.source.clone(),
            source_key: s.member.source_key.clone(),
            record: s.record.clone(),
        })
        .collect();
    golden::survive(&views)
}

impl Party {
    /// Locks the customer and reads their sources. 409 for one who has become another's former id
    /// since the caller looked.
    pub async fn lock(app: &App, tx: &Tx, id: Uuid) -> Result<Self, Problem> {
        let row = customers::lock(tx, id).await?.ok_or_else(Problem::not_found)?;
        if row.merged_at.is_some() {
            let detail = messages::just_merged();
            return Err(Problem::of(&codes::CONFLICT).detail(detail));
        }
        let sources = sources_of(app, tx, id).await?;
        Ok(Self { row, sources })
    }

    #[must_use]
    pub fn golden(&self) -> Golden {
        golden_of(&self.sources)
    }

    #[must_use]
    pub fn kind(&self) -> PartyKind {
        kind_of(&self.row)
    }

    /// Brings the party's claims in line: gives up what no source states any more, takes what is
    /// free. Answers the identifiers that somebody else holds.
    pub async fn claim(
        &self,
        app: &App,
        tx: &Tx,
        before: &Golden,
    ) -> Result<Vec<Identifier>, Problem> {
        let scope = (self.row.root_org.as_str(), self.kind());
        let telling = |golden: &Golden| -> Vec<_> {
            golden.identifiers.iter().filter(|i| i.gives_identity(scope.1)).cloned().collect()
        };
        let (old, new) = (telling(before), telling(&self.golden()));
        let stays = |i: &&Identifier| new.iter().any(|n| n.kind == i.kind && n.value == i.value);
        let gone: Vec<_> = old.iter().filter(|i| !stays(i)).cloned().collect();
        Ok(identifiers::settle(tx, &app.pii, scope, self.row.id, (&gone, &new)).await?)
    }

    /// Writes the golden record and tells of the change; nothing at all where nothing changed.
    /// `also` names what the caller has changed in the row by himself.
    pub async fn save(
        mut self,
        app: &App,
        tx: &Tx,
        ctx: &Context,
        before: &Golden,
        also: &[&'static str],
    ) -> Result<customer::Model, Problem> {
        let after = self.golden();
        let mut changed = golden::diff(before, &after);
        changed.extend(also);
        if changed.is_empty() {
            return Ok(self.row);
        }
        let now = app.now();
        write_golden(&app.pii, &mut self.row, &after);
        self.row.version += 1;
        self.row.updated_at = now;
        let row = self.row.into_active_model().reset_all().update(tx).await?;
        if changed.iter().any(|c| ["name", "latin_name"].contains(c)) {
            index(tx, &row).await?;
        }
        let changed: Vec<String> = changed.into_iter().map(str::to_owned).collect();
        publish::changed(app, tx, ctx, &row, changed.clone()).await?;
        publish::under_former_ids(app, tx, ctx, &row, changed).await?;
        Ok(row)
    }
}

#[must_use]
pub fn kind_of(row: &customer::Model) -> PartyKind {
    row.kind.parse().unwrap_or(PartyKind::Person)
}

/// Puts the golden record into the row's columns. Values that did not change keep their sealed
/// text, so that a row is not rewritten for nothing.
pub fn write_golden(pii: &Pii, row: &mut customer::Model, golden: &Golden) {
    let sealed = |old: &Option<String>, field: Field| {
        let new = golden.get(field)?;
        let unchanged = old.clone().filter(|s| pii.open(s).is_ok_and(|plain| plain == new));
        Some(unchanged.unwrap_or_else(|| pii.seal(new)))
    };
    if let Some(name) = golden.get(Field::Name) {
        row.name = name.to_owned();
    }
    row.latin_name = golden.get(Field::LatinName).map(str::to_owned);
    row.locale = golden.get(Field::Locale).unwrap_or("zh-CN").to_owned();
    row.phone_sealed = sealed(&row.phone_sealed, Field::Phone);
    row.phone_valid = golden.usable(Field::Phone).is_some();
    row.email_sealed = sealed(&row.email_sealed, Field::Email);
    row.email_valid = golden.usable(Field::Email).is_some();
    row.address_sealed = sealed(&row.address_sealed, Field::Address);
}

/// Writes the words by which the customer is found: numbers, former ones too, names in every
/// spelling, and the names of contacts.
pub async fn index(tx: &Tx, row: &customer::Model) -> Result<(), Problem> {
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
    let former = customers::former_ids(tx, row.id).await?;
    let ids: Vec<Uuid> = std::iter::once(row.id).chain(former.iter().copied()).collect();
    let contacts = match kind_of(row) {
        PartyKind::Person => vec![],
        PartyKind::Organisation => {
            let all = contact::Entity::find().filter(contact::Column::CustomerId.is_in(ids));
            all.limit(super::contacts::MOST).all(tx).await?
        }
    };
    let former = customer::Entity::find().filter(customer::Column::Id.is_in(former));
    let mut words = vec![words(row, &contacts)];
    words.extend(former.all(tx).await?.into_iter().map(|row| row.number));
    fts::put(tx, "customer", row.id, &words.join(" ")).await?;
    Ok(())
}

/// The words of [`index`] but for former numbers, as one text.
#[must_use]
pub fn words(row: &customer::Model, contacts: &[contact::Model]) -> String {
    let mut words = vec![row.number.clone(), name::search_text(&row.name)];
    words.extend(row.latin_name.iter().cloned());
    words.extend(contacts.iter().map(|c| name::search_text(&c.name)));
    words.join(" ")
}
