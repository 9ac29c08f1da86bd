//! Articles: answers to the customer, his words, internal notes.

use kernel::{ActorKind, Context, Fields, Problem, limits, messages as shared, new_id};
use serde::Deserialize;
use store::Tx;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App, colleagues,
    edit::{Edit, actor_kind, refusal},
    facts::Fact,
    move_ticket::{pend_now, reopen_now, reopens},
    open_ticket::{self, Draft},
};
use crate::{
    domain::{
        lifecycle::{Action, Heard, Status, customer_reply},
        words,
    },
    messages,
    store::{
        entities::{article, ticket},
        tickets,
    },
};

/// Something said.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewArticle {
    /// `outbound` to the customer, `inbound` from him, `internal` between staff.
    #[schema(pattern = "^(inbound|outbound|internal)$")]
    pub direction: String,
    /// Markdown or plain text.
    #[schema(min_length = 1, max_length = 20000)]
    pub body: String,
    /// How it was said: `api` (default), `web`, `email`, `phone`, `chat` or `counter`.
    #[schema(pattern = "^(api|web|email|phone|chat|counter)$")]
    pub channel: Option<String>,
    /// `pending`: wait for the customer after this answer, in the same save.
    #[schema(pattern = "^pending$")]
    pub then_status: Option<String>,
}

/// The article, and the ticket that it is now part of.
#[derive(Debug)]
pub struct Written {
    pub article: article::Model,
    pub ticket: ticket::Model,
    /// Whether the customer came too late and a follow-up was opened.
    pub follow_up: bool,
}

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    id: Uuid,
    input: NewArticle,
) -> Result<Written, Problem> {
    check(&input)?;
    let edit = Edit::load(app, tx, ctx, id).await?;
    // Notes and what the customer says may come from anybody; answers and pauses may not.
    if input.direction == words::OUTBOUND || input.then_status.is_some() {
        colleagues::check(&edit)?;
    }
    match input.direction.as_str() {
        words::INBOUND => inbound(edit, input).await,
        words::OUTBOUND => outbound(edit, input).await,
        _ => internal(edit, input).await,
    }
}

fn check(input: &NewArticle) -> Result<(), Problem> {
    let mut fields = Fields::new();
    fields.text("/body", &input.body, 1, limits::TEXT);
    let known =
        [words::INBOUND, words::OUTBOUND, words::INTERNAL].contains(&input.direction.as_str());
    let directions = [words::INBOUND, words::OUTBOUND, words::INTERNAL];
    fields.check(known, "/direction", "unknown-value", shared::one_of(directions));
    let channel = input.channel.as_deref().is_none_or(|c| words::CHANNELS.contains(&c));
    fields.check(channel, "/channel", "unknown-channel", shared::one_of(words::CHANNELS));
    let then = input.then_status.as_deref().is_none_or(|s| s == Status::Pending.as_str());
    fields.check(then, "/then_status", "unknown-value", shared::must_be(Status::Pending.as_str()));
    let fits = input.then_status.is_none() || input.direction != words::INBOUND;
    fields.check(fits, "/then_status", "not-inbound", messages::customer_does_not_pause());
    fields.finish()
}

fn article(edit: &Edit<'_>, input: &NewArticle) -> article::Model {
    let actor = &edit.ctx.actor;
    // What a customer says comes from him, whoever brings it to us.
    let said_by_customer = input.direction == words::INBOUND && actor.kind == ActorKind::User;
    article::Model {
        id: new_id(),
        ticket_id: edit.ticket.id,
        direction: input.direction.clone(),
        public: input.direction != words::INTERNAL,
        author_kind: if said_by_customer { "customer" } else { actor_kind(actor.kind) }.into(),
        author: actor.id.clone(),
        channel: input.channel.clone().unwrap_or_else(|| "api".into()),
        body: input.body.clone(),
        written_at: edit.now,
    }
}

