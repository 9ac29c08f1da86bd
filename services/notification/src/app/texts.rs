//! Which text counts for an org, and what it says about an event.

use kernel::Locale;
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::{Value, json};

use crate::{
    App,
    domain::{
        builtin, sealed,
        template::{Reader, Texts},
        workflow::Channel,
    },
    store::templates::{self, Slot},
};

/// A text and where it comes from.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub texts: Texts,
    pub locale: Locale,
    /// 0: built in.
    pub version: i64,
    /// Unit that wrote it; `None`: built in.
    pub org: Option<String>,
}

/// The text for a key, channel and language: the nearest unit's own, else the built-in; in
/// English where there is none in the language asked for.
pub async fn choose(
    conn: &impl ConnectionTrait,
    org: &str,
    key: &str,
    channel: Channel,
    locale: Locale,
) -> Result<Option<Chosen>, DbErr> {
    for locale in [locale, Locale::En] {
        let slot = Slot { key, channel: channel.as_str(), locale: locale.tag() };
        if let Some(row) = templates::live(conn, org, Some(slot)).await?.into_iter().next() {
            let texts = Texts { subject: row.subject, text: row.text, html: row.html };
            return Ok(Some(Chosen { texts, locale, version: row.version, org: Some(row.org) }));
        }
        if let Some(texts) = builtin::find(key, channel, locale) {
            return Ok(Some(Chosen { texts, locale, version: 0, org: None }));
        }
    }
    Ok(None)
}

/// What templates may use: the event's data without anything sealed, and the recipient.
pub fn vars(app: &App, ty: &str, data: &Value, recipient: &str) -> Value {
    let mut vars = sealed::veiled(ty, data);
    vars["recipient"] = json!({ "name": recipient });
    vars["public_url"] = json!(&*app.public_url);
    vars
}

pub fn reader(app: &App, locale: Locale) -> Reader {
    Reader { locale, zone: app.settings.timezone }
}
