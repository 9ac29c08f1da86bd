//! An invitation has reached its customer.

use async_trait::async_trait;
use contracts::notification::NoticeDelivered;
use events::React;
use kernel::{Context, Problem};
use store::Tx;

use crate::{App, app::bounce};

pub struct OnNoticeDelivered(pub App);

#[async_trait]
impl React<NoticeDelivered> for OnNoticeDelivered {
    async fn react(&self, tx: &Tx, _: &Context, event: NoticeDelivered) -> Result<(), Problem> {
        bounce::delivered(&self.0, tx, &event.notice).await
    }
}
