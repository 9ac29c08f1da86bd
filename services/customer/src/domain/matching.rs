//! Whether an incoming record is a party that is already known.
//!
//! An identity card, a credit code or a member number tells who somebody is. A telephone or an
//! e-mail address does not by itself: families and offices share them, fingers slip, and anybody
//! may know one. It needs a compatible name beside it, or a second identifier of another kind.
//! Where that is missing, or where the party is not the caller's to see, two records stay two
//! parties, and a person decides whether they are one.

use std::cmp::Reverse;

use uuid::Uuid;

use super::{identifier::IdentifierKind, name};

/// Suspects of one record; a telephone may be shared by a whole dormitory.
const MOST_SUSPECTS: usize = 5;

/// The record on its way in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Incoming {
    pub name: String,
    pub latin_name: Option<String>,
    /// Identity cards and credit codes, in a form that can be compared.
    pub documents: Vec<(IdentifierKind, String)>,
}

/// A known party that has one of the record's identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub customer: Uuid,
    pub name: String,
    pub latin_name: Option<String>,
    /// Kinds of the identifiers that are equal, strongest first.
    pub shared: Vec<IdentifierKind>,
    /// As of [`Incoming`].
    pub documents: Vec<(IdentifierKind, String)>,
    /// Whether it is the one that is found by an identifier which is equal.
    pub holds: bool,
    /// Whether the caller sees the party.
    pub visible: bool,
}

/// The party that the record is about, and by which identifier that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    pub kind: IdentifierKind,
    pub customer: Uuid,
}

/// A party that may be the record's; a person decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    pub customer: Uuid,
    pub shared: Vec<IdentifierKind>,
    pub visible: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    pub known: Option<Hit>,
    pub suspects: Vec<Suspect>,
}

impl Verdict {
    /// Everybody whom the record may be about, a match too.
    #[must_use]
    pub fn everybody(self) -> Vec<Suspect> {
        let known = self.known.map(|hit| Suspect {
            customer: hit.customer,
            shared: vec![hit.kind],
            visible: true,
        });
        known.into_iter().chain(self.suspects).collect()
    }
}

/// The strongest match among the parties that the caller sees. Of the others those are suspects
/// that would match but for being somebody else's; where there are none, those that hold what is
/// equal. Two parties with different identity cards or credit codes are two, whatever they share.
#[must_use]
pub fn decide(incoming: &Incoming, candidates: &[Candidate]) -> Verdict {
    let open: Vec<&Candidate> = candidates
        .iter()
        .filter(|c| !c.shared.is_empty() && !contradicts(&incoming.documents, &c.documents))
        .collect();
    let strength =
        |c: &&Candidate| (c.shared.first().copied(), Reverse(c.shared.len()), c.customer);
    let known = open
        .iter()
        .copied()
        .filter(|c| c.visible && sure(incoming, c))
        .min_by_key(strength)
        .and_then(|c| Some(Hit { kind: *c.shared.first()?, customer: c.customer }));
    let mut others: Vec<&Candidate> =
        open.into_iter().filter(|c| known.is_none_or(|hit| hit.customer != c.customer)).collect();
    others.sort_by_key(strength);
    let likely: Vec<&Candidate> = others.iter().copied().filter(|c| sure(incoming, c)).collect();
    let suspects = match likely.is_empty() {
        true => others.into_iter().filter(|c| c.holds).collect(),
        false => likely,
    };
    let suspects = suspects.into_iter().take(MOST_SUSPECTS).map(|c| Suspect {
        customer: c.customer,
        shared: c.shared.clone(),
        visible: c.visible,
    });
    Verdict { known, suspects: suspects.collect() }
}

/// Whether an identifier of this kind may join records without looking at anything else.
#[must_use]
pub fn is_strong(kind: IdentifierKind) -> bool {
    use IdentifierKind as K;
    matches!(kind, K::IdCard | K::Uscc | K::MembershipNo)
}

/// A contract may name several people, so it is no second identifier.
fn counts(kind: IdentifierKind) -> bool {
    kind != IdentifierKind::ContractNo
}

fn sure(incoming: &Incoming, known: &Candidate) -> bool {
    let mut kinds: Vec<IdentifierKind> =
        known.shared.iter().copied().filter(|kind| counts(*kind)).collect();
    kinds.dedup();
    kinds.iter().copied().any(is_strong)
        || kinds.len() > 1
        || name::compatible(
            (&incoming.name, incoming.latin_name.as_deref()),
            (&known.name, known.latin_name.as_deref()),
        )
}

