//! [`BackboneSettings`].

use std::time::Duration;

use serde::Deserialize;

/// Tuning of relay, consumer and parking; every field has a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackboneSettings {
    /// Most outbox rows sent in one round.
    pub relay_batch: u32,
    /// How many rounds are under way at once on PostgreSQL while the relay is behind, each for its
    /// part of the shards.
    pub relay_workers: usize,
    /// Least time from one round to the next of a relay that found little, in milliseconds: under
    /// load fewer rounds with more in each, and no delay for an event that comes after a pause.
    pub relay_pace_ms: u64,
    /// How often the outbox is looked at when nothing wakes the relay, in milliseconds.
    pub relay_poll_ms: u64,
    /// How long a relay shard stays with a process that fell silent, in milliseconds.
    pub lease_ms: u64,
    /// How long published rows stay in the outbox, in seconds; 0 deletes them at once.
    pub keep_published_secs: u64,
    /// Most events taken from the log at once; a lane handles its part in one transaction.
    pub consume_batch: usize,
    /// How many transactions are under way at once on PostgreSQL; a partition keeps to one lane.
    pub consume_lanes: usize,
    /// Waits before the tries after the first one, in milliseconds; after the last the event
    /// becomes a dead letter.
    pub retry_ms: Vec<u64>,
    /// How often parked events are looked at, in milliseconds.
    pub retry_poll_ms: u64,
    /// More dead letters than this within `flood_minutes` stop the consumer.
    pub flood_limit: usize,
    pub flood_minutes: u64,
    /// How long the inbox remembers events, in days; longer than any redelivery can take.
    pub inbox_days: u64,
}

impl Default for BackboneSettings {
    fn default() -> Self {
        Self {
            relay_batch: 2_000,
            relay_workers: 4,
            relay_pace_ms: 5,
            relay_poll_ms: 500,
            lease_ms: 10_000,
            keep_published_secs: 0,
            consume_batch: 64,
            consume_lanes: 4,
            retry_ms: [1, 5, 30, 120, 600, 1_800, 3_600].map(|secs| secs * 1_000).to_vec(),
            retry_poll_ms: 500,
            flood_limit: 100,
            flood_minutes: 10,
            inbox_days: 30,
        }
    }
}

impl BackboneSettings {
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    pub(crate) fn relay_pace(&self) -> Duration {
        Duration::from_millis(self.relay_pace_ms)
    }

    pub(crate) fn relay_poll(&self) -> Duration {
        Duration::from_millis(self.relay_poll_ms)
    }

    pub(crate) fn retry_poll(&self) -> Duration {
        Duration::from_millis(self.retry_poll_ms)
    }

    /// Wait before the next try of an event that failed `attempts` times; `None`: give it up.
    pub(crate) fn wait_after(&self, attempts: i32) -> Option<chrono::TimeDelta> {
        let done = usize::try_from(attempts).unwrap_or_default();
        let ms = self.retry_ms.get(done.saturating_sub(1))?;
        Some(chrono::TimeDelta::milliseconds(i64::try_from(*ms).unwrap_or(i64::MAX / 1_000_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_tries_then_a_dead_letter() {
        let settings = BackboneSettings::default();
        assert_eq!(settings.wait_after(1), Some(chrono::TimeDelta::seconds(1)));
        assert_eq!(settings.wait_after(7), Some(chrono::TimeDelta::seconds(3_600)));
        assert_eq!(settings.wait_after(8), None);
    }
}
