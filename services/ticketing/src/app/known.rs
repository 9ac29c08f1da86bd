//! Refuses names that stand for nothing configured, and says which do.

use kernel::{Arg, Fields, messages as shared};

use crate::{
    domain::{category, kind::Kind, priority::Priority},
    messages,
    store::configs::Config,
};

pub(super) fn kind(fields: &mut Fields, pointer: &str, config: &Config, key: &str, known: bool) {
    if !known {
        let all = config.kinds.iter().filter(|(_, kind)| kind.enabled).map(|(key, _)| key);
        let detail = messages::unknown_kind(key, Arg::list(all));
        fields.check(false, pointer, "unknown-kind", detail);
    }
}

pub(super) fn category(fields: &mut Fields, kind: Option<&Kind>, category: &str) {
    let Some(kind) = kind.filter(|kind| !kind.has_category(category)) else { return };
    let all = category::keys(&kind.categories);
    let detail = messages::unknown_category(category, all);
    fields.check(false, "/category", "unknown-category", detail);
}

pub(super) fn queue(fields: &mut Fields, config: &Config, key: Option<&str>) {
    let Some(key) = key.filter(|key| !config.queues.get(*key).is_some_and(|q| q.enabled)) else {
        return;
    };
    let all = config.queues.iter().filter(|(_, queue)| queue.enabled).map(|(key, _)| key);
    let detail = messages::unknown_queue(key, Arg::list(all));
    fields.check(false, "/queue", "unknown-queue", detail);
}

pub(super) fn department(fields: &mut Fields, config: &Config, key: &str, known: bool) {
    if !known {
        let all = config.departments.iter().filter(|(_, d)| d.enabled).map(|(key, _)| key);
        let detail = messages::unknown_department(key, Arg::list(all));
        fields.check(false, "/department", "unknown-department", detail);
    }
}

pub(super) fn calendar(fields: &mut Fields, config: &Config, key: &str) {
    if !config.has_calendar(key) {
        let detail = messages::unknown_calendar(key, Arg::list(config.calendar_keys()));
        fields.check(false, "/calendar", "unknown-calendar", detail);
    }
}

pub(super) fn priority(fields: &mut Fields, pointer: &str, word: &str) {
    if word.parse::<Priority>().is_err() {
        let detail = shared::one_of(Priority::ALL.map(Priority::as_str));
        fields.check(false, pointer, "unknown-priority", detail);
    }
}
