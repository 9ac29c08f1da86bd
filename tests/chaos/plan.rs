//! From a seed to a schedule: which fault, with which parameters, after which pause.

use std::{collections::BTreeMap, fmt, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::faults::{Fault, Kind};

/// One blow of a schedule.
#[derive(Debug)]
pub struct Strike {
    pub pause: Duration,
    pub kind: Kind,
    pub fault: Box<dyn Fault>,
}

/// What a run is asked for.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    pub seed: u64,
    pub replicas: usize,
    pub brokers: usize,
    /// Only these kinds; all where it is empty.
    pub only: Vec<Kind>,
    /// How often every other kind, and how many plain kills.
    pub each: usize,
    pub kills: usize,
}

impl Wish {
    /// Every fault once, and a dozen plain kills.
    #[must_use]
    pub fn short(seed: u64) -> Self {
        Self { seed, replicas: 2, brokers: 3, only: vec![], each: 1, kills: 12 }
    }

    /// Every fault at least five times, at least 300 kills.
    #[must_use]
    pub fn long(seed: u64) -> Self {
        Self { each: 5, kills: 260, ..Self::short(seed) }
    }
}

/// The order of blows; the same for the same wish.
pub struct Plan {
    pub strikes: Vec<Strike>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.strikes).finish()
    }
}

impl Plan {
    #[must_use]
    pub fn of(wish: &Wish) -> Self {
        let mut random = StdRng::seed_from_u64(wish.seed);
        let possible = |kind: &Kind| {
            let (replicas, brokers) = kind.needs();
            replicas <= wish.replicas && brokers <= wish.brokers
        };
        let asked = |kind: &Kind| wish.only.is_empty() || wish.only.contains(kind);
        let mut kinds: Vec<Kind> = vec![];
        for kind in Kind::ALL.into_iter().filter(possible).filter(asked) {
            let times = if kind == Kind::Kill { wish.kills } else { wish.each };
            kinds.extend(std::iter::repeat_n(kind, times));
        }
        kinds.shuffle(&mut random);
        let strikes = kinds.into_iter().map(|kind| Strike {
            pause: Duration::from_millis(random.random_range(200..1_500)),
            kind,
            fault: kind.make(&mut random, wish.replicas, wish.brokers),
        });
        Self { strikes: strikes.collect() }
    }

    /// How often each kind comes.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Kind, usize> {
        self.strikes.iter().fold(BTreeMap::new(), |mut counts, strike| {
            *counts.entry(strike.kind).or_default() += 1;
            counts
        })
    }
}
