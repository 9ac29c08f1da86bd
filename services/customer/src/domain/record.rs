//! What one source says about a party. A field's time is when the source last said something new,
//! so a source that repeats itself does not outdo a later word of another.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{
    identifier::{Identifier, IdentifierKind, PartyKind},
    matching, name,
};

/// Fields of which a party has one value.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Name,
    LatinName,
    Locale,
    Phone,
    Email,
    Address,
}

impl Field {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::LatinName => "latin_name",
            Self::Locale => "locale",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Address => "address",
        }
    }
}

/// One field's value as a source states it; no value: the source says that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub value: Option<String>,
    pub valid: bool,
    pub at: DateTime<Utc>,
}

/// Input of a source, not yet timed. A field that is absent is not spoken of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    pub fields: BTreeMap<Field, Option<String>>,
    /// Beyond the main phone and e-mail.
    pub identifiers: Option<Vec<(IdentifierKind, String)>>,
    pub wish: Wish,
}

/// What a source wants to be assigned. No statement about the party itself: it acts when it is
/// new in the record, and later decisions of people stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    pub tier: Option<String>,
    pub account_manager: Option<String>,
}

impl Draft {
    #[must_use]
    pub fn with(mut self, field: Field, value: Option<&str>) -> Self {
        if let Some(value) = value.map(str::trim).filter(|v| !v.is_empty()) {
            self.fields.insert(field, Some(value.to_owned()));
        }
        self
    }
}

/// A sign that a source means somebody else under a key that it has used before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// No spelling of the name that was known.
    Name,
    /// Another identity card, credit code or member number.
    Identifier(IdentifierKind),
}

/// A source record in normal form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub kind: PartyKind,
    pub fields: BTreeMap<Field, Statement>,
    pub identifiers: Vec<Identifier>,
    pub wish: Wish,
}

impl Record {
    #[must_use]
    pub fn empty(kind: PartyKind) -> Self {
        Self { kind, fields: BTreeMap::new(), identifiers: vec![], wish: Wish::default() }
    }

    /// The source has sent its whole record: what it no longer mentions is gone.
    #[must_use]
    pub fn replaced(&self, draft: &Draft, now: DateTime<Utc>) -> Self {
        let mut next = self.amended(draft, now);
        next.fields.retain(|field, _| draft.fields.contains_key(field));
        if draft.identifiers.is_none() {
            next.identifiers.clear();
        }
        next.wish = draft.wish.clone();
        next
    }

    /// The source has sent single fields: the others stay.
    #[must_use]
    pub fn amended(&self, draft: &Draft, now: DateTime<Utc>) -> Self {
        let mut next = self.clone();
        for (field, raw) in &draft.fields {
            let (value, valid) = normal_form(*field, raw.as_deref());
            let known = self.fields.get(field).filter(|s| s.value == value);
            let at = known.map_or(now, |s| s.at);
            next.fields.insert(*field, Statement { value, valid, at });
        }
        if let Some(given) = &draft.identifiers {
            let read = |(kind, raw): &(_, String)| Identifier::read(*kind, raw, now.date_naive());
            next.identifiers = given.iter().map(read).collect();
        }
        next
    }

    /// The record with the valid values of `old` where it has one that is none: what a file has
    /// damaged takes nothing away. Answers the kinds of which a known value was kept.
    #[must_use]
    pub fn keeping(mut self, old: &Self) -> (Self, Vec<IdentifierKind>) {
        let mut kept = vec![];
        for (field, kind) in
            [(Field::Phone, IdentifierKind::Phone), (Field::Email, IdentifierKind::Email)]
        {
            let damaged = self.fields.get(&field).is_some_and(|s| s.value.is_some() && !s.valid);
            let known = old.fields.get(&field).filter(|s| s.value.is_some() && s.valid);
            if let (true, Some(known)) = (damaged, known) {
                self.fields.insert(field, known.clone());
                kept.push(kind);
            }
        }
        // As many as are damaged, of those that are not there otherwise.
        let mut free: Vec<Identifier> =
            old.identifiers.iter().filter(|i| i.valid).cloned().collect();
        free.retain(|known| !self.identifiers.iter().any(|i| same(i, known)));
        for identifier in self.identifiers.iter_mut().filter(|i| !i.valid) {
            if let Some(at) = free.iter().position(|known| known.kind == identifier.kind) {
                *identifier = free.remove(at);
                if !kept.contains(&identifier.kind) {
                    kept.push(identifier.kind);
                }
            }
        }
        (self, kept)
    }

    /// What speaks against this being the party that `old` was about.
    #[must_use]
    pub fn departures(&self, old: &Self) -> Vec<Departure> {
        let text = |record: &Self, field| record.fields.get(&field)?.value.clone();
        let names = |record: &Self| {
            (text(record, Field::Name).unwrap_or_default(), text(record, Field::LatinName))
        };
        let ((new, new_latin), (known, known_latin)) = (names(self), names(old));
        let mut found = vec![];
        if !name::compatible((&new, new_latin.as_deref()), (&known, known_latin.as_deref())) {
            found.push(Departure::Name);
        }
        let of = |record: &Self, kind| -> Vec<Identifier> {
            record.all_identifiers().into_iter().filter(|i| i.kind == kind && i.valid).collect()
        };
        for kind in IdentifierKind::ALL.into_iter().filter(|kind| matching::is_strong(*kind)) {
            let (new, known) = (of(self, kind), of(old, kind));
            if !new.is_empty() && !known.is_empty() && !new.iter().any(|i| known.contains(i)) {
                found.push(Departure::Identifier(kind));
            }
        }
        found
    }

