//! A person is forgotten: what was written about the service he got loses its words; scores stay.

use async_trait::async_trait;
use contracts::customer::CustomerErased;
use events::React;
use kernel::{Context, Problem};
use store::Tx;

use crate::app::forget_customer;

pub struct Forget;

#[async_trait]
impl React<CustomerErased> for Forget {
    async fn react(&self, tx: &Tx, _ctx: &Context, event: CustomerErased) -> Result<(), Problem> {
        forget_customer::run(tx, event).await
    }
}
