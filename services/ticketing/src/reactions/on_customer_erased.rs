//! A person is forgotten: his tickets lose their words.

use async_trait::async_trait;
use contracts::customer::CustomerErased;
use events::React;
use kernel::{Context, Problem};
use store::Tx;

use crate::app::{App, forget_customer};

pub(super) struct ForgetCustomer(pub App);

#[async_trait]
impl React<CustomerErased> for ForgetCustomer {
    async fn react(&self, tx: &Tx, _ctx: &Context, event: CustomerErased) -> Result<(), Problem> {
        forget_customer::run(&self.0, tx, event).await
    }
}
