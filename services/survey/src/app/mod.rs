//! Use cases, one per file: load → decide → save and tell, in one transaction.

pub mod answer;
pub mod bounce;
pub mod cancel;
pub mod change_draft;
pub mod change_trigger;
pub mod create_survey;
pub mod create_trigger;
pub mod defaults;
pub mod delete_trigger;
pub mod follow_up;
pub mod forget_customer;
pub mod invite;
pub mod invite_by_hand;
pub mod know_ticket;
pub mod open_invitation;
pub mod opt_out;
pub mod publish;
pub mod results;
pub mod send;

use kernel::{Actor, OrgPath, Problem, messages as shared};

/// Unit of a new record: the one asked for, if the caller's unit covers it, else the caller's.
pub fn unit_for(actor: &Actor, asked: Option<&str>) -> Result<OrgPath, Problem> {
    let Some(asked) = asked else { return Ok(actor.org.clone()) };
    let org = OrgPath::parse(asked)
        .map_err(|_| Problem::invalid("/org", "malformed", shared::malformed_org()))?;
    if actor.org.covers(org.as_str()) {
        return Ok(org);
    }
    Err(Problem::invalid("/org", "not-covered", shared::foreign_org(&actor.org)))
}
