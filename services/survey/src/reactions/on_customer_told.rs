//! A customer is registered or has changed: which units may see them is known here too.

use async_trait::async_trait;
use contracts::customer::{CustomerChanged, CustomerRegistered};
use events::React;
use kernel::{Context, Problem};
use store::Tx;

use crate::store::customers;

pub struct OnCustomerTold;

#[async_trait]
impl React<CustomerRegistered> for OnCustomerTold {
    async fn react(&self, tx: &Tx, _: &Context, event: CustomerRegistered) -> Result<(), Problem> {
        customers::keep(tx, &event.customer).await
    }
}

#[async_trait]
impl React<CustomerChanged> for OnCustomerTold {
    async fn react(&self, tx: &Tx, _: &Context, event: CustomerChanged) -> Result<(), Problem> {
        customers::keep(tx, &event.customer).await
    }
}
