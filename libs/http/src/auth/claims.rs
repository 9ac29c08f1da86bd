//! Claims of an access token → [`Actor`].
//!
//! Providers agree on the claims of RFC 7519 and on little else: where roles and organisation
//! stand, and which claim names a person for good, is told by [`ClaimNames`].

use std::{collections::BTreeSet, time::Duration};

use kernel::{Actor, ActorKind, OrgPath, Permission, Role, Text};
use serde::Deserialize;
use serde_json::Value;

use crate::messages;

/// Where a provider puts what we need. A place is the name of a claim or, with a slash in front, a
/// JSON pointer (RFC 6901): `/realm_access/roles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// Places of roles; what stands at any of them counts.
    pub roles: Vec<String>,
    /// What the names of our roles begin with at the provider; roles without it are somebody else's.
    pub role_prefix: String,
    /// Place of the organisation path.
    pub org: String,
    /// Place of the text by which records remember a caller.
    pub id: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            roles: vec!["roles".into()],
            role_prefix: String::new(),
            org: "org".into(),
            id: "sub".into(),
        }
    }
}

/// What a token says. Issuer, audience and signature are checked before.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Claims {
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

impl Claims {
    /// `now` in seconds since 1970; `leeway` is how far the issuer's clock may be from ours. The
    /// error says what is wrong, for the caller.
    pub(crate) fn to_actor(
        &self,
        names: &ClaimNames,
        leeway: Duration,
        now: i64,
    ) -> Result<Actor, Text> {
        self.check_time(leeway.as_secs_f64(), now)?;
        self.check_kind()?;
        let id =
            self.at(&names.id).and_then(Value::as_str).ok_or_else(messages::token_of_nobody)?;
        if !(1..=200).contains(&id.chars().count()) || id.chars().any(char::is_control) {
            return Err(messages::token_subject_unusable());
        }
        let org =
            self.at(&names.org).and_then(only_text).ok_or_else(messages::token_without_org)?;
        let org = OrgPath::parse(org).map_err(|_| messages::token_org_malformed())?;
        let roles = self.roles(names)?;
        let scopes = self.text("scope").unwrap_or_default();
        let scopes = scopes.split(' ').filter_map(|s| s.parse::<Permission>().ok());
        let permissions = roles.iter().flat_map(|r| r.permissions()).chain(scopes).collect();
        let kind = if self.is_client() { ActorKind::Client } else { ActorKind::User };
        let name = ["name", "preferred_username"].into_iter().filter_map(|n| self.text(n));
        let name = name.map(str::trim).find(|name| !name.is_empty()).unwrap_or(id);
        let name = name.chars().filter(|c| !c.is_control()).take(200).collect();
        Ok(Actor { kind, id: id.to_owned(), name, org, roles, permissions })
    }

    fn check_time(&self, leeway: f64, now: i64) -> Result<(), Text> {
        #[allow(clippy::cast_precision_loss, reason = "seconds stay exact for 285 million years")]
        let now = now as f64;
        if self.exp + leeway <= now {
            return Err(messages::token_expired());
        }
        if self.nbf.is_some_and(|nbf| nbf - leeway > now) {
            return Err(messages::token_not_valid_yet());
        }
        if self.iat.is_some_and(|iat| iat - leeway > now) {
            return Err(messages::token_from_the_future());
        }
        Ok(())
    }

    /// Keycloak signs tokens of all kinds with the same keys and tells them apart by `typ`. An ID
    /// token carries the client's id as its audience, which may well be the name we listen to.
    fn check_kind(&self) -> Result<(), Text> {
        let typ = self.text("typ").unwrap_or_default();
        let other = ["ID", "Refresh", "Offline", "Logout"];
        if other.iter().any(|kind| typ.eq_ignore_ascii_case(kind)) {
            return Err(messages::token_of_other_kind());
        }
        Ok(())
    }

    fn roles(&self, names: &ClaimNames) -> Result<BTreeSet<Role>, Text> {
        let mut roles = BTreeSet::new();
        for place in names.roles.iter().filter_map(|place| self.at(place)) {
            let list = place.as_array().ok_or_else(messages::token_roles_malformed)?;
            let ours = list.iter().filter_map(Value::as_str);
            let ours = ours.filter_map(|role| role.strip_prefix(&names.role_prefix));
            roles.extend(ours.filter_map(|role| role.parse::<Role>().ok()));
        }
        Ok(roles)
    }

    /// A machine, acting for itself: its token was got with client credentials. RFC 9068 makes the
    /// client the subject; `azp` and `cid` are older names for it. Others say so in their own way:
    /// Keycloak by the name of the service account, Microsoft Entra by `idtyp`, Auth0 by `gty`.
    fn is_client(&self) -> bool {
        let clients = ["client_id", "azp", "cid"].map(|name| self.text(name));
        let is_named = |name: Option<&str>| name.is_some() && clients.contains(&name);
        let account =
            self.text("preferred_username").and_then(|n| n.strip_prefix("service-account-"));
        is_named(self.text("sub"))
            || is_named(account)
            || self.text("idtyp") == Some("app")
            || self.text("gty") == Some("client-credentials")
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.rest.get(name)?.as_str()
    }

