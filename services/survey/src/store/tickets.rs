//! Settled tickets, as far as an invitation by hand and the answer page need them.

use chrono::{DateTime, Utc};
use contracts::ticketing::TicketSnapshot;
use kernel::{OrgPath, Problem};
use sea_orm::ConnectionTrait;
use store::{Pii, Tx, sql};
use uuid::Uuid;

/// Keeps what was told last. The ticket's subject, somebody's words, is kept apart and sealed; where
/// there is none to be kept, one that is there stays.
pub async fn keep(tx: &Tx, ticket: &TicketSnapshot, sealed: Option<String>) -> Result<(), Problem> {
    let known = TicketSnapshot { subject: String::new(), ..ticket.clone() };
    sql::execute(
        tx,
        "INSERT INTO ticket (ticket_id, org, snapshot, version, customer_id, subject) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (ticket_id) DO UPDATE SET org = excluded.org, snapshot = excluded.snapshot, version = excluded.version,
           customer_id = excluded.customer_id, subject = coalesce(excluded.subject, ticket.subject)
         WHERE excluded.version >= ticket.version",
        vec![
            ticket.ticket_id.into(),
            ticket.org.clone().into(),
            serde_json::to_value(&known)?.into(),
            ticket.version.into(),
            ticket.customer_id.into(),
            sealed.into(),
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

/// What somebody is asked about.
#[derive(Debug, Clone)]
pub struct Matter {
    pub number: String,
    /// Unknown for tickets settled before it was kept, and forgotten with the customer.
    pub subject: Option<String>,
    pub opened_at: DateTime<Utc>,
    pub settled_at: Option<DateTime<Utc>>,
}

/// The matter of an invitation; nothing once the ticket is found to be somebody else's.
pub async fn matter(
    conn: &impl ConnectionTrait,
    pii: &Pii,
    ticket_id: Uuid,
    customer_id: Option<Uuid>,
) -> Result<Option<Matter>, Problem> {
    let query = "SELECT snapshot, subject FROM ticket WHERE ticket_id = $1";
    let Some(row) = sql::one(conn, query, vec![ticket_id.into()]).await? else { return Ok(None) };
    let ticket: TicketSnapshot = serde_json::from_value(row.try_get("", "snapshot")?)?;
    if ticket.customer_id != customer_id {
        return Ok(None);
    }
    let sealed: Option<String> = row.try_get("", "subject")?;
    Ok(Some(Matter {
        number: ticket.number,
        subject: sealed.map(|text| pii.open(&text)).transpose()?,
        opened_at: ticket.opened_at,
        settled_at: ticket.resolved_at.or(ticket.closed_at),
    }))
}
