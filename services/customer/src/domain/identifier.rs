//! Identifiers of a party: normal form, validity, whether they tell who somebody is, and how they
//! are shown to people who may not see them.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{email, id_card, phone, uscc};

/// `person` or `organisation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    Person,
    Organisation,
}

impl PartyKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
        }
    }
}

impl FromStr for PartyKind {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        match s {
            "person" => Ok(Self::Person),
            "organisation" => Ok(Self::Organisation),
            _ => Err(()),
        }
    }
}

/// In order of strength: where several parties are hit, the strongest kind decides.
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
pub enum IdentifierKind {
    /// 身份证.
    IdCard,
    /// 统一社会信用代码.
    Uscc,
    /// Member number (会员号).
    MembershipNo,
    Phone,
    Email,
    /// Contract number (合同号); one contract may name several parties.
    ContractNo,
    /// WeCom external user id (企业微信).
    Wecom,
    /// WeChat union or open id (微信).
    Wechat,
}

impl IdentifierKind {
    pub const ALL: [Self; 8] = [
        Self::IdCard,
        Self::Uscc,
        Self::MembershipNo,
        Self::Phone,
        Self::Email,
        Self::ContractNo,
        Self::Wecom,
        Self::Wechat,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdCard => "id_card",
            Self::Uscc => "uscc",
            Self::MembershipNo => "membership_no",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::ContractNo => "contract_no",
            Self::Wecom => "wecom",
            Self::Wechat => "wechat",
        }
    }
}

impl fmt::Display for IdentifierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for IdentifierKind {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|k| k.as_str() == s).ok_or(())
    }
}

/// A value as it was read: normalised when it is valid, else as received and marked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    pub kind: IdentifierKind,
    pub value: String,
    pub valid: bool,
    /// Stable word: why it is invalid, or a warning on a valid one.
    pub problem: Option<String>,
}

impl Identifier {
    /// Never refuses: an invalid value is kept and marked, so that nothing a source said is lost.
    #[must_use]
    pub fn read(kind: IdentifierKind, raw: &str, today: NaiveDate) -> Self {
        let read = match kind {
            IdentifierKind::Phone => phone::parse(raw).map(|p| (p.e164, None)),
            IdentifierKind::Email => email::parse(raw).map(|e| (e, None)),
            IdentifierKind::IdCard => id_card::parse(raw, today).map(|n| (n, None)),
            IdentifierKind::Uscc => uscc::parse(raw)
                .map(|u| (u.code, (!u.inner_check).then(|| "inner-check-digit".to_owned()))),
            IdentifierKind::MembershipNo | IdentifierKind::ContractNo => {
                reference(&raw.to_uppercase()).map(|r| (r, None))
            }
            IdentifierKind::Wecom | IdentifierKind::Wechat => reference(raw).map(|r| (r, None)),
        };
        match read {
            Ok((value, problem)) => Self { kind, value, valid: true, problem },
            Err(problem) => Self {
                kind,
                value: raw.trim().to_owned(),
                valid: false,
                problem: Some(problem.into()),
            },
        }
    }

    /// Whether two records of `party` with this identifier are the same party. A shared line says
    /// nothing about a person; a person's card and an organisation's code never swap roles.
    #[must_use]
    pub fn gives_identity(&self, party: PartyKind) -> bool {
        use IdentifierKind as K;
        self.valid
            && match (self.kind, party) {
                (K::IdCard, PartyKind::Person) | (K::Uscc, PartyKind::Organisation) => true,
                (K::MembershipNo | K::Email, _) => true,
                (K::Phone, PartyKind::Organisation) => true,
                (K::Phone, PartyKind::Person) => {
                    phone::parse(&self.value).is_ok_and(|p| p.line != phone::Line::Shared)
                }
                _ => false,
            }
    }
}

/// Numbers and ids given by some system: visible characters, no spaces inside.
fn reference(raw: &str) -> Result<String, &'static str> {
    let text: String = raw.chars().filter(|c| !c.is_whitespace()).collect();
    match text.chars().count() {
        0 => Err("empty"),
        1..=100 if text.chars().all(|c| !c.is_control()) => Ok(text),
        1..=100 => Err("bad-character"),
        _ => Err("too-long"),
    }
}

