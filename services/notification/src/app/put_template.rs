//! A unit writes its own text: checked, and live at once as a new version. Notices already
//! delivered keep the number of the version that they were made with.

use ::store::{Tx, is_unique_violation};
use kernel::{Context, Locale, Problem, codes};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    sender,
    templates::{self, TemplateView},
    texts::{self, Chosen},
};
use crate::{
    App,
    domain::{
        samples,
        template::{self, Texts},
        workflow::Channel,
    },
    store::{
        entities::template as row,
        templates::{self as store, Slot},
    },
};

/// Subject and parts, in the template language (minijinja) with the event's fields as variables.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateInput {
    #[schema(min_length = 1, max_length = 500, example = "[{{ ticket.number }}] received")]
    pub subject: String,
    #[schema(min_length = 1, max_length = 20_000, example = "Dear {{ recipient.name }}, …")]
    pub text: String,
    /// Of mails only; values are escaped in it.
    #[schema(min_length = 1, max_length = 100_000)]
    pub html: Option<String>,
}

impl From<TemplateInput> for Texts {
    fn from(input: TemplateInput) -> Self {
        Self { subject: input.subject, text: input.text, html: input.html }
    }
}

pub async fn run(
    app: &App,
    tx: &Tx,
    ctx: &Context,
    (key, channel, locale): (&str, Channel, Locale),
    if_match: i64,
    input: TemplateInput,
) -> Result<TemplateView, Problem> {
    let texts = Texts::from(input);
    let org = ctx.actor.org.to_string();
    let sender = sender::nearest(tx, &org).await?;
    let sample = samples::vars(key, locale, &sender, &app.public_url);
    template::check(&texts, channel, &sample, texts::reader(app, &sender, locale))?;
    let slot = Slot { key, channel: channel.as_str(), locale: locale.tag() };
    let newest = store::newest(tx, &org, slot).await?;
    http::check_version(if_match, newest)?;
    let version = newest + 1;
    let row = row::Model {
        id: kernel::new_id(),
        org: org.clone(),
        key: key.to_owned(),
        channel: slot.channel.to_owned(),
        locale: slot.locale.to_owned(),
        version,
        live: true,
        subject: texts.subject.clone(),
        text: texts.text.clone(),
        html: texts.html.clone(),
        created_by: ctx.actor.id.clone(),
        created_at: app.clock.now(),
    };
    store::publish(tx, row).await.map_err(|e| {
        // Two writers with the same ETag: one of them is late.
        if is_unique_violation(&e) {
            Problem::of(&codes::PRECONDITION_FAILED)
        } else {
            Problem::internal(e)
        }
    })?;
    Ok(templates::view(slot, Chosen { texts, locale, version, org: Some(org) }, version))
}
