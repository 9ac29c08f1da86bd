//! Takes back deliveries whose process died while it was sending them.

use kernel::Problem;

use super::settle;
use crate::{App, store::queue};

/// Puts them back into the queue; answers how many.
pub async fn run(app: &App) -> Result<usize, Problem> {
    let now = app.clock.now();
    if !queue::any_lost(&app.db, now).await? {
        return Ok(0);
    }
    let tx = app.db.begin().await?;
    let rows = queue::lost(&tx, now).await?;
    let (count, channels) =
        (rows.len(), rows.iter().map(|r| r.channel.clone()).collect::<Vec<_>>());
    for row in rows {
        settle::lost(app, &tx, row).await?;
    }
    tx.commit().await?;
    channels.iter().for_each(|channel| app.meters.count(channel, "lost"));
    Ok(count)
}
