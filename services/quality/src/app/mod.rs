//! Use cases: load, decide by the rules of `domain`, save and emit, in one transaction.

pub mod appeals;
pub mod builtin;
pub mod draw;
pub mod evaluate;
pub mod finalise;
pub mod forget_customer;
pub mod inspect;
pub mod plans;
pub mod publish;
pub mod rectify;
pub mod report;
pub mod scorecards;

use std::sync::Arc;

use contracts::quality::Inspected;
use kernel::{Clock, Context, OrgPath, Problem, messages as shared};
use store::Db;

use crate::{settings::Rules, store::entities::inspection};

/// What use cases work with.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub rules: Arc<Rules>,
}

/// The unit of a new record: the one asked for, which must be within the caller's, or the caller's.
pub fn org_of(ctx: &Context, asked: Option<&str>) -> Result<OrgPath, Problem> {
    let Some(asked) = asked else { return Ok(ctx.actor.org.clone()) };
    let org = OrgPath::parse(asked)
        .map_err(|_| Problem::invalid("/org", "malformed", shared::malformed_org()))?;
    if ctx.actor.org.covers(org.as_str()) {
        return Ok(org);
    }
    Err(Problem::invalid("/org", "outside-own-unit", shared::foreign_org(&ctx.actor.org)))
}

/// The inspected service as events tell it.
fn inspected(of: &inspection::Model) -> Inspected {
    Inspected {
        inspection_id: of.id,
        org: of.org.clone(),
        ticket_id: of.ticket_id,
        ticket_number: of.ticket_number.clone(),
        customer_id: of.customer_id,
        agent: of.agent.clone(),
    }
}