fn contradicts(incoming: &[(IdentifierKind, String)], known: &[(IdentifierKind, String)]) -> bool {
    [IdentifierKind::IdCard, IdentifierKind::Uscc].into_iter().any(|kind| {
        let mut theirs = incoming.iter().filter(|(k, _)| *k == kind).peekable();
        let ours: Vec<_> = known.iter().filter(|(k, _)| *k == kind).collect();
        theirs.peek().is_some() && !ours.is_empty() && !theirs.any(|v| ours.contains(&v))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use IdentifierKind as K;

    fn incoming(name: &str) -> Incoming {
        Incoming { name: name.into(), ..Incoming::default() }
    }

    fn known(id: u128, name: &str, shared: &[K]) -> Candidate {
        Candidate {
            customer: Uuid::from_u128(id),
            name: name.into(),
            latin_name: None,
            shared: shared.to_vec(),
            documents: vec![],
            holds: true,
            visible: true,
        }
    }

    fn outcome(incoming: &Incoming, candidates: &[Candidate]) -> (Option<u128>, Vec<u128>) {
        let verdict = decide(incoming, candidates);
        let suspects = verdict.suspects.iter().map(|s| s.customer.as_u128()).collect();
        (verdict.known.map(|hit| hit.customer.as_u128()), suspects)
    }

    #[test]
    fn a_telephone_or_an_address_alone_joins_nobody() {
        for kind in [K::Phone, K::Email] {
            let one = known(1, "张三", &[kind]);
            assert_eq!(outcome(&incoming("李四"), std::slice::from_ref(&one)), (None, vec![1]));
            assert_eq!(outcome(&incoming("Zhang San"), &[one]), (Some(1), vec![]));
        }
        let second = known(1, "张三", &[K::Phone, K::Email]);
        assert_eq!(outcome(&incoming("Zhang"), &[second]), (Some(1), vec![]));
        let wechat = known(1, "张三", &[K::Phone, K::Wechat]);
        assert_eq!(outcome(&incoming("Zhang"), &[wechat]), (Some(1), vec![]));
        let contract = known(1, "张三", &[K::Phone, K::ContractNo]);
        assert_eq!(outcome(&incoming("李四"), &[contract]), (None, vec![1]));
        let two_phones = known(1, "张三", &[K::Phone, K::Phone]);
        assert_eq!(outcome(&incoming("李四"), &[two_phones]), (None, vec![1]));
    }

    #[test]
    fn a_strong_identifier_joins_whatever_the_name() {
        for kind in [K::IdCard, K::Uscc, K::MembershipNo] {
            assert_eq!(outcome(&incoming("x"), &[known(1, "张三", &[kind])]), (Some(1), vec![]));
        }
    }

    #[test]
    fn what_the_caller_does_not_see_is_no_match() {
        for shared in [&[K::IdCard][..], &[K::Phone, K::Email], &[K::Phone]] {
            let foreign = Candidate { visible: false, ..known(1, "张三", shared) };
            assert_eq!(outcome(&incoming("张三"), std::slice::from_ref(&foreign)), (None, vec![1]));
            let own = Candidate { holds: false, ..known(2, "张三", &[K::Phone]) };
            assert_eq!(outcome(&incoming("张三"), &[foreign, own]), (Some(2), vec![1]));
        }
    }

    #[test]
    fn the_strongest_match_decides_and_the_likely_are_suspected() {
        let phone = known(1, "张三", &[K::Phone]);
        let card = known(2, "z", &[K::IdCard]);
        assert_eq!(outcome(&incoming("张三"), &[phone.clone(), card]), (Some(2), vec![1]));
        // A shared line: whoever holds it, not everybody who states it.
        let mate = |id| Candidate { holds: false, ..known(id, "同屋", &[K::Phone]) };
        assert_eq!(outcome(&incoming("李四"), &[phone, mate(5), mate(6)]), (None, vec![1]));
        assert_eq!(outcome(&incoming("李四"), &[]), (None, vec![]));
    }

    #[test]
    fn another_identity_card_contradicts() {
        let card = |number: &str| vec![(K::IdCard, number.to_owned())];
        let one = Candidate { documents: card("A"), ..known(1, "张三", &[K::Phone, K::Email]) };
        let with = |number| Incoming { documents: card(number), ..incoming("张三") };
        assert_eq!(outcome(&with("B"), std::slice::from_ref(&one)), (None, vec![]));
        assert_eq!(outcome(&with("A"), std::slice::from_ref(&one)), (Some(1), vec![]));
        assert_eq!(outcome(&incoming("张三"), &[one]), (Some(1), vec![]));
    }
}
