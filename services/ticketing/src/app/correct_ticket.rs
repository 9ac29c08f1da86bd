//! Another kind, another customer: for a ticket that was taken wrongly, or before it was known whose
//! it is. What was chosen by either follows.

use kernel::{Fields, Problem};

use super::{
    change_ticket::{TicketPatch, check_level},
    edit::Edit,
    known,
    open_ticket::{escalate, repeated},
};
use crate::store::entities::{customer, ticket};

/// Checks the kind that the ticket will have, and that category and level fit it.
pub(super) fn check_kind(fields: &mut Fields, edit: &Edit<'_>, patch: &TicketPatch) {
    let ticket = &edit.ticket;
    let other = patch.kind.as_ref().filter(|kind| **kind != ticket.kind);
    let key = other.unwrap_or(&ticket.kind);
    let kind = edit.config.kinds.get(key);
    let offered = kind.is_some_and(|kind| kind.enabled);
    known::kind(fields, "/kind", &edit.config, key, other.is_none() || offered);
    // What stays has to fit another kind, too; what was fine yesterday is not asked again.
    let stays = |now: &Option<String>| now.clone().filter(|_| other.is_some());
    let category = patch.category.clone().unwrap_or_else(|| stays(&ticket.category));
    if let Some(category) = &category {
        known::category(fields, kind, category);
    }
    let level = patch.complaint_level.clone().unwrap_or_else(|| stays(&ticket.complaint_level));
    check_level(fields, key, level.as_deref());
}

/// Gives the ticket another kind. Its queue follows if it was the former kind's.
pub(super) fn to_kind(edit: &mut Edit<'_>, kind: String) {
    let (config, org) = (edit.config.clone(), edit.ticket.org.clone());
    let own = config.queue_for(&edit.ticket.kind, &org);
    if edit.ticket.queue.as_deref() == own {
        let queue = config.queue_for(&kind, &org);
        if queue != own {
            let department = queue.and_then(|key| config.queues.get(key)?.department.clone());
            edit.ticket.queue = queue.map(str::to_owned);
            edit.ticket.department = department;
        }
    }
    edit.ticket.kind = kind;
}

/// Makes it the customer's ticket, or nobody's.
pub(super) fn to_customer(edit: &mut Edit<'_>, customer: Option<customer::Model>) {
    let ticket = &mut edit.ticket;
    ticket.customer_id = customer.as_ref().map(|c| c.id);
    if let Some(customer) = &customer {
        ticket.locale.clone_from(&customer.locale);
    }
    let (tier, sla_policy, manager) =
        customer.map_or((None, None, None), |c| (c.tier, c.sla_policy, c.account_manager));
    ticket.tier = tier;
    ticket.sla_policy = sla_policy;
    ticket.account_manager = manager;
}

/// Looks anew whether the complaint repeats an earlier one, and raises it when it turns out to.
pub(super) async fn relink(edit: &mut Edit<'_>, before: &ticket::Model) -> Result<(), Problem> {
    let ticket = &edit.ticket;
    let looks_at = |t: &ticket::Model| (t.customer_id, t.kind.clone(), t.category.clone());
    if looks_at(before) == looks_at(ticket) {
        return Ok(());
    }
    let earlier = repeated(edit.tx, ticket, Some(ticket.opened_at)).await?;
    if earlier == ticket.repeat_of {
        return Ok(());
    }
    let text = |id: Option<uuid::Uuid>| id.map(|id| id.to_string());
    let former = std::mem::replace(&mut edit.ticket.repeat_of, earlier);
    edit.note("repeat_of", text(former), text(earlier));
    if earlier.is_some() {
        escalate(edit, "repeat");
    }
    Ok(())
}
