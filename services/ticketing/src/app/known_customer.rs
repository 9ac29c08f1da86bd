//! Which customer a caller means. One whom the caller may not see is answered exactly as one that
//! does not exist: after the same time, with the same words.

use std::time::Duration;

use kernel::{Context, Fields, OrgPath, Problem};
use store::Tx;
use tokio::{
    sync::broadcast,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::App;
use crate::{
    codes::CUSTOMER_NOT_YET_KNOWN,
    domain::customer::{may_come, sees},
    messages,
    store::{entities::customer, tickets},
};

/// How long a request waits for the event of a customer made just now.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it looks meanwhile: the event may have come to another process.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Seconds after which a caller who was told "not yet" shall come again.
const COME_AGAIN: u32 = 2;

/// Tells the requests of this process of customers that have become known. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Arrivals(broadcast::Sender<Uuid>);

impl Default for Arrivals {
    fn default() -> Self {
        Self(broadcast::Sender::new(256))
    }
}

impl Arrivals {
    /// Tells of a customer once the transaction has committed.
    pub fn tell(&self, tx: &Tx, id: Uuid) {
        let arrivals = self.0.clone();
        // An error only says that nobody waits.
        tx.after_commit(move || drop(arrivals.send(id)));
    }
}

/// What a reference to a customer leads to.
#[derive(Debug)]
pub(super) enum Meant {
    Visible(Box<customer::Model>),
    /// No such customer yet; its event may be on the way.
    NotYet,
    Unknown,
}

/// `found` is what this service has under `id`.
pub(super) fn meant(app: &App, org: &OrgPath, id: Uuid, found: Option<customer::Model>) -> Meant {
    match found.filter(|found| sees(org, found.units())) {
        Some(found) if found.erased_at.is_none() => Meant::Visible(Box::new(found)),
        Some(_) => Meant::Unknown,
        None if may_come(id, app.clock.now()) => Meant::NotYet,
        None => Meant::Unknown,
    }
}

impl Meant {
    /// Notes an unknown customer among the other fields at fault.
    pub fn check(&self, fields: &mut Fields, pointer: &str) {
        fields.check(
            !matches!(self, Self::Unknown),
            pointer,
            "unknown-customer",
            messages::unknown_customer(),
        );
    }

    /// The customer; `customer-not-yet-known` for one that may come.
    pub fn found(self, pointer: &str) -> Result<Option<customer::Model>, Problem> {
        match self {
            Self::Visible(customer) => Ok(Some(*customer)),
            Self::Unknown => Ok(None),
            Self::NotYet => Err(Problem::of(&CUSTOMER_NOT_YET_KNOWN)
                .field(pointer, "customer-not-yet-known", messages::customer_not_yet())
                .retry_after(COME_AGAIN)),
        }
    }
}

/// Waits for a customer made just now, for a moment at most; for any other not at all. To be called
/// before a transaction begins: whoever waits here holds neither a connection nor a lock.
pub async fn wait_for(app: &App, ctx: &Context, id: Option<Uuid>) -> Result<(), Problem> {
    let Some(id) = id.filter(|id| may_come(*id, app.clock.now())) else { return Ok(()) };
    let mut arrivals = app.arrivals.0.subscribe();
    let end = Instant::now() + PATIENCE;
    loop {
        let found = tickets::customer(&app.db, id).await?;
        if found.is_some_and(|found| sees(&ctx.actor.org, found.units())) || Instant::now() >= end {
            return Ok(());
        }
        let next = end.min(Instant::now() + LOOK_AGAIN);
        // Until this customer comes, or word of any may have been missed, or it is time to look.
        while let Ok(Ok(other)) = timeout_at(next, arrivals.recv()).await {
            if other == id {
                break;
            }
        }
    }
}
