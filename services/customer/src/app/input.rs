//! What callers send about a customer, and its way into a [`Draft`].

use kernel::{Fields, OrgPath, Problem, limits, messages as shared};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::domain::{
    identifier::{IdentifierKind, PartyKind, is_masked},
    name::normalise,
    record::{Draft, Field, Wish},
    rows::Address,
};
use crate::messages;

/// An identifier beyond the main phone and e-mail.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentifierInput {
    pub kind: IdentifierKind,
    #[schema(min_length = 1, max_length = 254)]
    pub value: String,
}

/// What to do when a customer whom the caller sees has an identifier of the new one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMatch {
    /// Who is surely the same gets the record as a further source; else there are two.
    #[default]
    Attach,
    /// 409 `duplicate-customer`.
    Reject,
}

/// A customer as one source knows him.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerInput {
    pub kind: PartyKind,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(min_length = 1, max_length = 200)]
    pub latin_name: Option<String>,
    /// Preferred language, `zh-CN` or `en`; `zh-CN` when absent.
    #[schema(pattern = "^(zh-CN|en)$")]
    pub locale: Option<String>,
    /// Any way of writing it; one that is no number is kept and marked.
    #[schema(min_length = 1, max_length = 100)]
    pub phone: Option<String>,
    #[schema(min_length = 1, max_length = 254)]
    pub email: Option<String>,
    #[schema(max_items = 20)]
    pub identifiers: Option<Vec<IdentifierInput>>,
    pub address: Option<Address>,
    /// Unit that brings the customer in; the caller's own when absent.
    #[schema(max_length = 330, pattern = "^(/[a-z0-9_-]{1,40}){1,8}$")]
    pub org: Option<String>,
    /// Key of a tier; needs `customer:admin`.
    #[schema(min_length = 1, max_length = 40)]
    pub tier: Option<String>,
    /// User id; needs `customer:admin`.
    #[schema(min_length = 1, max_length = 100)]
    pub account_manager: Option<String>,
}

/// Changes of a customer: absent fields stay, `null` clears.
#[derive(Debug, Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerPatch {
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    pub latin_name: Option<Option<String>>,
    #[schema(pattern = "^(zh-CN|en)$")]
    pub locale: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    pub phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 254)]
    pub email: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Address>)]
    pub address: Option<Option<Address>>,
    /// Replaces the identifiers that were given by hand; those of other sources stay.
    #[schema(max_items = 20)]
    pub identifiers: Option<Vec<IdentifierInput>>,
}

/// Tells `null` from absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

impl CustomerInput {
    pub fn check(&self, fields: &mut Fields) {
        name(fields, "/name", Some(&self.name));
        name(fields, "/latin_name", self.latin_name.as_deref());
        locale(fields, self.locale.as_deref());
        reach(fields, "/phone", self.phone.as_deref(), 100);
        reach(fields, "/email", self.email.as_deref(), 254);
        identifiers(fields, self.identifiers.as_deref().unwrap_or_default());
        if let Some(given) = &self.address {
            address(fields, "/address", given);
        }
        optional(fields, "/tier", self.tier.as_deref(), 40);
        optional(fields, "/account_manager", self.account_manager.as_deref(), 100);
    }

    #[must_use]
    pub fn draft(&self) -> Draft {
        let address = self.address.as_ref().and_then(Address::to_text);
        let mut draft = Draft::default()
            .with(Field::Name, Some(&self.name))
            .with(Field::LatinName, self.latin_name.as_deref())
            .with(Field::Locale, self.locale.as_deref())
            .with(Field::Phone, self.phone.as_deref())
            .with(Field::Email, self.email.as_deref())
            .with(Field::Address, address.as_deref());
        draft.identifiers = Some(pairs(self.identifiers.as_deref().unwrap_or_default()));
        draft.wish =
            Wish { tier: self.tier.clone(), account_manager: self.account_manager.clone() };
        draft
    }
}

impl CustomerPatch {
    pub fn check(&self, fields: &mut Fields) {
        name(fields, "/name", self.name.as_deref());
        name(fields, "/latin_name", self.latin_name.as_ref().and_then(Option::as_deref));
        locale(fields, self.locale.as_deref());
        reach(fields, "/phone", self.phone.as_ref().and_then(Option::as_deref), 100);
        reach(fields, "/email", self.email.as_ref().and_then(Option::as_deref), 254);
        identifiers(fields, self.identifiers.as_deref().unwrap_or_default());
        if let Some(Some(given)) = &self.address {
            address(fields, "/address", given);
        }
    }