    fn at(&self, place: &str) -> Option<&Value> {
        match place.strip_prefix('/') {
            None => self.rest.get(place),
            Some(path) => {
                let (first, below) = path.split_once('/').unwrap_or((path, ""));
                let value = self.rest.get(&first.replace("~1", "/").replace("~0", "~"))?;
                if below.is_empty() { Some(value) } else { value.pointer(&format!("/{below}")) }
            }
        }
    }
}

/// A text, or the only one of a list: attributes of users are lists to many providers.
fn only_text(value: &Value) -> Option<&str> {
    match value.as_array().map(Vec::as_slice) {
        None => value.as_str(),
        Some([only]) => only.as_str(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn read(claims: Value, names: &ClaimNames, leeway: u64) -> Result<Actor, String> {
        let mut all = json!({ "exp": NOW + 60, "sub": "amy", "org": "/acme" });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let claims: Claims = serde_json::from_value(all).unwrap();
        claims.to_actor(names, Duration::from_secs(leeway), NOW).map_err(|text| text.to_string())
    }

    fn actor(claims: Value) -> Actor {
        read(claims, &ClaimNames::default(), 0).unwrap()
    }

    #[test]
    fn times_are_judged_with_the_leeway_on_both_sides() {
        let names = ClaimNames::default();
        for (claims, leeway, expected) in [
            (json!({ "exp": NOW - 30 }), 31, Ok(())),
            (json!({ "exp": NOW - 30 }), 30, Err("the token has expired")),
            (json!({ "exp": NOW }), 0, Err("the token has expired")),
            (json!({ "nbf": NOW + 30 }), 30, Ok(())),
            (json!({ "nbf": NOW + 30 }), 29, Err("the token is not valid yet")),
            (json!({ "iat": NOW + 30 }), 30, Ok(())),
            (json!({ "iat": NOW + 30 }), 29, Err("the token was issued in the future")),
        ] {
            let outcome = read(claims.clone(), &names, leeway).map(drop);
            assert_eq!(outcome, expected.map_err(str::to_owned), "{claims} with {leeway} s");
        }
    }

    #[test]
    fn roles_and_organisation_stand_where_the_provider_puts_them() {
        let names = ClaimNames {
            roles: ["roles", "/realm_access/roles", "/resource_access/kefu~1api/roles"]
                .map(str::to_owned)
                .into(),
            role_prefix: "kefu-".into(),
            org: "https://acme.example/org".into(),
            id: "preferred_username".into(),
        };
        let claims = json!({
            "org": null, "https://acme.example/org": ["/acme/north"], "preferred_username": "amy.w",
            "realm_access": { "roles": ["kefu-agent", "admin", "offline_access"] },
            "resource_access": { "kefu/api": { "roles": ["kefu-inspector"] }, "other": { "roles": ["kefu-admin"] } },
        });
        let actor = read(claims, &names, 0).unwrap();
        assert_eq!(actor.roles, BTreeSet::from([Role::Agent, Role::Inspector]));
        assert_eq!((actor.org.as_str(), actor.id.as_str()), ("/acme/north", "amy.w"));
        assert_eq!(read(json!({}), &names, 0).unwrap_err(), "the token does not say whose it is");
        let two = json!({ "org": ["/acme/north", "/acme/south"] });
        assert!(read(two, &ClaimNames::default(), 0).is_err(), "which of two cannot be told");
    }

    #[test]
    fn machines_are_told_from_people() {
        for claims in [
            json!({ "client_id": "amy" }),
            json!({ "azp": "amy" }),
            json!({ "azp": "crm", "preferred_username": "service-account-crm" }),
            json!({ "idtyp": "app" }),
            json!({ "gty": "client-credentials" }),
        ] {
            assert_eq!(actor(claims.clone()).kind, ActorKind::Client, "{claims}");
        }
        for claims in [
            json!({}),
            json!({ "client_id": "console", "azp": "console" }),
            json!({ "azp": "console", "preferred_username": "service-account-crm" }),
        ] {
            assert_eq!(actor(claims.clone()).kind, ActorKind::User, "{claims}");
        }
    }

    #[test]
    fn tokens_of_other_kinds_are_refused() {
        for typ in ["ID", "Refresh", "Logout"] {
            assert!(read(json!({ "typ": typ }), &ClaimNames::default(), 0).is_err(), "{typ}");
        }
        assert_eq!(actor(json!({ "typ": "Bearer" })).id, "amy");
    }
}
