//! Closes resolved tickets to which nobody objected in time.

use kernel::{Context, OrgPath, Problem, TraceContext};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tracing::Instrument;
use uuid::Uuid;

use super::{App, edit::Edit, move_ticket::close_now};
use crate::store::{entities::ticket, tickets};

const BATCH: u64 = 200;

/// Closes what is due by now; answers how many.
pub async fn run(app: &App) -> Result<usize, Problem> {
    let now = app.clock.now();
    let (mut closed, mut failure) = (0, None);
    loop {
        let due: Vec<(Uuid, Option<String>)> = ticket::Entity::find()
            .select_only()
            .column(ticket::Column::Id)
            .column(ticket::Column::Traceparent)
            .filter(ticket::Column::AutoCloseAt.lte(now))
            .order_by_asc(ticket::Column::AutoCloseAt)
            .limit(BATCH)
            .into_tuple()
            .all(&app.db)
            .await?;
        let mut progress = 0;
        for (id, traceparent) in &due {
            let trace = TraceContext::from_parent(traceparent.clone());
            let span = events::resume_span("close ticket", &trace);
            match close(app, *id, trace).instrument(span).await {
                Ok(done) => progress += usize::from(done),
                Err(problem) => {
                    tracing::error!(ticket = %id, %problem, "a ticket cannot be closed");
                    failure = Some(problem);
                }
            }
        }
        closed += progress;
        if progress == 0 {
            return failure.map_or(Ok(closed), Err);
        }
    }
}

async fn close(app: &App, id: Uuid, trace: TraceContext) -> Result<bool, Problem> {
    let tx = app.db.begin().await?;
    let Some(ticket) = tickets::lock_if_free(&tx, id).await? else { return Ok(false) };
    if ticket.auto_close_at.is_none_or(|at| at > app.clock.now()) {
        return Ok(false);
    }
    let ctx = Context::system(OrgPath::parse(&ticket.org)?, trace);
    let mut edit = Edit::of(app, &tx, &ctx, ticket).await?;
    close_now(&mut edit, "auto".into())?;
    edit.save().await?;
    tx.commit().await?;
    Ok(true)
}
