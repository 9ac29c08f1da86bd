//! The section `[notification]` of the settings; what each one means stands in `defaults.toml`.

use std::{fmt, path::PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use kernel::Locale;
use lettre::message::Mailbox;
use serde::{Deserialize, Deserializer, de::Error};

use crate::domain::ssrf::Cidr;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(deserialize_with = "locale")]
    pub default_locale: Locale,
    #[serde(deserialize_with = "parsed")]
    pub timezone: Tz,
    pub stale_after_hours: u32,
    #[serde(deserialize_with = "instant")]
    pub silent_before: Option<DateTime<Utc>>,
    pub lease_secs: u32,
    pub wake_on_event: bool,
    pub email: Email,
    pub webhooks: Webhooks,
    pub inbox: Inbox,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailKind {
    Smtp,
    File,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    None,
    Starttls,
    /// TLS from the first byte.
    #[serde(rename = "tls")]
    Wrapped,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    pub kind: MailKind,
    pub folder: PathBuf,
    #[serde(deserialize_with = "parsed")]
    pub from: Mailbox,
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub username: String,
    pub password: String,
    pub concurrency: usize,
    pub timeout_secs: u64,
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Email({:?} {}:{} {:?} from {})",
            self.kind, self.host, self.port, self.tls, self.from
        )
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub allow_http: bool,
    #[serde(deserialize_with = "cidrs")]
    pub allow_cidrs: Vec<Cidr>,
    pub timeout_secs: u64,
    pub per_endpoint: usize,
    pub per_failing_endpoint: usize,
    pub concurrency: usize,
    pub disable_after_days: u32,
    pub rotation_grace_hours: u32,
    pub confirm_days: u32,
    pub max_endpoints: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    pub poll_ms: u64,
    pub heartbeat_secs: u64,
    pub stream_secs: u64,
}

impl Settings {
    /// What does not fit together, in words that say how to mend it.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let positive = [
            ("lease_secs", u64::from(self.lease_secs)),
            ("email.concurrency", self.email.concurrency as u64),
            ("email.timeout_secs", self.email.timeout_secs),
            ("webhooks.timeout_secs", self.webhooks.timeout_secs),
            ("webhooks.per_endpoint", self.webhooks.per_endpoint as u64),
            ("webhooks.per_failing_endpoint", self.webhooks.per_failing_endpoint as u64),
            ("webhooks.concurrency", self.webhooks.concurrency as u64),
            ("webhooks.confirm_days", u64::from(self.webhooks.confirm_days)),
            ("inbox.poll_ms", self.inbox.poll_ms),
            ("inbox.heartbeat_secs", self.inbox.heartbeat_secs),
            ("inbox.stream_secs", self.inbox.stream_secs),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, n)| *n == 0) {
            return Some(format!("notification.{name} must be at least 1"));
        }
        let longest = self.email.timeout_secs.max(self.webhooks.timeout_secs);
        if u64::from(self.lease_secs) < longest + 10 {
            return Some(format!(
                "notification.lease_secs must be at least {}: 10 s more than the longest timeout, or a slow answer is taken for a dead process",
                longest + 10
            ));
        }
        (self.email.kind == MailKind::Smtp && self.email.host.trim().is_empty()).then(|| {
            "notification.email.host (environment: KEFU__NOTIFICATION__EMAIL__HOST) must name the mail server, because notification.email.kind is smtp".into()
        })
    }
}

fn parsed<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: fmt::Display>,
{
    String::deserialize(from)?.parse().map_err(Error::custom)
}

fn locale<'de, D: Deserializer<'de>>(from: D) -> Result<Locale, D::Error> {
    match String::deserialize(from)?.as_str() {
        "zh-CN" => Ok(Locale::ZhCn),
        "en" => Ok(Locale::En),
        other => Err(Error::custom(format!("{other:?} is neither zh-CN nor en"))),
    }
}

/// An instant, or nothing where the text is empty.
fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    match String::deserialize(from)?.as_str() {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|e| Error::custom(format!("{text:?} is no instant (RFC 3339): {e}"))),
    }
}

/// A list, or from the environment a text with commas.
fn cidrs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Cidr>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let texts = match Given::deserialize(from)? {
        Given::List(list) => list,
        Given::Text(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
    };
    texts.iter().filter(|t| !t.is_empty()).map(|t| t.parse().map_err(Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(more: &str) -> Result<Settings, host::Error> {
        let text = more.lines().fold(include_str!("defaults.toml").to_owned(), |text, line| {
            let name = line.split('=').next().unwrap_or_default();
            let old = text.lines().find(|l| l.starts_with(name)).unwrap_or_default().to_owned();
            text.replace(&old, line)
        });
        host::Section::from_toml("notification", &text)?.get()
    }

    #[test]
    fn the_defaults_fit() {
        let settings = with("").unwrap();
        assert_eq!(settings.fault(), None);
        assert_eq!(settings.email.kind, MailKind::File);
        assert!(settings.webhooks.allow_cidrs.is_empty());
    }

    #[test]
    fn faults_are_told() {
        assert!(with("timezone = \"Mars\"").is_err());
        assert!(with("from = \"nobody\"").is_err());
        assert!(with("allow_cidrs = [\"10.0.0.0/99\"]").is_err());
        assert!(with("lease_secs = 20").unwrap().fault().unwrap().contains("lease_secs"));
        let unnamed = with("kind = \"smtp\"").unwrap().fault().unwrap();
        assert!(unnamed.contains("notification.email.host"), "{unnamed}");
        let named = with("kind = \"smtp\"\nhost = \"127.0.0.1\"").unwrap();
        assert_eq!(named.fault(), None);
        let text = with("allow_cidrs = \"127.0.0.0/8, ::1\"").unwrap();
        assert_eq!(text.webhooks.allow_cidrs.len(), 2);
    }
}
