//! Makes evaluations final that nobody appealed in time.

use kernel::{Problem, TraceContext};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use tracing::Instrument;
use uuid::Uuid;

use super::App;
use crate::store::entities::{evaluation, inspection};

/// Evaluations of one turn.
const BATCH: u64 = 200;

/// Finalises what is due; the rest, if any, at the next turn.
pub async fn run(app: &App) -> Result<(), Problem> {
    use evaluation::Column as C;
    let due = evaluation::Entity::find()
        .filter(C::State.eq("published"))
        .filter(C::AppealUntil.lt(app.clock.now()))
        .order_by_asc(C::AppealUntil)
        .limit(BATCH)
        .find_also_related(inspection::Entity)
        .all(&app.db)
        .await?;
    for (evaluation, of) in due {
        let trace = TraceContext::from_parent(of.and_then(|of| of.traceparent));
        let span = events::resume_span("finalise evaluation", &trace);
        finalise(app, evaluation.id).instrument(span).await?;
    }
    Ok(())
}

async fn finalise(app: &App, id: Uuid) -> Result<(), Problem> {
    let tx = app.db.begin().await?;
    let found = evaluation::Entity::find_by_id(id).lock_exclusive().one(&tx).await?;
    let now = app.clock.now();
    // An appeal may have come in between; the lock tells.
    let due = |e: &evaluation::Model| {
        e.state == "published" && e.appeal_until.is_some_and(|until| until < now)
    };
    if let Some(found) = found.filter(due) {
        let version = found.version;
        let mut row = found.into_active_model();
        row.state = Set("final".to_owned());
        row.final_at = Set(Some(now));
        row.final_reason = Set(Some("unappealed".to_owned()));
        row.version = Set(version + 1);
        row.update(&tx).await?;
    }
    tx.commit().await?;
    Ok(())
}
