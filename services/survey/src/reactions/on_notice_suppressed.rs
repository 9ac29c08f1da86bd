//! An invitation was not delivered on purpose: no address, opted out, too late.

use async_trait::async_trait;
use contracts::notification::NoticeSuppressed;
use events::React;
use kernel::{Context, Problem};
use store::Tx;

use crate::{App, app::bounce};

pub struct OnNoticeSuppressed(pub App);

#[async_trait]
impl React<NoticeSuppressed> for OnNoticeSuppressed {
    async fn react(&self, tx: &Tx, ctx: &Context, event: NoticeSuppressed) -> Result<(), Problem> {
        bounce::bounced(&self.0, tx, ctx, &event.notice, &event.reason).await
    }
}
