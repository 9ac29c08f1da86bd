//! The suite's built-in token issuer: an Ed25519 key of its own, demo users and machine clients
//! from the settings, and the two grants that need no browser. It lets a newcomer log in without
//! an identity provider; where there is one, it stays off.
//!
//! Endpoints: `/.well-known/openid-configuration` (RFC 8414), `/oauth2/jwks` (RFC 7517),
//! `POST /oauth2/token` (RFC 6749, grants `client_credentials` and `password`).

mod api;
mod guesses;
mod key;
mod password;
mod settings;
mod token;

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_lc_rs::{constant_time, digest};
use jsonwebtoken::{Algorithm, Header, encode, jwk::JwkSet};
use kernel::{Clock, OrgPath, Permission, Problem, Role, SystemClock};
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};

pub use api::{openapi, routes};
pub use key::{KeyError, SigningKey};
pub use password::hash as hash_password;
pub use settings::{IssuerClient, IssuerSettings, IssuerUser, SettingsError};

use guesses::Guesses;
use password::PasswordHash;

/// Issues and signs access tokens (RFC 9068). One per process, registered as `web::Data<Issuer>`.
pub struct Issuer {
    url: String,
    audience: String,
    ttl: Duration,
    key: SigningKey,
    users: HashMap<String, User>,
    clients: HashMap<String, Client>,
    /// Verified against where there is no such user, so that the answer takes as long.
    nobody: PasswordHash,
    guesses: Guesses,
    /// Password hashes being computed at once: each keeps a core busy on purpose.
    hashing: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

struct User {
    display_name: String,
    password: PasswordHash,
    roles: Vec<Role>,
    org: OrgPath,
}

struct Client {
    secret_sha256: [u8; 32],
    scopes: Vec<Permission>,
    org: OrgPath,
}

#[derive(Serialize)]
struct AccessClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    name: &'a str,
    roles: &'a [Role],
    scope: String,
    org: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
}

impl Issuer {
    /// Checks the settings; the key says who signs (see [`SigningKey::open`]).
    pub fn new(settings: IssuerSettings, key: SigningKey) -> Result<Self, SettingsError> {
        let (users, clients) = settings.accounts()?;
        Ok(Self {
            url: settings.url.trim_end_matches('/').to_owned(),
            audience: settings.audience,
            ttl: Duration::from_secs(settings.token_ttl_secs),
            key,
            users,
            clients,
            nobody: PasswordHash::of_nobody(),
            guesses: Guesses::default(),
            hashing: Arc::new(Semaphore::new(2)),
            clock: Arc::new(SystemClock),
        })
    }

    /// Stamps tokens by another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What verifies the tokens, for [`crate::KeySource::Static`].
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        JwkSet { keys: vec![self.key.jwk().clone()] }
    }

    /// The `iss` of the tokens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Signs a token without asking for a secret, for tests and the command line. With scopes and
    /// no roles it speaks for a machine client, else for a user.
    pub fn mint(
        &self,
        sub: &str,
        name: &str,
        roles: &[Role],
        scopes: &[Permission],
        org: &OrgPath,
        ttl: Duration,
    ) -> Result<String, Problem> {
        let now = self.clock.now().timestamp();
        let is_client = roles.is_empty() && !scopes.is_empty();
        let claims = AccessClaims {
            iss: &self.url,
            aud: &self.audience,
            sub,
            client_id: is_client.then_some(sub),
            name,
            roles,
            scope: join(scopes),
            org: org.as_str(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX)),
            jti: kernel::new_id().to_string(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".into());
        header.kid.clone_from(&self.key.jwk().common.key_id);
        Ok(encode(&header, &claims, self.key.encoding_key())?)
    }

    /// The client, if the secret is right.
    fn client(&self, id: &str, secret: &str) -> Option<&Client> {
        let given = digest::digest(&digest::SHA256, secret.as_bytes());
        let client = self.clients.get(id);
        let known = client.map_or([0; 32], |c| c.secret_sha256);
        let equal = constant_time::verify_slices_are_equal(given.as_ref(), &known).is_ok();
        client.filter(|_| equal)
    }

    /// Waits for a turn to compute a hash.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        Ok(self.hashing.acquire().await?)
    }

    /// The user, if the password is theirs. Takes a noticeable fraction of a second on purpose.
    async fn user(
        &self,
        _turn: &SemaphorePermit<'_>,
        name: &str,
        password: String,
    ) -> Result<Option<&User>, Problem> {
        let user = self.users.get(name);
        let hash = user.map_or(&self.nobody, |u| &u.password).clone();
        let equal = tokio::task::spawn_blocking(move || hash.matches(&password)).await?;
        Ok(user.filter(|_| equal))
    }
}

fn join(scopes: &[Permission]) -> String {
    scopes.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(" ")
}
