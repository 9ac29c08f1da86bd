//! A person is forgotten: his words go, his marks stay in the figures, he is asked no more.

use async_trait::async_trait;
use contracts::customer::CustomerErased;
use events::React;
use kernel::{Context, Problem};
use store::Tx;

use crate::{App, app::forget_customer};

pub struct OnCustomerErased(pub App);

#[async_trait]
impl React<CustomerErased> for OnCustomerErased {
    async fn react(&self, tx: &Tx, _ctx: &Context, event: CustomerErased) -> Result<(), Problem> {
        forget_customer::run(&self.0, tx, event).await
    }
}
