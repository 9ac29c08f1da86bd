//! Schedules: the same for the same seed, and with everything in them.

use std::collections::BTreeMap;

use kefu_tests::chaos::{
    faults::Kind,
    plan::{Plan, Wish},
};

#[test]
fn a_seed_is_a_schedule() {
    let text = |seed| format!("{:?}", Plan::of(&Wish::short(seed)));
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}

#[test]
fn every_fault_is_in_every_schedule() {
    let counts = Plan::of(&Wish::short(3)).counts();
    assert!(Kind::ALL.iter().all(|kind| counts[kind] >= 1), "{counts:?}");
    let long = Plan::of(&Wish::long(3)).counts();
    assert!(Kind::ALL.iter().all(|kind| long[kind] >= 5), "{long:?}");
    // A crash is a kill, a rebalance two, a migration up to four.
    let kills: usize = long
        .iter()
        .map(|(kind, n)| match kind {
            Kind::Kill => *n,
            Kind::KillRebalance => 2 * n,
            kind if kind.name().starts_with("crash-") => *n,
            _ => 0,
        })
        .sum();
    assert!(kills >= 300, "{kills}");
}

#[test]
fn a_smaller_cluster_gets_what_it_can_bear() {
    let wish = Wish { replicas: 1, brokers: 1, ..Wish::short(3) };
    let counts = Plan::of(&wish).counts();
    assert!(
        !counts.contains_key(&Kind::RollingRestart) && !counts.contains_key(&Kind::BrokerKilled)
    );
}

#[test]
fn names_are_names() {
    let by_name: BTreeMap<&str, Kind> = Kind::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
    assert_eq!(by_name.len(), Kind::ALL.len());
    assert!(Kind::ALL.iter().all(|kind| Kind::parse(kind.name()) == Some(*kind)));
}