/// A public answer. Only a person's counts as the first response: automation never does.
async fn outbound(mut edit: Edit<'_>, input: NewArticle) -> Result<Written, Problem> {
    let from = edit.act(Action::Reply)?;
    let article = article(&edit, &input);
    let mut first_response = false;
    if edit.staff().is_some() {
        edit.take_if_free("answered");
        if edit.ticket.first_responded_at.is_none() {
            first_response = true;
            edit.ticket.first_responded_at = Some(edit.now);
            edit.ticket.response_attained = edit.fulfil(words::FIRST_RESPONSE)?;
        }
    }
    edit.file(article.clone());
    let body = Some(edit.sealed(&article.body));
    edit.tell(Fact::Replied {
        article_id: article.id,
        direction: article.direction.clone(),
        author: article.author.clone(),
        first_response,
        body,
    });
    edit.tell_status(from);
    finish(edit, article, input.then_status).await
}

async fn internal(mut edit: Edit<'_>, input: NewArticle) -> Result<Written, Problem> {
    edit.act(Action::Note)?;
    let article = article(&edit, &input);
    edit.file(article.clone());
    finish(edit, article, input.then_status).await
}

/// What was said counts first, the pause after it; who waits already goes on waiting.
async fn finish(
    mut edit: Edit<'_>,
    article: article::Model,
    then: Option<String>,
) -> Result<Written, Problem> {
    if then.is_some() && edit.status() != Status::Pending {
        pend_now(&mut edit, "customer".into())?;
    }
    Ok(Written { article, ticket: edit.save().await?, follow_up: false })
}

async fn inbound(mut edit: Edit<'_>, input: NewArticle) -> Result<Written, Problem> {
    let from = edit.status();
    let in_window = from == Status::Resolved && reopens(&edit.config, &edit.ticket, edit.now)?;
    match customer_reply(from, in_window).map_err(refusal)? {
        Heard::FollowUp => return follow_up(edit, input).await,
        Heard::Reopens => reopen_now(&mut edit, "customer replied".into()).await?,
        Heard::Filed(to) => {
            edit.reason = Some("customer replied".into());
            edit.enter(to)?;
            if from != to {
                edit.ticket.status_reason = None;
            }
        }
    }
    let article = article(&edit, &input);
    edit.file(article.clone());
    edit.tell(Fact::Replied {
        article_id: article.id,
        direction: article.direction.clone(),
        author: article.author.clone(),
        first_response: false,
        body: None,
    });
    if in_window {
        return Ok(Written { article, ticket: edit.save().await?, follow_up: false });
    }
    edit.tell_status(from);
    Ok(Written { article, ticket: edit.save().await?, follow_up: false })
}

/// Opens a ticket of the same kind for the same customer, linked to the old one, which stays as it
/// is; the first responder of the old one answers for the new one too.
async fn follow_up(edit: Edit<'_>, input: NewArticle) -> Result<Written, Problem> {
    let said = article(&edit, &input);
    let (app, tx, ctx, config) = (edit.app, edit.tx, edit.ctx, edit.config.clone());
    let parent = edit.save().await?;
    // Not checked anew: whoever linked the customer to the matter might, and it is the same matter.
    let customer = match parent.customer_id {
        Some(id) => tickets::customer(tx, id).await?,
        None => None,
    };
    let draft = Draft {
        org: kernel::OrgPath::parse(&parent.org)?,
        kind: parent.kind,
        subject: parent.subject,
        body: Some(said.body),
        category: parent.category,
        priority: parent.priority,
        complaint_level: parent.complaint_level,
        channel: said.channel,
        locale: parent.locale,
        customer_id: parent.customer_id,
        customer,
        queue: parent.queue,
        reference: None,
        parent_id: Some(parent.id),
        origin: None,
        first_responder: parent.first_responder,
        handler: None,
        said_by: Some((said_by(&said.author_kind), said.author)),
    };
    let ticket = open_ticket::open(app, tx, ctx, config, draft).await?;
    let filed = tickets::articles(tx, ticket.id).await?.pop();
    let article = filed.ok_or_else(|| Problem::internal("the follow-up has no article"))?;
    Ok(Written { article, ticket, follow_up: true })
}

fn said_by(kind: &str) -> &'static str {
    match kind {
        "client" => "client",
        "system" => "system",
        _ => "customer",
    }
}
