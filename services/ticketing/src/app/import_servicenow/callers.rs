//! Customers whom rows name: found, waited for, or told as unknown.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use kernel::{Context, Problem};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::super::{
    App,
    known_customer::{Meant, meant},
};
use crate::{
    domain::servicenow::{Row, RowError},
    store::entities::customer,
};

/// How long a request waits for the events of customers made just now, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(super) type Callers = HashMap<Uuid, customer::Model>;

/// Those of `ids` that the caller of the service may name. `customer-not-yet-known` where one may
/// still come; nothing has been taken over then. To be called outside of a transaction.
pub(super) async fn known(
    app: &App,
    ctx: &Context,
    ids: &BTreeSet<Uuid>,
) -> Result<Callers, Problem> {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = match ids.is_empty() {
            true => vec![],
            false => {
                let wanted = customer::Column::Id.is_in(ids.iter().copied());
                customer::Entity::find().filter(wanted).all(&app.db).await?
            }
        };
        let mut found: Callers = found.into_iter().map(|c| (c.id, c)).collect();
        let (mut visible, mut waiting) = (Callers::new(), false);
        for id in ids {
            match meant(app, &ctx.actor.org, *id, found.remove(id)) {
                Meant::Visible(customer) => drop(visible.insert(*id, *customer)),
                Meant::NotYet => waiting = true,
                Meant::Unknown => {}
            }
        }
        if !waiting {
            return Ok(visible);
        }
        if Instant::now() >= end {
            Meant::NotYet.found("/rows")?;
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Refuses a row that names nobody.
pub(super) fn check(row: Row, callers: &Callers) -> Result<Row, RowError> {
    match row.customer_id {
        Some(id) if !callers.contains_key(&id) => Err(RowError {
            column: "customer_id",
            code: "unknown-customer",
            detail: crate::messages::unknown_customer(),
        }),
        _ => Ok(row),
    }
}
