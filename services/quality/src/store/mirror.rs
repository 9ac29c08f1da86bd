//! Read models: what ticketing and survey told.

use contracts::ticketing::TicketSnapshot;
use kernel::Problem;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, QuerySelect};
use store::Tx;

use super::entities::serviced_ticket::{ActiveModel, Entity, Model};

/// What an event means for the copy of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The service was rendered: who did it, for whom and in which unit is fixed now.
    Resolved,
    /// Closed, perhaps without a resolution.
    Closed,
    /// History of another system.
    Imported,
    Other,
}

/// Takes over a snapshot unless a newer one is known, and returns what is known then. Unit, tier,
/// complaint level and agent stand as they were at the latest resolution, whatever follows.
pub async fn take(
    tx: &Tx,
    ticket: &TicketSnapshot,
    change: Change,
    traceparent: Option<String>,
) -> Result<Model, Problem> {
    let known = Entity::find_by_id(ticket.ticket_id).lock_exclusive().one(tx).await?;
    let row = match known {
        None => {
            let row = ActiveModel { traceparent: Set(traceparent), ..merged(None, ticket, change) };
            row.insert(tx).await?
        }
        Some(known) if known.version >= ticket.version => known,
        Some(known) => merged(Some(&known), ticket, change).update(tx).await?,
    };
    Ok(row)
}

fn merged(known: Option<&Model>, ticket: &TicketSnapshot, change: Change) -> ActiveModel {
    let rendered = matches!(change, Change::Resolved | Change::Imported);
    // Once somebody served it, later transfers do not rewrite history.
    let kept = known.filter(|k| k.agent.is_some() && !rendered);
    let agent = match change {
        Change::Resolved | Change::Imported | Change::Closed => ticket.handler.clone(),
        Change::Other => None,
    };
    let imported = change == Change::Imported
        || ticket.channel == "import"
        || known.is_some_and(|k| k.imported);
    ActiveModel {
        ticket_id: Set(ticket.ticket_id),
        org: Set(kept.map_or_else(|| ticket.org.clone(), |k| k.org.clone())),
        number: Set(ticket.number.clone()),
        kind: Set(ticket.kind.clone()),
        category: Set(ticket.category.clone()),
        priority: Set(ticket.priority.clone()),
        channel: Set(ticket.channel.clone()),
        status: Set(ticket.status.clone()),
        complaint_level: Set(
            kept.map_or_else(|| ticket.complaint_level.clone(), |k| k.complaint_level.clone())
        ),
        customer_id: Set(ticket.customer_id),
        tier: Set(kept.map_or_else(|| ticket.tier.clone(), |k| k.tier.clone())),
        parent_id: Set(ticket.parent_id),
        agent: Set(kept.map_or(agent, |k| k.agent.clone())),
        opened_at: Set(ticket.opened_at),
        first_responded_at: Set(ticket.first_responded_at),
        resolved_at: Set(ticket.resolved_at),
        closed_at: Set(ticket.closed_at),
        reopen_count: Set(ticket.reopen_count),
        urge_count: Set(ticket.urge_count),
        breached: Set(ticket.breached),
        response_attained: Set(ticket.response_attained),
        resolution_attained: Set(ticket.resolution_attained),
        imported: Set(imported),
        traceparent: sea_orm::ActiveValue::NotSet,
        version: Set(ticket.version),
    }
}