/// What a search box may hold, read as every kind it could be.
#[must_use]
pub fn candidates(raw: &str, today: NaiveDate) -> Vec<Identifier> {
    IdentifierKind::ALL
        .into_iter()
        .map(|kind| Identifier::read(kind, raw, today))
        .filter(|identifier| identifier.valid)
        .collect()
}

/// Text that lets its owner recognise a value and nobody else use it.
#[must_use]
pub fn mask(kind: IdentifierKind, value: &str) -> String {
    match kind {
        IdentifierKind::Email => match value.rsplit_once('@') {
            Some((local, domain)) => {
                format!("{}***@{domain}", local.chars().take(1).collect::<String>())
            }
            None => keep(value, 1, 0),
        },
        IdentifierKind::Phone => {
            let head = if value.starts_with("+86") { 6 } else { 4 };
            let length = value.chars().count();
            if length >= head + 7 { keep(value, head, 4) } else { keep(value, 0, 2) }
        }
        IdentifierKind::IdCard | IdentifierKind::Uscc if value.chars().count() == 18 => {
            keep(value, 3, 4)
        }
        _ => keep(value, 1, 2),
    }
}

/// Whether the value comes from [`mask`], or from another system's: no telephone number, e-mail
/// address or identifier that people use has an asterisk.
#[must_use]
pub fn is_masked(value: &str) -> bool {
    value.contains('*')
}

/// Leaves `head` and `tail` characters, but never more than half of the text.
fn keep(text: &str, head: usize, tail: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() < 2 * (head + tail) && chars.len() < head + tail + 4 {
        return "*".repeat(chars.len().max(3));
    }
    let hidden = chars.len() - head - tail;
    chars[..head]
        .iter()
        .copied()
        .chain(std::iter::repeat_n('*', hidden))
        .chain(chars[head + hidden..].iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use IdentifierKind as K;

    fn read(kind: K, raw: &str) -> Identifier {
        Identifier::read(kind, raw, NaiveDate::from_ymd_opt(2026, 3, 1).unwrap())
    }

    #[test]
    fn an_invalid_value_is_kept_and_marked() {
        let bad = read(K::Phone, " 找小王 ");
        assert_eq!(
            (bad.value.as_str(), bad.valid, bad.problem.as_deref()),
            ("找小王", false, Some("not-a-number"))
        );
        assert!(!bad.gives_identity(PartyKind::Person));
    }

    #[test]
    fn only_what_belongs_to_one_party_gives_identity() {
        let person = |i: &Identifier| i.gives_identity(PartyKind::Person);
        let organisation = |i: &Identifier| i.gives_identity(PartyKind::Organisation);
        assert!(person(&read(K::Phone, "13800138000")));
        assert!(!person(&read(K::Phone, "010-62785001")));
        assert!(organisation(&read(K::Phone, "010-62785001")));
        assert!(person(&read(K::IdCard, "11010519491231002X")));
        assert!(!person(&read(K::Uscc, "91350100M000100Y43")));
        assert!(organisation(&read(K::Uscc, "91350100M000100Y43")));
        assert!(!organisation(&read(K::ContractNo, "HT-1")));
    }

    #[test]
    fn masks_show_little() {
        assert_eq!(mask(K::Phone, "+8613800138000"), "+86138****8000");
        assert_eq!(mask(K::Phone, "+85221234567"), "+852****4567");
        assert_eq!(mask(K::Phone, "12345"), "***45");
        assert_eq!(mask(K::Email, "zhang.san@example.com"), "z***@example.com");
        assert_eq!(mask(K::IdCard, "11010519491231002X"), "110***********002X");
        assert_eq!(mask(K::MembershipNo, "M0012345"), "M*****45");
        assert_eq!(mask(K::Wechat, "ab"), "***");
        assert!(is_masked(&mask(K::Phone, "+8613800138000")) && !is_masked("+8613800138000"));
    }

    #[test]
    fn a_search_box_is_read_as_every_kind_it_could_be() {
        let today = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        let kinds: Vec<K> =
            candidates("138 0013 8000", today).into_iter().map(|i| i.kind).collect();
        assert!(kinds.contains(&K::Phone) && !kinds.contains(&K::Email));
    }
}
