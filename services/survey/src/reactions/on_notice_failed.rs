//! An invitation could not be delivered.

use async_trait::async_trait;
use contracts::notification::NoticeFailed;
use events::React;
use kernel::{Context, Problem};
use store::Tx;

use crate::{App, app::bounce};

pub struct OnNoticeFailed(pub App);

#[async_trait]
impl React<NoticeFailed> for OnNoticeFailed {
    async fn react(&self, tx: &Tx, ctx: &Context, event: NoticeFailed) -> Result<(), Problem> {
        bounce::bounced(&self.0, tx, ctx, &event.notice, "failed").await
    }
}
