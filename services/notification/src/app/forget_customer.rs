//! A person is forgotten: his addresses, what notices said about him, and what mail servers answered
//! are removed. What has not gone out yet is not sent.

use ::store::{Tx, sql};
use contracts::{ERASED, customer::CustomerErased, notification::NoticeSuppressed};
use kernel::{Context, Problem};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use uuid::Uuid;

use super::accept;
use crate::{
    App,
    domain::wordless,
    store::{
        entities::{delivery, request},
        ledger::{self, state},
    },
};

/// Why a queued notice was not sent; a word of the contract.
const REASON: &str = "erased";

/// `$1` is what stands there afterwards, `$2` the customer.
const OVERWRITE: [&str; 3] = [
    "UPDATE inbox_item SET title = $1, body = $1
       WHERE delivery_id IN (SELECT id FROM delivery WHERE customer_id = $2)",
    "UPDATE attempt SET error = NULL, response = NULL WHERE $1 <> ''
       AND delivery_id IN (SELECT id FROM delivery WHERE customer_id = $2)",
    "UPDATE delivery SET last_error = NULL WHERE $1 <> '' AND customer_id = $2",
];

pub async fn run(app: &App, tx: &Tx, ctx: &Context, event: &CustomerErased) -> Result<(), Problem> {
    let ids: Vec<Uuid> = event.ids().collect();
    for id in &ids {
        mark(app, tx, *id, event).await?;
        suppress_queued(app, tx, ctx, *id).await?;
        for statement in OVERWRITE {
            sql::execute(tx, statement, vec![ERASED.into(), (*id).into()]).await?;
        }
        let requests = request::Entity::find().filter(request::Column::CustomerId.eq(*id));
        for row in requests.all(tx).await? {
            let data = wordless::of(&row.event_type, &row.data);
            let mut row = row.into_active_model();
            row.data = Set(data);
            row.update(tx).await?;
        }
    }
    events::dead_letters::forget(tx, &ids).await?;
    Ok(())
}

/// The copy becomes a stub; one that was never here is made, so that what comes late finds it.
async fn mark(app: &App, tx: &Tx, id: Uuid, event: &CustomerErased) -> Result<(), Problem> {
    let statement = "INSERT INTO customer (id, org, number, name, locale, version, updated_at, erased_at)
         VALUES ($1, $2, $3, $4, 'zh-CN', $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = NULL, phone = NULL,
           version = CASE WHEN customer.version < excluded.version THEN excluded.version ELSE customer.version END,
           updated_at = excluded.updated_at, erased_at = excluded.erased_at";
    let values = vec![
        id.into(),
        event.org.clone().into(),
        event.number.clone().into(),
        app.pii.seal(ERASED).into(),
        event.version.into(),
        app.clock.now().into(),
        event.erased_at.into(),
    ];
    sql::execute(tx, statement, values).await?;
    Ok(())
}

async fn suppress_queued(app: &App, tx: &Tx, ctx: &Context, id: Uuid) -> Result<(), Problem> {
    let queued = delivery::Entity::find()
        .filter(delivery::Column::CustomerId.eq(id))
        .filter(delivery::Column::State.eq(state::QUEUED));
    for mut row in queued.all(tx).await? {
        row.state = state::SUPPRESSED.to_owned();
        row.reason = Some(REASON.to_owned());
        row.next_attempt_at = None;
        row.updated_at = app.clock.now();
        let told = NoticeSuppressed { notice: accept::notice(&row), reason: REASON.to_owned() };
        ledger::update(tx, row).await?;
        events::emit(tx, ctx, app.clock.now(), &told).await?;
    }
    Ok(())
}
