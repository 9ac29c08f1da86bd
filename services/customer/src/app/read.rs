//! Reading one customer, unmasked only for those who may and in the open.

use kernel::{Context, Permission, Problem, codes, messages as shared};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::Serialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App, party,
    view::{self, CustomerView, SourceRecordView, SourcesView, StatementView, WinnerView},
};
use crate::{
    domain::timeline,
    store::{customers, entities::pii_access_log},
};

/// Who saw unmasked data.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PiiAccessView {
    pub id: Uuid,
    pub actor: String,
    /// `user` or `client`.
    pub actor_kind: String,
    /// `customer`, `contacts` or `reach` (telephone and e-mail, for a ticket): seen unmasked;
    /// `erasure`.
    pub what: String,
    pub purpose: Option<String>,
    /// Ticket for whose sake it was seen.
    pub ticket_id: Option<Uuid>,
    pub trace_id: Option<String>,
    pub at: chrono::DateTime<chrono::Utc>,
}

/// The customer, masked.
pub async fn masked(app: &App, ctx: &Context, id: Uuid) -> Result<CustomerView, Problem> {
    let row = customers::find(&app.db, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    Ok(view::customer(app, &app.db, &ctx.actor.org, &row, false).await?.seen_by(&ctx.actor))
}

/// The customer, unmasked. The log entry commits before the answer leaves; without it, none.
pub async fn revealed(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    purpose: Option<&str>,
) -> Result<CustomerView, Problem> {
    let row = customers::find(tx, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    log_reveal(app, tx, ctx, row.id, "customer", purpose).await?;
    Ok(view::customer(app, tx, &ctx.actor.org, &row, true).await?.seen_by(&ctx.actor))
}

/// Refuses callers without `pii:read`, and writes down who sees what.
pub async fn log_reveal(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    customer_id: Uuid,
    what: &str,
    purpose: Option<&str>,
) -> Result<(), Problem> {
    if !ctx.actor.can(Permission::PiiRead) {
        return Err(
            Problem::of(&codes::FORBIDDEN).detail(shared::permission_required(Permission::PiiRead))
        );
    }
    log_access(app, tx, ctx, customer_id, what, purpose).await
}

/// Writes down who did what with personal data.
pub async fn log_access(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    customer_id: Uuid,
    what: &str,
    purpose: Option<&str>,
) -> Result<(), Problem> {
    log_for_ticket(app, tx, ctx, customer_id, (what, None), purpose).await
}

/// The same, for the sake of a ticket where there is one.
pub async fn log_for_ticket(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    customer_id: Uuid,
    (what, ticket_id): (&str, Option<Uuid>),
    purpose: Option<&str>,
) -> Result<(), Problem> {
    let too_long = purpose.is_some_and(|p| p.chars().count() > 200 || p.contains('\0'));
    if too_long {
        let detail = shared::too_long(200);
        return Err(Problem::of(&codes::INVALID_QUERY).field("/purpose", "too-long", detail));
    }
    let trace = events::current_trace(ctx);
    let kind = serde_json::to_value(ctx.actor.kind)?;
    let entry = pii_access_log::Model {
        id: kernel::new_id(),
        customer_id,
        actor: ctx.actor.id.clone(),
        actor_kind: kind.as_str().unwrap_or_default().to_owned(),
        what: what.to_owned(),
        purpose: purpose.map(str::to_owned),
        trace_id: timeline::trace_id(trace.traceparent.as_deref()),
        at: app.now(),
        ticket_id,
    };
    entry.into_active_model().insert(tx).await?;
    Ok(())
}

/// Who saw the customer unmasked, newest first; at most 200 entries.
pub async fn accesses(app: &App, ctx: &Context, id: Uuid) -> Result<Vec<PiiAccessView>, Problem> {
    let row = customers::find(&app.db, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    let ids = customers::all_ids(&app.db, row.id).await?;
    let rows = pii_access_log::Entity::find()
        .filter(pii_access_log::Column::CustomerId.is_in(ids))
        .order_by_desc(pii_access_log::Column::Id)
        .limit(200)
        .all(&app.db)
        .await?;
    let view = |row: pii_access_log::Model| PiiAccessView {
        id: row.id,
        actor: row.actor,
        actor_kind: row.actor_kind,
        what: row.what,
        purpose: row.purpose,
        ticket_id: row.ticket_id,
        trace_id: row.trace_id,
        at: row.at,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// The customer's source records and why each field of the golden record is what it is.
pub async fn sources(app: &App, ctx: &Context, id: Uuid) -> Result<SourcesView, Problem> {
    let row = customers::find(&app.db, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    let sources = party::sources_of(app, &app.db, row.id).await?;
    let golden = party::golden_of(&sources);
    let fields = golden.cells.into_iter().map(|(field, winner)| WinnerView {
        field,
        source: winner.source,
        source_key: winner.source_key,
        at: winner.at,
        reason: winner.reason,
    });
    let records = sources.into_iter().map(|source| SourceRecordView {
        id: source.member.id,
        source: source.member.source,
        source_key: source.member.source_key,
        org: source.member.org,
        reason: source.member.reason,
        since: source.member.since,
        updated_at: source.member.updated_at,
        fields: source
            .record
            .fields
            .into_iter()
            .map(|(field, s)| StatementView {
                field,
                value: s.value.map(|v| view::shown(field, &v, false)),
                valid: s.valid,
                at: s.at,
            })
            .collect(),
    });
    Ok(SourcesView { fields: fields.collect(), records: records.collect() })
}
