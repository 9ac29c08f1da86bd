//! A person is forgotten (个人信息删除, right to erasure): everything that tells who he is goes, here
//! at once and in the other services by [`CustomerErased`]. A stub with his number stays, so that
//! figures and histories stay true.
//!
//! Asked for again, nothing changes and the other services are told once more: for one that was
//! restored from an older backup.

use chrono::{DateTime, Utc};
use contracts::{ERASED, customer::CustomerErased};
use kernel::{Context, Problem};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde::{Deserialize, Serialize};
use store::{Tx, fts};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, party::Party, publish, read};
use crate::{
    codes,
    domain::identifier::PartyKind,
    store::{
        customers,
        entities::customer,
        erasures::{self, Erasure},
        identifiers,
    },
};

/// Why somebody is forgotten. A word and no free text: the proof must not name him.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureReason {
    /// He asked for it.
    Requested,
    ConsentWithdrawn,
    NoLongerNeeded,
    Unlawful,
}

impl ErasureReason {
    const fn as_str(self) -> &'static str {
        match self {
            ErasureReason::Requested => "requested",
            ErasureReason::ConsentWithdrawn => "consent_withdrawn",
            ErasureReason::NoLongerNeeded => "no_longer_needed",
            ErasureReason::Unlawful => "unlawful",
        }
    }
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    pub reason: ErasureReason,
}

/// Proof of an erasure, without the data.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ErasureView {
    pub customer_id: Uuid,
    /// `requested`, `consent_withdrawn`, `no_longer_needed` or `unlawful`.
    pub reason: String,
    pub erased_by: String,
    pub erased_at: DateTime<Utc>,
    /// When the other services were told last.
    pub told_at: DateTime<Utc>,
}

impl From<Erasure> for ErasureView {
    fn from(row: Erasure) -> Self {
        Self {
            customer_id: row.customer_id,
            reason: row.reason,
            erased_by: row.erased_by,
            erased_at: row.erased_at,
            told_at: row.told_at,
        }
    }
}

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: NewErasure,
) -> Result<ErasureView, Problem> {
    let seen = customers::find(tx, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    let party = Party::lock(app, tx, seen.id).await?;
    if party.kind() != PartyKind::Person {
        return Err(Problem::of(&codes::NOT_A_PERSON));
    }
    let now = app.now();
    let row = match party.row.erased_at {
        Some(_) => party.row,
        None => forget(app, tx, ctx, party).await?,
    };
    erasures::note(tx, row.id, input.reason.as_str(), &ctx.actor.id, now).await?;
    let former_ids =
        customers::all_ids(tx, row.id).await?.into_iter().filter(|id| *id != row.id).collect();
    let event = CustomerErased {
        customer_id: row.id,
        former_ids,
        number: row.number,
        org: row.org,
        version: row.version,
        erased_at: row.erased_at.unwrap_or(now),
    };
    let ids: Vec<Uuid> = event.ids().collect();
    events::dead_letters::forget(tx, &ids).await?;
    read::log_access(app, tx, ctx, row.id, "erasure", None).await?;
    events::emit(tx, ctx, now, &event).await?;
    Ok(erasures::find(tx, row.id).await?.ok_or_else(Problem::not_found)?.into())
}

/// Makes the row a stub. Its snapshot is told like any other change, so that even a service that
/// does not know the event of erasure overwrites its copy.
async fn forget(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    party: Party,
) -> Result<customer::Model, Problem> {
    let (golden, kind, now) = (party.golden(), party.kind(), app.now());
    let Party { mut row, sources } = party;
    let telling: Vec<_> =
        golden.identifiers.into_iter().filter(|i| i.gives_identity(kind)).collect();
    identifiers::settle(tx, &app.pii, (&row.root_org, kind), row.id, (&telling, &[])).await?;
    identifiers::release_all(tx, row.id).await?;
    let records: Vec<Uuid> = sources.iter().map(|source| source.member.id).collect();
    erasures::delete_records(tx, &records).await?;
    erasures::delete_data(tx, row.id).await?;
    for former in customers::former_ids(tx, row.id).await? {
        erasures::delete_data(tx, former).await?;
        let version = erasures::empty_former(tx, former, ERASED, now).await?;
        // Above all of theirs: whatever is told of a former id late is older than the erasure.
        row.version = row.version.max(version.unwrap_or_default());
        fts::put(tx, "customer", former, "").await?;
    }
    row.name = ERASED.to_owned();
    (row.latin_name, row.phone_sealed, row.email_sealed, row.address_sealed) = Default::default();
    (row.phone_valid, row.email_valid) = (false, false);
    row.version += 1;
    row.updated_at = now;
    row.erased_at = Some(now);
    let row = row.into_active_model().reset_all().update(tx).await?;
    fts::put(tx, "customer", row.id, &row.number).await?;
    fts::purge(tx, "customer").await?;
    publish::changed(app, tx, ctx, &row, vec!["erased".to_owned()]).await?;
    Ok(row)
}

/// The proof; 404 for one who was not erased.
pub async fn shown(app: &App, ctx: &Context, id: Uuid) -> Result<ErasureView, Problem> {
    let row = customers::find(&app.db, &ctx.actor.org, id).await?.ok_or_else(Problem::not_found)?;
    Ok(erasures::find(&app.db, row.id).await?.ok_or_else(Problem::not_found)?.into())
}

/// Nothing is added to a stub.
pub fn refuse_erased(row: &customer::Model) -> Result<(), Problem> {
    match row.erased_at {
        None => Ok(()),
        Some(_) => Err(Problem::of(&codes::CUSTOMER_ERASED)),
    }
}
