//! Which columns of a ticket have a history.

use chrono::{DateTime, Utc};

use crate::store::entities::ticket;

/// The columns whose changes are history, as text.
pub(super) fn tracked(t: &ticket::Model) -> Vec<(&'static str, Option<String>)> {
    let time = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339());
    vec![
        ("status", Some(t.status.clone())),
        ("status_reason", t.status_reason.clone()),
        ("subject", Some(t.subject.clone())),
        ("kind", Some(t.kind.clone())),
        ("category", t.category.clone()),
        ("priority", Some(t.priority.clone())),
        ("complaint_level", t.complaint_level.clone()),
        ("customer_id", t.customer_id.map(|id| id.to_string())),
        ("locale", Some(t.locale.clone())),
        ("tier", t.tier.clone()),
        ("account_manager", t.account_manager.clone()),
        ("queue", t.queue.clone()),
        ("department", t.department.clone()),
        ("handler", t.handler.clone()),
        ("first_responder", t.first_responder.clone()),
        ("first_responded_at", time(t.first_responded_at)),
        ("resolution", t.resolution.clone()),
        ("reopen_count", Some(t.reopen_count.to_string())),
        ("urge_count", Some(t.urge_count.to_string())),
        ("escalation_level", Some(t.escalation_level.to_string())),
        ("breached", Some(t.breached.to_string())),
    ]
}
