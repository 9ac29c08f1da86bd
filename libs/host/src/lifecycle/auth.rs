//! Whose tokens are believed: an OpenID Connect provider's, or those that the process issues
//! itself for trying out.

use std::{sync::Arc, time::Duration};

use http::{
    AuthSettings, Authenticator, KeySource,
    issuer::{Issuer, IssuerClient, IssuerSettings, IssuerUser, SigningKey},
};
use kernel::Clock;
use serde::Deserialize;

use super::Overrides;
use crate::{
    Error, Settings,
    settings::{Auth, AuthMode},
};

/// What the HTTP server needs of it.
pub(super) struct Prepared {
    pub authenticator: Arc<Authenticator>,
    pub issuer: Option<Arc<Issuer>>,
}

/// Section `[issuer]`: accounts of the built-in issuer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accounts {
    token_ttl_secs: u64,
    #[serde(default)]
    users: Vec<IssuerUser>,
    #[serde(default)]
    clients: Vec<IssuerClient>,
}

pub(super) fn prepare(
    settings: &Settings,
    overrides: &Overrides,
    public_url: &str,
    clock: &Arc<dyn Clock>,
) -> Result<Prepared, Error> {
    let claims = settings.auth.claims();
    let Auth { mode, mut issuer, jwks_url, audience, .. } = settings.auth.clone();
    let mut built_in = None;
    let keys = match (&overrides.keys, mode) {
        (Some(keys), _) => keys.clone(),
        (None, AuthMode::Oidc) if jwks_url.is_empty() => KeySource::Discover,
        (None, AuthMode::Oidc) => KeySource::Url(jwks_url),
        (None, AuthMode::Builtin) => {
            let made = self::issuer(settings, public_url)?.with_clock(clock.clone());
            issuer = made.url().to_owned();
            let keys = KeySource::Static(made.jwks());
            built_in = Some(Arc::new(made));
            keys
        }
    };
    let authenticator = Authenticator::new(AuthSettings {
        issuer,
        audience,
        keys,
        claims,
        leeway: Duration::from_secs(settings.auth.leeway_secs),
        keys_max_age: Duration::from_secs(settings.auth.keys_max_age_secs),
    })
    .map_err(|e| Error::other("setting up authentication", e.to_string()))?;
    Ok(Prepared {
        authenticator: Arc::new(authenticator.with_clock(clock.clone())),
        issuer: built_in,
    })
}

/// The built-in issuer, with its key in the data folder; also for a command that mints a token
/// beside the running process. `public_url` is its name unless `auth.issuer` gives another.
pub fn issuer(settings: &Settings, public_url: &str) -> Result<Issuer, Error> {
    let accounts: Accounts = settings.section("issuer").get()?;
    let url = match settings.auth.issuer.as_str() {
        "" => public_url.to_owned(),
        url => url.to_owned(),
    };
    let key = SigningKey::open(&settings.data.dir.join("issuer.key"))
        .map_err(|e| Error::other("opening the issuer's key", e))?;
    let of = IssuerSettings {
        url,
        audience: settings.auth.audience.clone(),
        token_ttl_secs: accounts.token_ttl_secs,
        users: accounts.users,
        clients: accounts.clients,
    };
    Issuer::new(of, key).map_err(|e| Error::Settings(vec![e.to_string()]))
}
