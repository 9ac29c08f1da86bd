//! The ticket as events tell it.

use chrono::{DateTime, Utc};
use contracts::ticketing::{Name, Origin, TicketSnapshot};

use super::timers::Timer;
use crate::{
    domain::{category, config::Text, words},
    store::{configs::Config, entities::ticket},
};

/// What events tell besides the ticket's own columns.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    config: &'a Config,
    first_response_due_at: Option<DateTime<Utc>>,
    resolution_due_at: Option<DateTime<Utc>>,
}

impl<'a> Surroundings<'a> {
    pub fn of(config: &'a Config, timers: &[Timer]) -> Self {
        let due = |metric: &str| {
            let open = timers.iter().find(|t| t.row.metric == metric && !t.ended());
            open.and_then(|t| t.row.due_at)
        };
        Self {
            config,
            first_response_due_at: due(words::FIRST_RESPONSE),
            resolution_due_at: due(words::RESOLUTION),
        }
    }

    /// What the enterprise calls a department.
    pub fn department(&self, key: &str) -> Option<Name> {
        self.config.departments.get(key).map(|department| name(&department.name))
    }
}

fn name(text: &Text) -> Name {
    Name { zh: text.zh.clone(), en: text.en.clone() }
}

pub(super) fn of(t: &ticket::Model, around: &Surroundings<'_>) -> TicketSnapshot {
    let kind = around.config.kinds.get(&t.kind);
    let category = t.category.as_deref().zip(kind);
    let category = category.and_then(|(key, kind)| category::find(&kind.categories, key));
    let origin = t.origin_kind.clone().zip(t.origin_id).map(|(kind, id)| Origin { kind, id });
    TicketSnapshot {
        ticket_id: t.id,
        number: t.number.clone(),
        org: t.org.clone(),
        kind: t.kind.clone(),
        category: t.category.clone(),
        priority: t.priority.clone(),
        status: t.status.clone(),
        complaint_level: t.complaint_level.clone(),
        subject: t.subject.clone(),
        channel: t.channel.clone(),
        locale: t.locale.clone(),
        customer_id: t.customer_id,
        tier: t.tier.clone(),
        account_manager: t.account_manager.clone(),
        queue: t.queue.clone(),
        first_responder: t.first_responder.clone(),
        handler: t.handler.clone(),
        parent_id: t.parent_id,
        origin,
        opened_at: t.opened_at,
        first_responded_at: t.first_responded_at,
        resolved_at: t.resolved_at,
        closed_at: t.closed_at,
        reopen_count: t.reopen_count,
        urge_count: t.urge_count,
        breached: t.breached,
        resolution_attained: t.resolution_attained,
        response_attained: t.response_attained,
        version: t.version,
        kind_name: kind.map(|kind| name(&kind.name)),
        category_name: category.map(|category| name(&category.name)),
        first_response_due_at: around.first_response_due_at,
        resolution_due_at: around.resolution_due_at,
    }
}
