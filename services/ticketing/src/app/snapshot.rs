//! The ticket as events tell it.

use contracts::ticketing::{Origin, TicketSnapshot};

use crate::store::entities::ticket;

pub(super) fn of(t: &ticket::Model) -> TicketSnapshot {
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
    }
}
