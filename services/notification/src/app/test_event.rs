//! Sends an endpoint a test event, the way that every event goes.

use ::store::Tx;
use events::Envelope;
use kernel::{Context, Problem, TraceContext};
use serde_json::json;
use uuid::Uuid;

use super::{
    accept, decide,
    notices::{self, NoticeView},
    recipients::Recipient,
};
use crate::{
    App, codes,
    domain::{
        endpoint::TEST_TYPE,
        facts::Facts,
        workflow::{Channel, WEBHOOK_TEST},
    },
    jobs::deliver,
    store::endpoints::{self, ACTIVE},
};

/// Queues it and answers its notice, by which its fate can be followed.
pub async fn run(app: &App, tx: &Tx, ctx: &Context, id: Uuid) -> Result<NoticeView, Problem> {
    let row = endpoints::locked(tx, &ctx.actor, id).await?.ok_or_else(Problem::not_found)?;
    if row.state != ACTIVE {
        return Err(Problem::of(&codes::ENDPOINT_DISABLED));
    }
    let now = app.clock.now();
    let event = Envelope {
        id: kernel::new_id(),
        ty: TEST_TYPE.to_owned(),
        source: "/kefu/notification".to_owned(),
        topic: contracts::notification::TOPIC.to_owned(),
        key: id.to_string(),
        time: now,
        org: row.org.clone(),
        actor: ctx.actor.id.clone(),
        correlation_id: ctx.correlation_id,
        causation_id: None,
        trace: TraceContext::default(),
        data: json!({ "endpoint_id": id, "message": "It works. 测试成功。" }),
    };
    let facts = Facts::default();
    let matter = decide::open_request(tx, ctx, &event, (WEBHOOK_TEST, 1), &facts, now).await?;
    let to = Recipient::endpoint(row.id, None);
    let delivery = accept::run(app, tx, ctx, &matter, &to, Channel::Webhook, None).await?;
    deliver::wake(app, tx);
    Ok(notices::view(delivery, Some(&matter.request), None))
}
