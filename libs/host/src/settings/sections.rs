//! The shared sections, as read. What each setting means stands in `defaults.toml`.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Deserializer};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub listen: String,
    pub public_url: String,
    pub workers: usize,
    pub keep_alive_secs: u64,
    pub body_limit: usize,
    pub body_timeout_secs: u64,
    pub body_bytes_per_sec: u64,
    pub rate_per_second: u32,
    pub rate_burst: u32,
    pub trust_forwarded: bool,
    pub forwarded_hops: usize,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub dir: PathBuf,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: String,
    pub max_connections: u32,
    pub acquire_timeout_secs: u64,
    pub auto_migrate: Tristate,
}

impl Database {
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({})", redacted(&self.url))
    }
}

/// A URL without its user and password, for messages.
pub(crate) fn redacted(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}***{}", &url[..scheme + 3], &url[at..])
        }
        _ => url.to_owned(),
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tristate {
    #[default]
    Auto,
    True,
    False,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsSection {
    pub kind: EventsKind,
    pub brokers: String,
    pub partitions: i32,
    /// -1: the brokers' default.
    pub replication: i32,
    pub keep_days: u32,
    /// Handed to rdkafka as they are; may hold a password.
    #[serde(default, deserialize_with = "dotted")]
    pub kafka: BTreeMap<String, String>,
    #[serde(default)]
    pub tuning: events::BackboneSettings,
}

/// librdkafka's names have dots, which in the environment are `__` and arrive as sections within
/// sections: joined to names again.
fn dotted<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Node {
        Flag(bool),
        Whole(i64),
        Real(f64),
        Text(String),
        Section(BTreeMap<String, Node>),
    }
    fn join(name: String, node: Node, into: &mut BTreeMap<String, String>) {
        let value = match node {
            Node::Flag(value) => value.to_string(),
            Node::Whole(value) => value.to_string(),
            Node::Real(value) => value.to_string(),
            Node::Text(value) => value,
            Node::Section(inner) => {
                for (key, node) in inner {
                    join(format!("{name}.{key}"), node, into);
                }
                return;
            }
        };
        into.insert(name, value);
    }
    let mut all = BTreeMap::new();
    for (name, node) in BTreeMap::<String, Node>::deserialize(from)? {
        join(name, node, &mut all);
    }
    Ok(all)
}

impl fmt::Debug for EventsSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Events({:?} {} {:?})", self.kind, self.brokers, self.kafka.keys())
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventsKind {
    #[default]
    Embedded,
    Kafka,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub mode: AuthMode,
    pub issuer: String,
    pub jwks_url: String,
    pub audience: String,
    pub leeway_secs: u64,
    pub keys_max_age_secs: u64,
    /// Places of roles, parted by commas.
    pub roles_claim: String,
    pub role_prefix: String,
    pub org_claim: String,
    pub id_claim: String,
}

impl Auth {
    #[must_use]
    pub fn claims(&self) -> http::ClaimNames {
        let places = self.roles_claim.split(',').map(str::trim).filter(|place| !place.is_empty());
        http::ClaimNames {
            roles: places.map(str::to_owned).collect(),
            role_prefix: self.role_prefix.clone(),
            org: self.org_claim.clone(),
            id: self.id_claim.clone(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    #[default]
    Builtin,
    Oidc,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PiiSection {
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
    pub active: String,
    pub index_key: String,
}

impl fmt::Debug for PiiSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pii(keys {:?}, active {})", self.keys.keys(), self.active)
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub otlp_endpoint: String,
    pub sample_ratio: f64,
    pub baggage: bool,
    pub log_level: String,
    pub log_format: LogFormat,
    pub service_name: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Auto,
    Json,
    Text,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Empty: on the listener of everything else.
    pub listen: String,
    pub token: String,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metrics({})", self.listen)
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    pub delay_secs: u64,
    pub grace_secs: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    pub threads: usize,
}
