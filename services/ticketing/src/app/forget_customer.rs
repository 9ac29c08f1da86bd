//! The words of a person's tickets are overwritten: subjects, articles, resolutions, notes, reasons,
//! and what search finds them by. Numbers, times, states and figures stay.
//!
//! The one exception from "history is append-only": its rows stay, their words do not.

use contracts::{ERASED, customer::CustomerErased};
use kernel::Problem;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use store::{Tx, fts::Content, sql};

use super::App;
use crate::store::{entities::ticket, facets};

/// `$1` is what stands there afterwards, `$2` the customer.
const OVERWRITE: [&str; 7] = [
    "UPDATE ticket SET subject = $1, external_ref = NULL, external_source = NULL, version = version + 1,
       resolution = CASE WHEN resolution IS NULL THEN NULL ELSE $1 END WHERE customer_id = $2",
    "UPDATE article SET body = $1
       WHERE ticket_id IN (SELECT id FROM ticket WHERE customer_id = $2)",
    "UPDATE history SET reason = $1 WHERE reason IS NOT NULL
       AND ticket_id IN (SELECT id FROM ticket WHERE customer_id = $2)",
    "UPDATE history SET old_value = CASE WHEN old_value IS NULL THEN NULL ELSE $1 END,
       new_value = CASE WHEN new_value IS NULL THEN NULL ELSE $1 END
       WHERE (field IN ('subject', 'resolution') OR field LIKE 'task.%')
       AND ticket_id IN (SELECT id FROM ticket WHERE customer_id = $2)",
    "UPDATE task SET title = $1, body = CASE WHEN body IS NULL THEN NULL ELSE $1 END,
       note = CASE WHEN note IS NULL THEN NULL ELSE $1 END
       WHERE ticket_id IN (SELECT id FROM ticket WHERE customer_id = $2)",
    "UPDATE urge SET note = $1 WHERE note IS NOT NULL
       AND ticket_id IN (SELECT id FROM ticket WHERE customer_id = $2)",
    "UPDATE timer_pause SET reason = $1 WHERE reason IS NOT NULL AND timer_id IN
       (SELECT m.id FROM timer m JOIN ticket t ON t.id = m.ticket_id WHERE t.customer_id = $2)",
];

pub async fn run(app: &App, tx: &Tx, event: CustomerErased) -> Result<(), Problem> {
    // The mark comes first: who opens a ticket for him from now on finds it.
    let mark = "INSERT INTO customer (id, org, number, locale, version, erased_at)
       VALUES ($1, $2, $3, 'zh-CN', $4, $5)
       ON CONFLICT (id) DO UPDATE SET erased_at = excluded.erased_at,
         version = CASE WHEN customer.version < excluded.version THEN excluded.version ELSE customer.version END";
    let ids: Vec<_> = event.ids().collect();
    for id in &ids {
        let values = vec![
            (*id).into(),
            event.org.clone().into(),
            event.number.clone().into(),
            event.version.into(),
            event.erased_at.into(),
        ];
        sql::execute(tx, mark, values).await?;
        for statement in OVERWRITE {
            sql::execute(tx, statement, vec![ERASED.into(), (*id).into()]).await?;
        }
        let tickets = ticket::Entity::find().filter(ticket::Column::CustomerId.eq(*id));
        for ticket in tickets.all(tx).await? {
            let content = Content::new(&ticket.number, facets::of(&ticket));
            store::fts::put(tx, "ticket", ticket.id, content).await?;
            // The answer kept for a repeated request.
            let kept = "DELETE FROM idempotency WHERE location = $1";
            let location = format!("/api/v1/tickets/{}", ticket.id);
            sql::execute(tx, kept, vec![location.into()]).await?;
        }
    }
    store::fts::purge(tx, "ticket").await?;
    let letters = events::dead_letters::forget(tx, &ids).await?;
    tracing::info!(target: "audit", customer = %event.customer_id, at = %app.clock.now(), letters, "words of an erased customer overwritten");
    Ok(())
}
