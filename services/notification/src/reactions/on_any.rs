//! Every event of every service goes through the workflows.

use ::store::Tx;
use async_trait::async_trait;
use events::{Envelope, ReactAny};
use kernel::{Context, Problem};

use crate::{App, app::decide, jobs::deliver};

pub struct OnAny(pub App);

#[async_trait]
impl ReactAny for OnAny {
    async fn react(&self, tx: &Tx, ctx: &Context, event: &Envelope) -> Result<(), Problem> {
        if decide::run(&self.0, tx, ctx, event).await? {
            deliver::wake(&self.0, tx);
        }
        Ok(())
    }
}
