//! Accounts of the built-in issuer, as configured.

use std::collections::HashMap;

use kernel::{OrgPath, Permission, Role};
use serde::Deserialize;

use super::{Client, User, password::PasswordHash};

/// Section `issuer` of the suite's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// `iss` of the tokens: the address under which the endpoints are reached.
    pub url: String,
    /// `aud` of the tokens.
    pub audience: String,
    /// Life of a token in seconds.
    #[serde(default = "one_hour")]
    pub token_ttl_secs: u64,
    #[serde(default)]
    pub users: Vec<IssuerUser>,
    #[serde(default)]
    pub clients: Vec<IssuerClient>,
}

fn one_hour() -> u64 {
    3_600
}

/// A person who logs in with a password.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerUser {
    /// Login name, the token's `sub`.
    pub name: String,
    pub display_name: String,
    /// From [`super::hash_password`].
    pub password_hash: String,
    pub roles: Vec<Role>,
    pub org: OrgPath,
}

/// A machine that logs in with a secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerClient {
    /// The token's `sub` and `client_id`.
    pub id: String,
    /// SHA-256 of the secret, 64 hexadecimal digits; the secret must be random, of 128 bits or more.
    pub secret_sha256: String,
    /// Texts of permissions, like `ticket:create`.
    pub scopes: Vec<String>,
    pub org: OrgPath,
}

/// What is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("issuer: {0}")]
pub struct SettingsError(pub(super) String);

type Accounts = (HashMap<String, User>, HashMap<String, Client>);

impl IssuerSettings {
    pub(super) fn accounts(&self) -> Result<Accounts, SettingsError> {
        let bad = |text: String| Err(SettingsError(text));
        let (mut users, mut clients) = Accounts::default();
        for user in &self.users {
            let Some(password) = PasswordHash::parse(&user.password_hash) else {
                return bad(format!("the password hash of user {} cannot be read", user.name));
            };
            let entry = User {
                display_name: user.display_name.clone(),
                password,
                roles: user.roles.clone(),
                org: user.org.clone(),
            };
            if users.insert(user.name.clone(), entry).is_some() {
                return bad(format!("user {} is there twice", user.name));
            }
        }
        for client in &self.clients {
            let mut secret_sha256 = [0; 32];
            if hex::decode_to_slice(&client.secret_sha256, &mut secret_sha256).is_err() {
                return bad(format!(
                    "secret_sha256 of client {} needs 64 hexadecimal digits",
                    client.id
                ));
            }
            let scopes: Result<Vec<Permission>, &String> =
                client.scopes.iter().map(|text| text.parse().map_err(|()| text)).collect();
            let scopes = match scopes {
                Ok(scopes) => scopes,
                Err(text) => {
                    return bad(format!("client {} has an unknown scope {text}", client.id));
                }
            };
            let entry = Client { secret_sha256, scopes, org: client.org.clone() };
            if clients.insert(client.id.clone(), entry).is_some() {
                return bad(format!("client {} is there twice", client.id));
            }
        }
        Ok((users, clients))
    }
}
