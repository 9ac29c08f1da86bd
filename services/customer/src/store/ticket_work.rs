//! Read model: who works on which ticket of which customer.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use store::{Tx, sql};
use uuid::Uuid;

use crate::domain::ticket_work::{Heard, Task, Work};

/// Takes over what an event says unless a newer one is known. The tickets of somebody who was
/// forgotten are nobody's.
pub async fn note(tx: &Tx, heard: &Heard) -> Result<(), DbErr> {
    let work = &heard.work;
    let upsert = "INSERT INTO ticket_work
         (ticket_id, customer_id, handler, first_responder, unfinished, version)
       VALUES ($1,
         CASE WHEN EXISTS (SELECT 1 FROM customer WHERE id = $2 AND erased_at IS NOT NULL)
           THEN NULL ELSE $2 END,
         $3, $4, $5, $6)
       ON CONFLICT (ticket_id) DO UPDATE SET customer_id = excluded.customer_id,
         handler = excluded.handler, first_responder = excluded.first_responder,
         unfinished = excluded.unfinished, version = excluded.version
       WHERE excluded.version >= ticket_work.version";
    let values = vec![
        work.ticket_id.into(),
        work.customer_id.into(),
        work.handler.as_deref().into(),
        work.first_responder.as_deref().into(),
        work.unfinished.into(),
        heard.version.into(),
    ];
    sql::execute(tx, upsert, values).await?;
    match &heard.task {
        Some(Task::Opened(id, Some(holder))) => {
            let insert = "INSERT INTO ticket_work_task (task_id, ticket_id, holder)
               VALUES ($1, $2, $3) ON CONFLICT (task_id) DO NOTHING";
            let values = vec![(*id).into(), work.ticket_id.into(), holder.as_str().into()];
            sql::execute(tx, insert, values).await.map(drop)
        }
        Some(Task::Ended(id)) => {
            let delete = "DELETE FROM ticket_work_task WHERE task_id = $1";
            sql::execute(tx, delete, vec![(*id).into()]).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// Who works on the ticket, and who answers for its open department tasks.
pub async fn find(
    conn: &impl ConnectionTrait,
    ticket: Uuid,
) -> Result<Option<(Work, Vec<String>)>, DbErr> {
    let select = "SELECT ticket_id, customer_id, handler, first_responder, unfinished
       FROM ticket_work WHERE ticket_id = $1";
    let Some(row) = sql::one(conn, select, vec![ticket.into()]).await? else { return Ok(None) };
    let select = "SELECT holder FROM ticket_work_task WHERE ticket_id = $1";
    let holders = sql::all(conn, select, vec![ticket.into()]).await?;
    let holders: Result<Vec<String>, DbErr> =
        holders.iter().map(|row| row.try_get("", "holder")).collect();
    Ok(Some((work(&row)?, holders?)))
}

fn work(row: &QueryResult) -> Result<Work, DbErr> {
    Ok(Work {
        ticket_id: row.try_get("", "ticket_id")?,
        customer_id: row.try_get("", "customer_id")?,
        handler: row.try_get("", "handler")?,
        first_responder: row.try_get("", "first_responder")?,
        unfinished: row.try_get("", "unfinished")?,
    })
}
