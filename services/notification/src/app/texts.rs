//! Which text counts for an org, and what it says about an event.

use kernel::Locale;
use sea_orm::{ConnectionTrait, DbErr};

use crate::{
    App,
    domain::{
        builtin,
        sender::Sender,
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

/// For whom a text of `sender`'s unit is rendered.
pub fn reader(app: &App, sender: &Sender, locale: Locale) -> Reader {
    Reader { locale, zone: sender.zone(app.settings.timezone) }
}
