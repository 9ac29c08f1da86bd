//! Settled tickets, as far as an invitation by hand needs them.

use contracts::ticketing::TicketSnapshot;
use kernel::{OrgPath, Problem};
use sea_orm::ConnectionTrait;
use store::{Tx, sql};
use uuid::Uuid;

/// Keeps what was told last; the ticket's subject, a customer's words, is not kept.
pub async fn keep(tx: &Tx, ticket: &TicketSnapshot) -> Result<(), Problem> {
    let known = TicketSnapshot { subject: String::new(), ..ticket.clone() };
    sql::execute(
        tx,
        "INSERT INTO ticket (ticket_id, org, snapshot, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (ticket_id) DO UPDATE SET org = excluded.org, snapshot = excluded.snapshot, version = excluded.version
         WHERE excluded.version >= ticket.version",
        vec![
            ticket.ticket_id.into(),
            ticket.org.clone().into(),
            serde_json::to_value(&known)?.into(),
            ticket.version.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The ticket, if it is settled and within the unit.
pub async fn settled(
    conn: &impl ConnectionTrait,
    org: &OrgPath,
    ticket_id: Uuid,
) -> Result<Option<TicketSnapshot>, Problem> {
    let query = "SELECT snapshot FROM ticket WHERE ticket_id = $1";
    let Some(row) = sql::one(conn, query, vec![ticket_id.into()]).await? else { return Ok(None) };
    let ticket: TicketSnapshot = serde_json::from_value(row.try_get("", "snapshot")?)?;
    let settled = matches!(ticket.status.as_str(), "resolved" | "closed");
    Ok(Some(ticket).filter(|t| settled && org.covers(&t.org)))
}
