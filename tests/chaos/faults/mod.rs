//! The faults: each knows how to be injected, how long it lasts, and how to be healed.

mod kafka;
mod messages;
mod migration;
mod postgres;
mod process;
mod rolling;

use std::{fmt, time::Duration};

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use super::field::Field;
use crate::stack::SERVICES;

/// One blow. `inject` and `heal` may take their time; nothing else is injected meanwhile.
pub trait Fault: fmt::Debug + Send {
    /// Time between injection and healing.
    fn lasts(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether it need not last any longer.
    fn is_over(&self, _field: &Field) -> bool {
        false
    }

    fn inject(&mut self, field: &Field) -> Result<(), String>;

    /// Ends it, and checks what only this fault can tell. All services are started again and
    /// waited for afterwards in any case.
    fn heal(&mut self, field: &Field) -> Result<(), String>;
}

/// Every fault there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Kill,
    CrashRelayBeforeSend,
    CrashRelayBeforeMark,
    CrashConsumerBeforeCommit,
    CrashConsumerBeforeAck,
    CrashTimerBeforeCommit,
    CrashTimerAfterCommit,
    CrashDeliveryBeforeSend,
    CrashDeliveryBeforeSettle,
    KillMigration,
    KillRebalance,
    KafkaAway,
    BrokerKilled,
    FullOutbox,
    PostgresStopped,
    PostgresKilled,
    ConnectionsCut,
    SlowDisk,
    Frozen,
    Poison,
    Repeated,
    Rewound,
    ClockOff,
    RollingRestart,
}

impl Kind {
    pub const ALL: [Self; 24] = [
        Self::Kill,
        Self::CrashRelayBeforeSend,
        Self::CrashRelayBeforeMark,
        Self::CrashConsumerBeforeCommit,
        Self::CrashConsumerBeforeAck,
        Self::CrashTimerBeforeCommit,
        Self::CrashTimerAfterCommit,
        Self::CrashDeliveryBeforeSend,
        Self::CrashDeliveryBeforeSettle,
        Self::KillMigration,
        Self::KillRebalance,
        Self::KafkaAway,
        Self::BrokerKilled,
        Self::FullOutbox,
        Self::PostgresStopped,
        Self::PostgresKilled,
        Self::ConnectionsCut,
        Self::SlowDisk,
        Self::Frozen,
        Self::Poison,
        Self::Repeated,
        Self::Rewound,
        Self::ClockOff,
        Self::RollingRestart,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::CrashRelayBeforeSend => "crash-relay-before-send",
            Self::CrashRelayBeforeMark => "crash-relay-before-mark",
            Self::CrashConsumerBeforeCommit => "crash-consumer-before-commit",
            Self::CrashConsumerBeforeAck => "crash-consumer-before-ack",
            Self::CrashTimerBeforeCommit => "crash-timer-before-commit",
            Self::CrashTimerAfterCommit => "crash-timer-after-commit",
            Self::CrashDeliveryBeforeSend => "crash-delivery-before-send",
            Self::CrashDeliveryBeforeSettle => "crash-delivery-before-settle",
            Self::KillMigration => "kill-migration",
            Self::KillRebalance => "kill-rebalance",
            Self::KafkaAway => "kafka-away",
            Self::BrokerKilled => "broker-killed",
            Self::FullOutbox => "full-outbox",
            Self::PostgresStopped => "postgres-stopped",
            Self::PostgresKilled => "postgres-killed",
            Self::ConnectionsCut => "connections-cut",
            Self::SlowDisk => "slow-disk",
            Self::Frozen => "frozen",
            Self::Poison => "poison",
            Self::Repeated => "repeated",
            Self::Rewound => "rewound",
            Self::ClockOff => "clock-off",
            Self::RollingRestart => "rolling-restart",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }

    /// What it needs: replicas and brokers.
    #[must_use]
    pub const fn needs(self) -> (usize, usize) {
        match self {
            Self::RollingRestart | Self::KillRebalance => (2, 1),
            Self::BrokerKilled => (1, 3),
            _ => (1, 1),
        }
    }

    /// One of its kind, with parameters drawn.
    pub fn make(self, random: &mut StdRng, replicas: usize, brokers: usize) -> Box<dyn Fault> {
        let service = SERVICES.choose(random).copied().unwrap_or("ticketing");
        let replica = random.random_range(0..replicas.max(1));
        let process = if replica == 0 { service.to_owned() } else { format!("{service}-2") };
        let between =
            |random: &mut StdRng, from, to| Duration::from_millis(random.random_range(from..to));
        let crash = |random: &mut StdRng, point, service: &str| {
            let passes = random.random_range(1..15);
            Box::new(process::Crash { point, service: service.to_owned(), passes, died: false })
        };
        let source =
            *["customer", "ticketing", "survey", "notification"].choose(random).expect("some");
        match self {
            Self::Kill => Box::new(process::Kill { process, down: between(random, 0, 1_500) }),
            Self::CrashRelayBeforeSend => crash(random, "relay-before-send", source),
            Self::CrashRelayBeforeMark => crash(random, "relay-before-mark", source),
            Self::CrashConsumerBeforeCommit => crash(random, "consumer-before-commit", service),
            Self::CrashConsumerBeforeAck => crash(random, "consumer-before-ack", service),
            Self::CrashTimerBeforeCommit => crash(random, "timer-before-commit", "ticketing"),
            Self::CrashTimerAfterCommit => crash(random, "timer-after-commit", "ticketing"),
            Self::CrashDeliveryBeforeSend => crash(random, "delivery-before-send", "notification"),
            Self::CrashDeliveryBeforeSettle => {
                crash(random, "delivery-before-settle", "notification")
            }
            Self::KillMigration => Box::new(migration::KillMigration::new(service, random)),
            Self::KillRebalance => Box::new(process::KillRebalance {
                service: service.to_owned(),
                after: between(random, 0, 500),
            }),
            Self::KafkaAway => Box::new(kafka::Away { time: between(random, 20_000, 40_000) }),
            Self::BrokerKilled => Box::new(kafka::BrokerKilled {
                node: random.random_range(0..brokers.max(1)),
                time: between(random, 8_000, 15_000),
            }),
            Self::FullOutbox => Box::new(kafka::FullOutbox::new(1_500)),
            Self::PostgresStopped => {
                Box::new(postgres::Stopped { time: between(random, 1_000, 8_000) })
            }
            Self::PostgresKilled => Box::new(postgres::Killed { time: between(random, 0, 2_000) }),
            Self::ConnectionsCut => Box::new(postgres::Cut),
            Self::SlowDisk => Box::new(postgres::Slow { time: between(random, 10_000, 20_000) }),
            Self::Frozen => {
                Box::new(process::Frozen { process, time: between(random, 18_000, 24_000) })
            }
            Self::Poison => Box::new(messages::Poison::default()),
            Self::Repeated => Box::new(messages::Repeated { seed: random.random(), most: 300 }),
            Self::Rewound => Box::new(messages::Rewound { service: service.to_owned() }),
            Self::ClockOff => Box::new(process::ClockOff {
                process,
                by: ["+1h", "-1h"].choose(random).copied().unwrap_or("+1h"),
                time: between(random, 15_000, 25_000),
            }),
            Self::RollingRestart => Box::new(rolling::Rolling),
        }
    }
}
