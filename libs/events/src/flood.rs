//! Flood guard: when many events fail for good in a short time, the fault is ours. Stopping then
//! keeps the topic from being emptied into the dead letters.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::BackboneSettings;

/// Counts dead letters of one consumer within this process.
#[derive(Debug)]
pub(crate) struct Flood {
    consumer: String,
    limit: usize,
    minutes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    recent: VecDeque<DateTime<Utc>>,
    stopped: Option<String>,
}

impl Flood {
    pub(crate) fn new(consumer: &str, settings: &BackboneSettings) -> Self {
        Self {
            consumer: consumer.to_owned(),
            limit: settings.flood_limit,
            minutes: settings.flood_minutes,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more dead letter may be written; false stops the consumer for good.
    pub(crate) fn admit(&self, now: DateTime<Utc>, why: &str) -> bool {
        let mut state = self.state();
        if state.stopped.is_some() {
            return false;
        }
        let window = TimeDelta::minutes(i64::try_from(self.minutes).unwrap_or(i64::MAX / 60_000));
        while state.recent.front().is_some_and(|at| *at <= now - window) {
            state.recent.pop_front();
        }
        if state.recent.len() < self.limit {
            state.recent.push_back(now);
            return true;
        }
        let text = format!(
            "consumer {} stopped: {} dead letters within {} minutes; last error: {why}; \
             look at them with `dead-letters list`, mend the cause, restart, then re-drive them",
            self.consumer, self.limit, self.minutes
        );
        tracing::error!(consumer = self.consumer, "{text}");
        state.stopped = Some(text);
        false
    }

    /// Why the consumer stands still, if it does.
    pub(crate) fn stopped(&self) -> Option<String> {
        self.state().stopped.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_flood_stops() {
        let settings =
            BackboneSettings { flood_limit: 2, flood_minutes: 5, ..BackboneSettings::default() };
        let flood = Flood::new("kefu-survey", &settings);
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let at = |minute| start + TimeDelta::minutes(minute);
        assert!(flood.admit(at(0), "a") && flood.admit(at(3), "b"));
        assert!(flood.admit(at(6), "c"), "the first one is out of the window");
        assert_eq!(flood.stopped(), None);
        assert!(!flood.admit(at(7), "d"));
        assert!(flood.stopped().unwrap().contains("last error: d"));
        assert!(!flood.admit(at(60), "e"), "stopped is stopped");
    }
}
