//! The texts that count for the caller's unit.

use kernel::{Context, Locale, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::texts::{self, Chosen};
use crate::{
    App,
    domain::workflow::{self, Channel, WORKFLOWS},
    store::templates::{self as store, Slot},
};

/// One text.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateView {
    /// Key of its workflow.
    pub key: String,
    /// `email` or `inbox`.
    pub channel: String,
    /// `zh-CN` or `en`.
    pub locale: String,
    pub subject: String,
    pub text: String,
    /// Of mails only.
    pub html: Option<String>,
    /// Unit that wrote it; absent: built in.
    pub org: Option<String>,
    /// Among that unit's versions; 0: built in.
    pub version: i64,
    /// Newest version of the own unit, the ETag; 0: it has none.
    pub own_version: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateList {
    pub items: Vec<TemplateView>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TemplateQuery {
    #[param(max_length = 200)]
    pub key: Option<String>,
    #[param(max_length = 200)]
    pub channel: Option<String>,
    #[param(max_length = 200)]
    pub locale: Option<String>,
}

/// Key, channel and language out of a path; 404 for what does not exist.
pub fn slot(key: &str, channel: &str, locale: &str) -> Result<(Channel, Locale), Problem> {
    let workflow = workflow::find(key).ok_or_else(Problem::not_found)?;
    let channel = Channel::parse(channel)
        .filter(|c| *c != Channel::Webhook && workflow.channels.contains(c))
        .ok_or_else(Problem::not_found)?;
    let locale = [Locale::En, Locale::ZhCn].into_iter().find(|l| l.tag() == locale);
    Ok((channel, locale.ok_or_else(Problem::not_found)?))
}

pub async fn list(app: &App, ctx: &Context, query: TemplateQuery) -> Result<TemplateList, Problem> {
    let wanted = |given: &Option<String>, own: &str| given.as_ref().is_none_or(|g| g == own);
    let mut items = Vec::new();
    for workflow in WORKFLOWS.iter().filter(|w| wanted(&query.key, w.key)) {
        let channels = workflow.channels.iter().filter(|c| **c != Channel::Webhook);
        for channel in channels.filter(|c| wanted(&query.channel, c.as_str())) {
            for locale in [Locale::ZhCn, Locale::En] {
                if wanted(&query.locale, locale.tag()) {
                    items.push(one(app, ctx, workflow.key, (*channel, locale)).await?);
                }
            }
        }
    }
    Ok(TemplateList { items })
}

pub async fn one(
    app: &App,
    ctx: &Context,
    key: &str,
    (channel, locale): (Channel, Locale),
) -> Result<TemplateView, Problem> {
    let org = ctx.actor.org.as_str();
    let chosen = texts::choose(&app.db, org, key, channel, locale).await?;
    let chosen = chosen.ok_or_else(Problem::not_found)?;
    let slot = Slot { key, channel: channel.as_str(), locale: locale.tag() };
    let own_version = store::newest(&app.db, org, slot).await?;
    Ok(view(slot, chosen, own_version))
}

pub fn view(slot: Slot<'_>, chosen: Chosen, own_version: i64) -> TemplateView {
    TemplateView {
        key: slot.key.to_owned(),
        channel: slot.channel.to_owned(),
        locale: slot.locale.to_owned(),
        subject: chosen.texts.subject,
        text: chosen.texts.text,
        html: chosen.texts.html,
        org: chosen.org,
        version: chosen.version,
        own_version,
    }
}
