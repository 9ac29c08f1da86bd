//! Whether an incoming record is a party that is already known, by equal identifiers only.

use uuid::Uuid;

use super::identifier::{Identifier, IdentifierKind};

/// An identifier of the incoming record that a known party holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    pub kind: IdentifierKind,
    pub customer: Uuid,
}

/// A known party's identifiers of the kinds that one party has only one of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub customer: Uuid,
    pub identifiers: Vec<Identifier>,
}

/// The party of the strongest hit that nothing contradicts. Two people who share a telephone but
/// hold different identity cards are two people.
#[must_use]
pub fn decide(incoming: &[Identifier], hits: &[Hit], known: &[Known]) -> Option<Hit> {
    let mut hits: Vec<&Hit> = hits.iter().collect();
    hits.sort_by_key(|hit| (hit.kind, hit.customer));
    let contradicted = |hit: &Hit| {
        known
            .iter()
            .filter(|party| party.customer == hit.customer)
            .any(|party| contradicts(incoming, &party.identifiers))
    };
    hits.into_iter().find(|hit| !contradicted(hit)).cloned()
}

fn contradicts(incoming: &[Identifier], known: &[Identifier]) -> bool {
    [IdentifierKind::IdCard, IdentifierKind::Uscc].into_iter().any(|kind| {
        let of = |all: &[Identifier]| -> Vec<String> {
            all.iter().filter(|i| i.kind == kind && i.valid).map(|i| i.value.clone()).collect()
        };
        let (theirs, ours) = (of(incoming), of(known));
        !theirs.is_empty() && !ours.is_empty() && !theirs.iter().any(|v| ours.contains(v))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use IdentifierKind as K;

    fn identifier(kind: K, value: &str) -> Identifier {
        Identifier { kind, value: value.into(), valid: true, problem: None }
    }

    #[test]
    fn the_strongest_hit_decides() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let hits = [Hit { kind: K::Email, customer: a }, Hit { kind: K::IdCard, customer: b }];
        assert_eq!(decide(&[], &hits, &[]).map(|h| h.customer), Some(b));
        assert_eq!(decide(&[], &[], &[]), None);
    }

    #[test]
    fn another_identity_card_contradicts_a_shared_phone() {
        let a = Uuid::from_u128(1);
        let hits = [Hit { kind: K::Phone, customer: a }];
        let known = [Known { customer: a, identifiers: vec![identifier(K::IdCard, "A")] }];
        assert_eq!(decide(&[identifier(K::IdCard, "B")], &hits, &known), None);
        assert!(decide(&[identifier(K::IdCard, "A")], &hits, &known).is_some());
        assert!(decide(&[], &hits, &known).is_some());
    }
}
