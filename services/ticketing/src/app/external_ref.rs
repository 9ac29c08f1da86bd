//! References of other systems: the same message, order or call never opens two tickets.
//!
//! A reference is unique among those of one caller, for other callers number as they like; among
//! those of a named source it is unique in the unit that the ticket belongs to, whoever brings it.

use kernel::{Context, Fields, OrgPath, Problem, limits};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use store::Tx;

use super::open_ticket::{DEFAULT_CHANNEL, NewTicket};
use crate::{codes::DUPLICATE_EXTERNAL_REF, messages, store::entities::ticket};

/// What makes a reference the same as another.
#[derive(Debug, Clone)]
pub struct Reference {
    pub text: String,
    pub source: Option<String>,
    channel: String,
    org: String,
    caller: String,
}

pub(super) fn check(fields: &mut Fields, new: &NewTicket) {
    if let Some(reference) = &new.external_ref {
        fields.text("/external_ref", reference, 1, limits::NAME);
    }
    let Some(source) = &new.external_source else { return };
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let key = (1..=64).contains(&source.len()) && source.bytes().all(allowed);
    fields.check(key, "/external_source", "malformed", messages::key_form());
    let named = new.external_ref.is_some();
    fields.check(named, "/external_ref", "required", messages::reference_required());
}

impl Reference {
    /// The reference of a ticket that is asked for.
    #[must_use]
    pub fn of(ctx: &Context, new: &NewTicket) -> Option<Self> {
        Some(Self {
            text: new.external_ref.clone()?,
            source: new.external_source.clone(),
            channel: new.channel.clone().unwrap_or_else(|| DEFAULT_CHANNEL.into()),
            org: new.org.clone().unwrap_or_else(|| ctx.actor.org.to_string()),
            caller: ctx.actor.id.clone(),
        })
    }

    /// The ticket that it has opened. What is compared is what the index `ticket_external_scope`
    /// holds unique.
    async fn ticket(
        &self,
        conn: &impl ConnectionTrait,
        root: &OrgPath,
    ) -> Result<Option<ticket::Model>, DbErr> {
        let query = ticket::Entity::find()
            .filter(ticket::Column::Root.eq(root.as_str()))
            .filter(ticket::Column::Channel.eq(&self.channel))
            .filter(ticket::Column::ExternalRef.eq(&self.text));
        let query = match &self.source {
            Some(source) => query
                .filter(ticket::Column::ExternalSource.eq(source))
                .filter(ticket::Column::Org.eq(&self.org)),
            None => query
                .filter(ticket::Column::ExternalSource.is_null())
                .filter(ticket::Column::OpenedBy.eq(&self.caller)),
        };
        query.one(conn).await
    }

    /// Refuses a reference that has opened a ticket.
    pub(super) async fn refuse_known(&self, tx: &Tx, ctx: &Context) -> Result<(), Problem> {
        match self.ticket(tx, &ctx.actor.org.root()).await? {
            Some(found) => Err(conflict(ctx, &found)),
            None => Ok(()),
        }
    }
}

/// Names the ticket, unless the caller has come to a unit that does not see it.
fn conflict(ctx: &Context, found: &ticket::Model) -> Problem {
    let problem = Problem::of(&DUPLICATE_EXTERNAL_REF);
    if ctx.actor.org.covers(&found.org) {
        return problem.detail(messages::opened_before(&found.number, found.id));
    }
    problem
}

/// Writes the ticket's row now: somebody else may be opening the same just now, and of the two the
/// unique index refuses the second.
pub(super) async fn write_now(tx: &Tx) -> Result<(), Problem> {
    tx.write_later_rows().await.map_err(|error| {
        // PostgreSQL names the index, SQLite the index or the columns.
        let text = error.to_string();
        let same = text.contains("ticket_external") || text.contains("external_ref");
        if store::is_unique_violation(&error) && same {
            return Problem::of(&DUPLICATE_EXTERNAL_REF);
        }
        error.into()
    })
}

/// Names the ticket in a refusal that came from the index, after the transaction that failed by it.
pub async fn named(
    conn: &impl ConnectionTrait,
    ctx: &Context,
    reference: Option<Reference>,
    refused: Problem,
) -> Problem {
    if !refused.is(&DUPLICATE_EXTERNAL_REF) || refused.detail.is_some() {
        return refused;
    }
    let Some(reference) = reference else { return refused };
    match reference.ticket(conn, &ctx.actor.org.root()).await {
        Ok(Some(found)) => conflict(ctx, &found),
        Ok(None) => refused,
        Err(error) => {
            tracing::warn!(%error, "the ticket of a reference could not be looked up");
            refused
        }
    }
}
