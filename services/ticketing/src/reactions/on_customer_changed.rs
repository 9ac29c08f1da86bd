//! Keeps what tickets need of customers; a new tier reaches the tickets that are worked on.

use async_trait::async_trait;
use contracts::customer::{CustomerChanged, CustomerRegistered, CustomerSnapshot};
use events::React;
use kernel::{Context, Problem};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use store::Tx;

use crate::{
    app::{App, change_ticket::follow_customer},
    store::{entities::customer, tickets},
};

pub(super) struct KnowCustomer(pub App);

#[async_trait]
impl React<CustomerRegistered> for KnowCustomer {
    async fn react(
        &self,
        tx: &Tx,
        ctx: &Context,
        event: CustomerRegistered,
    ) -> Result<(), Problem> {
        self.know(tx, ctx, event.customer).await
    }
}

#[async_trait]
impl React<CustomerChanged> for KnowCustomer {
    async fn react(&self, tx: &Tx, ctx: &Context, event: CustomerChanged) -> Result<(), Problem> {
        self.know(tx, ctx, event.customer).await
    }
}

impl KnowCustomer {
    async fn know(
        &self,
        tx: &Tx,
        ctx: &Context,
        snapshot: CustomerSnapshot,
    ) -> Result<(), Problem> {
        let known = tickets::customer(tx, snapshot.customer_id).await?;
        if known.as_ref().is_some_and(|known| known.version >= snapshot.version) {
            return Ok(());
        }
        let orgs = serde_json::json!(snapshot.units().collect::<Vec<_>>());
        let row = customer::Model {
            id: snapshot.customer_id,
            orgs: Some(orgs),
            org: snapshot.org,
            number: snapshot.number,
            locale: snapshot.locale,
            tier: snapshot.tier,
            sla_policy: snapshot.standard.and_then(|standard| standard.sla_policy),
            account_manager: snapshot.account_manager,
            version: snapshot.version,
            erased_at: None,
        };
        self.0.arrivals.tell(tx, row.id);
        let model = row.clone().into_active_model().reset_all();
        let Some(known) = known else {
            customer::Entity::insert(model).exec_without_returning(tx).await?;
            return Ok(());
        };
        let own = customer::Column::Id.eq(row.id);
        customer::Entity::update_many().set(model).filter(own).exec(tx).await?;
        let service =
            |c: &customer::Model| (c.tier.clone(), c.sla_policy.clone(), c.account_manager.clone());
        if service(&known) != service(&row) {
            follow_customer(&self.0, tx, ctx, &row).await?;
        }
        Ok(())
    }
}
