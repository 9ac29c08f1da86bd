//! Random draws that anybody can repeat, and even assignment of inspectors.
//!
//! Order of a draw: SHA-256 of `SEED:TICKET_ID` (decimal seed, hyphenated id), ascending; an
//! agent's sample is the first n of his tickets in that order. So the same frame and seed always
//! give the same sample, whatever the order of the rows, and `sha256sum` is enough to check it.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Reason of a quota draw.
pub const QUOTA: &str = "quota";

/// A ticket that may be drawn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct FrameItem {
    pub ticket_id: Uuid,
    pub agent: String,
}

/// Everything that a draw depends on besides the seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Frame {
    /// Ordered by ticket id.
    pub items: Vec<FrameItem>,
    /// Tickets per agent that are wanted in the period.
    pub quota: u32,
    /// How many of the quota an agent has had in the period already.
    pub already: BTreeMap<String, u32>,
}

/// A drawn ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drawn {
    pub ticket_id: Uuid,
    pub agent: String,
    /// Place in the agent's random order, from 1.
    pub rank: u32,
    pub reason: String,
}

impl Frame {
    /// Puts the items in their order.
    #[must_use]
    pub fn new(mut items: Vec<FrameItem>, quota: u32, already: BTreeMap<String, u32>) -> Self {
        items.sort_unstable();
        Self { items, quota, already }
    }

    /// SHA-256 over the ordered ticket ids, each followed by a line feed; hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        let text: String = self.items.iter().map(|i| format!("{}\n", i.ticket_id)).collect();
        hex::encode(digest(&SHA256, text.as_bytes()))
    }

    /// Draws what each agent's quota leaves open; ordered by agent and rank.
    #[must_use]
    pub fn draw(&self, seed: i64) -> Vec<Drawn> {
        let mut by_agent: BTreeMap<&str, Vec<(Vec<u8>, Uuid)>> = BTreeMap::new();
        for item in &self.items {
            by_agent
                .entry(&item.agent)
                .or_default()
                .push((order(seed, item.ticket_id), item.ticket_id));
        }
        let mut drawn = vec![];
        for (agent, mut tickets) in by_agent {
            tickets.sort_unstable();
            let open = self.quota.saturating_sub(self.already.get(agent).copied().unwrap_or(0));
            for (rank, (_, ticket_id)) in (1..=open).zip(tickets) {
                drawn.push(Drawn {
                    ticket_id,
                    agent: agent.to_owned(),
                    rank,
                    reason: QUOTA.to_owned(),
                });
            }
        }
        drawn
    }
}

/// Chooses who inspects `agent`'s work: among the least loaded, by random order; never the agent
/// himself. `load` counts what each inspector has got so far.
#[must_use]
pub fn pick_inspector<'a>(
    inspectors: &'a [String],
    load: &BTreeMap<String, u64>,
    agent: Option<&str>,
    subject: Uuid,
    seed: i64,
) -> Option<&'a str> {
    inspectors
        .iter()
        .filter(|i| agent != Some(i.as_str()))
        .min_by_key(|i| {
            let tie = digest(&SHA256, format!("{seed}:{subject}:{i}").as_bytes());
            (load.get(i.as_str()).copied().unwrap_or(0), tie.as_ref().to_vec())
        })
        .map(String::as_str)
}

fn order(seed: i64, ticket: Uuid) -> Vec<u8> {
    digest(&SHA256, format!("{seed}:{ticket}").as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(tickets: u128, quota: u32) -> Frame {
        let item = |n| FrameItem { ticket_id: Uuid::from_u128(n), agent: format!("a{}", n % 3) };
        Frame::new((1..=tickets).rev().map(item).collect(), quota, BTreeMap::new())
    }

    #[test]
    fn the_same_frame_and_seed_give_the_same_and_another_seed_another() {
        let a = frame(300, 5);
        let b = frame(300, 5);
        assert_eq!(a.hash(), b.hash());
        assert_eq!(a.draw(42), b.draw(42));
        assert_ne!(a.draw(42), a.draw(43));
        assert_eq!(a.draw(42).len(), 15);
        assert_ne!(a.hash(), frame(299, 5).hash());
    }

    #[test]
    fn the_hash_is_that_of_sha256sum() {
        // printf '00000000-0000-0000-0000-000000000001\n' | sha256sum
        let expected = "3d53b6bfe05370b45df327123656e54260ce56e1fafd1881853cebae6ead8458";
        assert_eq!(frame(1, 1).hash(), expected);
    }

    #[test]
    fn what_an_agent_has_had_counts_against_his_quota() {
        let mut frame = frame(30, 2);
        frame.already = [("a0".to_owned(), 1), ("a1".to_owned(), 7)].into();
        let count = |agent: &str| frame.draw(1).iter().filter(|d| d.agent == agent).count();
        assert_eq!((count("a0"), count("a1"), count("a2")), (1, 0, 2));
    }

    #[test]
    fn assignment_is_even_and_never_to_the_agent() {
        let inspectors: Vec<String> = ["x", "y", "z"].map(String::from).to_vec();
        let mut load = BTreeMap::new();
        for n in 0..31 {
            let agent = (n % 5 == 0).then_some("x");
            let chosen = pick_inspector(&inspectors, &load, agent, Uuid::from_u128(n), 7).unwrap();
            assert!(agent != Some(chosen));
            *load.entry(chosen.to_owned()).or_insert(0) += 1;
        }
        let (min, max) = (load.values().min().unwrap(), load.values().max().unwrap());
        assert!(max - min <= 1, "{load:?}");
        assert_eq!(pick_inspector(&["x".to_owned()], &load, Some("x"), Uuid::nil(), 7), None);
    }

    #[test]
    fn every_ticket_has_its_chance() {
        let frame = frame(30, 3);
        let mut hits: BTreeMap<Uuid, u32> = BTreeMap::new();
        for seed in 0..1_000 {
            frame.draw(seed).iter().for_each(|d| *hits.entry(d.ticket_id).or_default() += 1);
        }
        // 3 of 10 per agent, 1,000 draws: 300 expected, standard deviation 14.5; 5 of those allowed.
        assert_eq!(hits.len(), 30);
        assert!(hits.values().all(|n| (227..=373).contains(n)), "{hits:?}");
    }
}
