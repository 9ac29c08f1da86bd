//! Claims of an access token → [`Actor`].

use std::collections::BTreeSet;

use kernel::{Actor, ActorKind, OrgPath, Permission, Role};
use serde::Deserialize;

/// Clock difference between issuer and us that is forgiven, in seconds.
const LEEWAY: f64 = 60.0;

/// What we read of a token. Issuer, audience and signature are checked before.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    name: Option<String>,
    /// Names of roles; those that Kefu does not know are somebody else's.
    #[serde(default)]
    roles: Vec<String>,
    /// Space-separated scopes (RFC 9068); those that Kefu does not know are somebody else's.
    #[serde(default)]
    scope: String,
    org: Option<String>,
    client_id: Option<String>,
}

impl Claims {
    /// `now` in seconds since 1970. The error says what is wrong, for the caller.
    pub(crate) fn to_actor(&self, now: i64) -> Result<Actor, &'static str> {
        #[allow(clippy::cast_precision_loss, reason = "seconds stay exact for 285 million years")]
        let now = now as f64;
        if self.exp + LEEWAY <= now {
            return Err("the token has expired");
        }
        if self.nbf.is_some_and(|nbf| nbf - LEEWAY > now) {
            return Err("the token is not valid yet");
        }
        let length = self.sub.chars().count();
        if !(1..=200).contains(&length) || self.sub.chars().any(char::is_control) {
            return Err("the token's sub claim is not usable");
        }
        let org = self.org.as_deref().ok_or("the token has no org claim")?;
        let org =
            OrgPath::parse(org).map_err(|_| "the token's org claim is not an organisation path")?;
        let roles: BTreeSet<Role> = self.roles.iter().filter_map(|r| r.parse().ok()).collect();
        let scopes = self.scope.split(' ').filter_map(|s| s.parse::<Permission>().ok());
        let permissions = roles.iter().flat_map(|r| r.permissions()).chain(scopes).collect();
        let is_client = self.client_id.as_deref() == Some(self.sub.as_str());
        let kind = if is_client { ActorKind::Client } else { ActorKind::User };
        let name: String = match &self.name {
            Some(name) if !name.trim().is_empty() => {
                name.chars().filter(|c| !c.is_control()).take(200).collect()
            }
            _ => self.sub.clone(),
        };
        Ok(Actor { kind, id: self.sub.clone(), name, org, roles, permissions })
    }
}
