//! Every event of every service that concerns a customer becomes a line of their timeline. They need
//! not be known yet: who an id belongs to is resolved when the timeline is read. Events of tickets
//! also tell who works for whom.

use ::store::Tx;
use async_trait::async_trait;
use events::{Envelope, ReactAny};
use kernel::{Context, Problem};

use crate::{app::timeline, domain::ticket_work, store};

pub struct NoteInTimeline;

#[async_trait]
impl ReactAny for NoteInTimeline {
    async fn react(&self, tx: &Tx, _ctx: &Context, event: &Envelope) -> Result<(), Problem> {
        timeline::note(tx, event).await?;
        let Some(heard) = ticket_work::heard(&event.ty, &event.data)? else { return Ok(()) };
        if let Some(before) = heard.moved_from {
            timeline::follow(tx, &heard.work, before).await?;
        }
        Ok(store::ticket_work::note(tx, &heard).await?)
    }
}