    /// Main phone and e-mail first, then the others; each value once.
    #[must_use]
    pub fn all_identifiers(&self) -> Vec<Identifier> {
        let main = [(Field::Phone, IdentifierKind::Phone), (Field::Email, IdentifierKind::Email)]
            .into_iter()
            .filter_map(|(field, kind)| {
                let value = self.fields.get(&field)?.value.as_ref()?;
                // The date plays no part for these two kinds.
                Some(Identifier::read(kind, value, NaiveDate::MIN))
            });
        let mut all: Vec<Identifier> = vec![];
        for identifier in main.chain(self.identifiers.iter().cloned()) {
            if !all.iter().any(|i| same(i, &identifier)) {
                all.push(identifier);
            }
        }
        all
    }
}

fn same(one: &Identifier, other: &Identifier) -> bool {
    one.kind == other.kind && one.value == other.value
}

fn normal_form(field: Field, raw: Option<&str>) -> (Option<String>, bool) {
    let Some(raw) = raw else { return (None, true) };
    let kind = match field {
        Field::Phone => IdentifierKind::Phone,
        Field::Email => IdentifierKind::Email,
        Field::Name | Field::LatinName => return (Some(name::normalise(raw)), true),
        Field::Locale | Field::Address => return (Some(raw.to_owned()), true),
    };
    let read = Identifier::read(kind, raw, NaiveDate::MIN);
    (Some(read.value), read.valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        format!("2026-03-01T{hour:02}:00:00Z").parse().unwrap()
    }

    #[test]
    fn a_repeated_statement_keeps_its_time() {
        let first = Draft::default()
            .with(Field::Name, Some("张三"))
            .with(Field::Phone, Some("13800138000"));
        let one = Record::empty(PartyKind::Person).replaced(&first, at(1));
        let again = first.clone().with(Field::Phone, Some("+86 138-0013-8000"));
        assert_eq!(one.replaced(&again, at(2)), one);
        let moved = one.replaced(&first.with(Field::Phone, Some("13900139000")), at(3));
        assert_eq!(moved.fields[&Field::Name].at, at(1));
        assert_eq!(moved.fields[&Field::Phone].at, at(3));
    }

    #[test]
    fn a_whole_record_forgets_and_an_amendment_does_not() {
        let both =
            Draft::default().with(Field::Name, Some("张三")).with(Field::Email, Some("z@x.cn"));
        let record = Record::empty(PartyKind::Person).replaced(&both, at(1));
        let name_only = Draft::default().with(Field::Name, Some("张三丰"));
        assert!(record.amended(&name_only, at(2)).fields.contains_key(&Field::Email));
        assert!(!record.replaced(&name_only, at(2)).fields.contains_key(&Field::Email));
    }

    #[test]
    fn another_name_or_identity_card_is_noticed() {
        let record = |name: &str, card: &str| {
            let mut draft = Draft::default().with(Field::Name, Some(name));
            draft.identifiers = Some(vec![(IdentifierKind::IdCard, card.to_owned())]);
            Record::empty(PartyKind::Person).replaced(&draft, at(1))
        };
        let (one, other) = ("11010519491231002X", "440524188001010014");
        let known = record("张三", one);
        assert_eq!(record("Zhang San", one).departures(&known), []);
        assert_eq!(record("李四", one).departures(&known), [Departure::Name]);
        let card = Departure::Identifier(IdentifierKind::IdCard);
        assert_eq!(record("张三", other).departures(&known), [card]);
        assert_eq!(record("张三", "unreadable").departures(&known), []);
    }

    #[test]
    fn a_damaged_value_replaces_no_good_one() {
        let record = |phone: &str, cards: &[&str], hour| {
            let mut draft = Draft::default().with(Field::Phone, Some(phone));
            let card = |card: &&str| (IdentifierKind::IdCard, (*card).to_owned());
            draft.identifiers = Some(cards.iter().map(card).collect());
            Record::empty(PartyKind::Person).replaced(&draft, at(hour))
        };
        let (one, other) = ("11010519491231002X", "440524188001010014");
        let known = record("13800138000", &[one], 1);
        let (phone, card) = (IdentifierKind::Phone, IdentifierKind::IdCard);
        let damaged = record("1.37E+10", &["1.10101E+17"], 2);
        assert_eq!(damaged.keeping(&known), (known.clone(), vec![phone, card]));
        // A good one does, and what there never was is not kept.
        let good = record("13900139000", &[other], 2);
        assert_eq!(good.clone().keeping(&known), (good, vec![]));
        let first = record("1.37E+10", &["1.10101E+17"], 1);
        assert_eq!(first.clone().keeping(&first), (first.clone(), vec![]));
        // Nor is it there twice.
        let both = record("13800138000", &[one, "1.10101E+17"], 2);
        assert_eq!(both.keeping(&known).1, []);
    }

    #[test]
    fn an_invalid_phone_is_a_statement_too() {
        let draft = Draft::default().with(Field::Phone, Some("找小王"));
        let record = Record::empty(PartyKind::Person).replaced(&draft, at(1));
        assert!(!record.fields[&Field::Phone].valid);
        assert_eq!(record.all_identifiers()[0].problem.as_deref(), Some("not-a-number"));
    }
}
