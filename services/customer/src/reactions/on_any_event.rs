//! Every event of every service that concerns a customer becomes a line of his timeline. He need
//! not be known yet: who an id belongs to is resolved when the timeline is read.

use async_trait::async_trait;
use events::{Envelope, ReactAny};
use kernel::{Context, Problem};
use store::Tx;

use crate::app::timeline;

pub struct NoteInTimeline;

#[async_trait]
impl ReactAny for NoteInTimeline {
    async fn react(&self, tx: &Tx, _ctx: &Context, event: &Envelope) -> Result<(), Problem> {
        timeline::note(tx, event).await
    }
}
