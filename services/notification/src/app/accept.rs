//! One line of the ledger: a message to one recipient by one channel, queued, shown at once
//! (inbox) or suppressed with its reason.

use std::collections::HashMap;

use ::store::Tx;
use contracts::notification::{Notice, NoticeDelivered, NoticeSuppressed};
use kernel::{Context, Problem};

use super::{
    recipients::Recipient,
    sender,
    texts::{self, Chosen},
};
use crate::{
    App,
    domain::{
        sender::Sender,
        template::{self, Texts},
        vars::{self, Opened, Surroundings},
        workflow::Channel,
    },
    jobs::deliver,
    store::{
        entities::{delivery, inbox_item, request},
        inbox::{self, Owner},
        ledger::{self, state},
        root_of,
    },
};

/// The decision that deliveries belong to.
pub struct Matter {
    pub request: request::Model,
    /// Inbox texts by language, so that a notice to a hundred people asks for its text once.
    pub texts: std::sync::Mutex<HashMap<&'static str, Option<Chosen>>>,
    /// The unit's block, asked for once.
    pub sender: tokio::sync::OnceCell<Sender>,
}

/// Writes the delivery and tells the other services where it is already at its end.
pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    matter: &Matter,
    to: &Recipient,
    channel: Channel,
    suppressed: Option<&'static str>,
) -> Result<delivery::Model, Problem> {
    let now = app.clock.now();
    let shown = channel == Channel::Inbox && suppressed.is_none();
    let mut row = delivery::Model {
        id: kernel::new_id(),
        request_id: matter.request.id,
        event_id: matter.request.event_id,
        org: matter.request.org.clone(),
        workflow: matter.request.workflow.clone(),
        channel: channel.as_str().to_owned(),
        recipient_kind: to.kind.to_owned(),
        recipient: to.id.clone(),
        ticket_id: matter.request.ticket_id,
        customer_id: matter.request.customer_id,
        lane: App::lane(channel, &to.id),
        state: state::QUEUED.to_owned(),
        reason: None,
        attempts: 0,
        round_start: 0,
        next_attempt_at: Some(now),
        lease_token: None,
        lease_until: None,
        last_error: None,
        template_version: None,
        created_at: now,
        updated_at: now,
        delivered_at: None,
        instead_of: to.instead_of.map(|role| role.as_str().to_owned()),
    };
    if let Some(reason) = suppressed {
        row.state = state::SUPPRESSED.to_owned();
        row.reason = Some(reason.to_owned());
        row.next_attempt_at = None;
    }
    if shown {
        row.state = state::DELIVERED.to_owned();
        row.attempts = 1;
        row.next_attempt_at = None;
        row.delivered_at = Some(now);
    }
    if !shown && suppressed.is_none() {
        deliver::claim(app, tx, &mut row);
    }
    let rendered = if shown { Some(inbox_text(app, tx, matter, to).await?) } else { None };
    row.template_version = rendered.as_ref().map(|(_, version)| *version);
    ledger::insert(tx, row.clone()).await?;
    if let Some((text, _)) = rendered {
        show(app, tx, to, &row, text);
        let event = NoticeDelivered { notice: notice(&row), attempts: 1, delivered_at: now };
        events::emit(tx, ctx, now, &event).await?;
        app.meters.count(&row.channel, "delivered");
    }
    if let Some(reason) = suppressed {
        let event = NoticeSuppressed { notice: notice(&row), reason: reason.to_owned() };
        events::emit(tx, ctx, now, &event).await?;
        app.meters.count(&row.channel, "suppressed");
    }
    Ok(row)
}

/// The notice as the other services know it.
pub fn notice(row: &delivery::Model) -> Notice {
    Notice {
        delivery_id: row.id,
        org: row.org.clone(),
        workflow: row.workflow.clone(),
        channel: row.channel.clone(),
        recipient_kind: row.recipient_kind.clone(),
        recipient: row.recipient.clone(),
        customer_id: row.customer_id,
        ticket_id: row.ticket_id,
        cause_id: row.event_id,
    }
}

async fn inbox_text(
    app: &App,
    tx: &Tx,
    matter: &Matter,
    to: &Recipient,
) -> Result<(Texts, i64), Problem> {
    let request = &matter.request;
    let known = matter.texts.lock().ok().and_then(|texts| texts.get(to.locale.tag()).cloned());
    let chosen = match known {
        Some(chosen) => chosen,
        None => {
            let chosen =
                texts::choose(tx, &request.org, &request.workflow, Channel::Inbox, to.locale)
                    .await?;
            if let Ok(mut texts) = matter.texts.lock() {
                texts.insert(to.locale.tag(), chosen.clone());
            }
            chosen
        }
    };
    let chosen = chosen
        .ok_or_else(|| Problem::internal(format!("{} has no inbox text", request.workflow)))?;
    let sender = matter.sender.get_or_try_init(|| sender::nearest(tx, &request.org)).await?;
    let around = Surroundings {
        locale: chosen.locale,
        recipient: &to.name,
        public_url: &app.public_url,
        sender,
        now: app.clock.now(),
        instead_of: to.instead_of.map(|role| role.as_str()),
    };
    let vars = vars::of(&request.event_type, &request.data, around, Opened::default());
    let reader = texts::reader(app, sender, chosen.locale);
    Ok((template::render(&chosen.texts, &vars, reader, false)?, chosen.version))
}

fn show(app: &App, tx: &Tx, to: &Recipient, row: &delivery::Model, text: Texts) {
    let owner = Owner { root: root_of(&row.org), user_id: to.id.clone() };
    let row = row.clone();
    let (root, user_id) = (owner.root.clone(), owner.user_id.clone());
    inbox::add(tx, &owner, move |seq| inbox_item::Model {
        root,
        user_id,
        seq,
        delivery_id: row.id,
        org: row.org,
        workflow: row.workflow,
        ticket_id: row.ticket_id,
        title: text.subject,
        body: text.text,
        created_at: row.created_at,
        read_at: None,
    });
    let signal = app.inbox_signal.clone();
    tx.after_commit(move || signal.send_modify(|n| *n = n.wrapping_add(1)));
}