    #[must_use]
    pub fn draft(&self) -> Draft {
        let mut draft = Draft::default();
        let mut put = |field: Field, value: Option<Option<String>>| {
            if let Some(value) = value {
                draft.fields.insert(field, value);
            }
        };
        put(Field::Name, self.name.clone().map(Some));
        put(Field::LatinName, self.latin_name.clone());
        put(Field::Locale, self.locale.clone().map(Some));
        put(Field::Phone, self.phone.clone());
        put(Field::Email, self.email.clone());
        put(Field::Address, self.address.as_ref().map(|a| a.as_ref().and_then(Address::to_text)));
        draft.identifiers = self.identifiers.as_deref().map(pairs);
        draft
    }
}

fn pairs(given: &[IdentifierInput]) -> Vec<(IdentifierKind, String)> {
    given.iter().map(|i| (i.kind, i.value.clone())).collect()
}

/// Text that may be absent but not blank.
pub fn optional(fields: &mut Fields, pointer: &str, value: Option<&str>, max: usize) {
    if let Some(value) = value {
        fields.text(pointer, value, 1, max);
    }
}

/// A telephone number, e-mail address or other identifier, which may be absent but neither blank
/// nor masked.
pub fn reach(fields: &mut Fields, pointer: &str, value: Option<&str>, max: usize) {
    optional(fields, pointer, value, max);
    unmasked(fields, pointer, value.unwrap_or_default());
}

/// Who sends back what they were shown does not know the value behind it, and would overwrite it.
pub fn unmasked(fields: &mut Fields, pointer: &str, value: &str) {
    fields.check(!is_masked(value), pointer, "masked-value", messages::masked_value());
}

/// A name, which must be one after control characters and white space are gone.
pub fn name(fields: &mut Fields, pointer: &str, value: Option<&str>) {
    optional(fields, pointer, value.map(normalise).as_deref(), limits::NAME);
}

pub fn locale(fields: &mut Fields, value: Option<&str>) {
    let known = value.is_none_or(|l| ["zh-CN", "en"].contains(&l));
    fields.check(known, "/locale", "unknown-locale", shared::one_of(["zh-CN", "en"]));
}

fn identifiers(fields: &mut Fields, given: &[IdentifierInput]) {
    fields.check(given.len() <= 20, "/identifiers", "too-many", shared::too_many_items(20));
    for (i, identifier) in given.iter().enumerate() {
        reach(fields, &format!("/identifiers/{i}/value"), Some(&identifier.value), 254);
    }
}

pub fn address(fields: &mut Fields, at: &str, given: &Address) {
    for (name, part, max) in [
        ("country", &given.country, 2),
        ("province", &given.province, 100),
        ("city", &given.city, 100),
        ("district", &given.district, 100),
        ("street", &given.street, 300),
        ("postal_code", &given.postal_code, 20),
    ] {
        if let Some(text) = part {
            fields.text(&format!("{at}/{name}"), text, 0, max);
        }
    }
}

/// Name of a source system: it ends up in paths.
pub fn source_name(fields: &mut Fields, pointer: &str, source: &str) {
    let sound = (1..=40).contains(&source.len())
        && source
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b));
    fields.check(sound, pointer, "bad-source", messages::source_form());
    fields.check(
        source != super::amend::DESK,
        pointer,
        "reserved-source",
        messages::reserved_source(),
    );
}

/// The unit a record is kept under: the caller's own, or one below it.
pub fn unit(own: &OrgPath, wanted: Option<&str>) -> Result<OrgPath, Problem> {
    let Some(text) = wanted.filter(|t| !t.is_empty()) else { return Ok(own.clone()) };
    let org = OrgPath::parse(text)
        .map_err(|_| Problem::invalid("/org", "bad-org", shared::malformed_org()))?;
    if !own.covers(org.as_str()) {
        return Err(Problem::invalid("/org", "foreign-org", shared::foreign_org(own)));
    }
    Ok(org)
}
