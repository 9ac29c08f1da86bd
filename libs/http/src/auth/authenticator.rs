//! Verifies bearer tokens (RFC 6750, RFC 9068).

use std::{sync::Arc, time::Duration};

use actix_web::http::header::{self, HeaderMap};
use jsonwebtoken::{Validation, decode, decode_header};
use kernel::{Actor, Clock, Problem, SystemClock, Text, codes};

use super::{
    claims::{ClaimNames, Claims},
    keys::{KeySource, Keys},
    verified::Verified,
};
use crate::messages;

/// Whom we believe.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Must equal the token's `iss`.
    pub issuer: String,
    /// Must be among the token's `aud`.
    pub audience: String,
    pub keys: KeySource,
    pub claims: ClaimNames,
    /// How far the issuer's clock may be from ours: tokens are believed so much earlier and longer.
    pub leeway: Duration,
    /// Keys are fetched again after this time, so that a withdrawn one goes away.
    pub keys_max_age: Duration,
}

impl AuthSettings {
    /// The usual claims, a minute of leeway, keys for five minutes.
    #[must_use]
    pub fn new(issuer: &str, audience: &str, keys: KeySource) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            keys,
            claims: ClaimNames::default(),
            leeway: Duration::from_secs(60),
            keys_max_age: Duration::from_secs(300),
        }
    }
}

/// Verifies tokens of one issuer. One per process, shared by all workers.
pub struct Authenticator {
    keys: Keys,
    verified: Verified,
    issuer: String,
    audience: String,
    claims: ClaimNames,
    leeway: Duration,
    clock: Arc<dyn Clock>,
}

/// Why a request has no actor. Kept on the request until a handler asks for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No token was given.
    Missing,
    /// The token is no good; the text is for the caller.
    Invalid(Text),
    /// The identity provider is away; the text is for the log.
    Unavailable(String),
}

impl Refusal {
    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Refusal::Missing => Problem::of(&codes::UNAUTHENTICATED),
            Refusal::Invalid(detail) => Problem::of(&codes::UNAUTHENTICATED).detail(detail),
            Refusal::Unavailable(cause) => Problem::unavailable(cause),
        }
    }
}

impl Authenticator {
    /// Fails only when no TLS client can be made; keys are fetched with the first token, or by
    /// [`Authenticator::ready`].
    pub fn new(settings: AuthSettings) -> Result<Self, Problem> {
        let AuthSettings { issuer, audience, keys, claims, leeway, keys_max_age } = settings;
        let keys = Keys::new(issuer.clone(), keys, keys_max_age)?;
        let (verified, clock) = (Verified::default(), Arc::new(SystemClock));
        Ok(Self { keys, verified, issuer, audience, claims, leeway, clock })
    }

    /// Whether there are keys to verify tokens with; fetches them if there never were any. Once
    /// there are, a provider that is away is no reason not to be ready.
    pub async fn ready(&self) -> Result<(), Problem> {
        self.keys.at_hand().await
    }

    /// Judges expiry by another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The actor that a token speaks for: 401 when it is no good, 503 when that cannot be told.
    pub async fn authenticate(&self, token: &str) -> Result<Actor, Problem> {
        self.verify(token).await.map_err(Refusal::into_problem)
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<Actor, Refusal> {
        let id = Verified::key(token);
        // Taken before the check: what older keys say is not kept under newer ones.
        let keys = self.keys.fresh();
        let known = keys.as_ref().and_then(|keys| self.verified.get(&id, keys));
        let claims = match known {
            Some(claims) => claims,
            None => {
                let claims = Arc::new(self.check(token).await?);
                if let Some(keys) = keys {
                    self.verified.put(id, keys, claims.clone());
                }
                claims
            }
        };
        let now = self.clock.now().timestamp();
        claims.to_actor(&self.claims, self.leeway, now).map_err(Refusal::Invalid)
    }

    /// Checks everything but the time and what the claims mean.
    async fn check(&self, token: &str) -> Result<Claims, Refusal> {
        let unreadable = Refusal::Invalid(messages::token_unreadable());
        let header = decode_header(token).map_err(|_| unreadable.clone())?;
        let is_access_token = header.typ.as_deref().is_none_or(|typ| {
            ["jwt", "at+jwt", "application/at+jwt"].contains(&typ.to_ascii_lowercase().as_str())
        });
        // An extension marked critical that we do not know must be refused (RFC 7515, 4.1.11).
        if header.crit.is_some() || !is_access_token {
            return Err(Refusal::Invalid(messages::token_of_other_kind()));
        }
        let found = self.keys.find(header.kid.as_deref()).await;
        let key = found
            .map_err(|problem| Refusal::Unavailable(problem.to_string()))?
            .ok_or_else(|| Refusal::Invalid(messages::token_key_unknown()))?;
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // Claims::to_actor judges time, by our own clock.
        validation.validate_exp = false;
        let token = decode::<Claims>(token, &key.key, &validation).map_err(|e| {
            use jsonwebtoken::errors::ErrorKind;
            Refusal::Invalid(match e.kind() {
                ErrorKind::InvalidIssuer => messages::token_of_other_issuer(),
                ErrorKind::InvalidAudience => messages::token_for_other_audience(),
                ErrorKind::MissingRequiredClaim(_) => messages::token_claim_missing(),
                _ => messages::token_not_genuine(),
            })
        })?;
        Ok(token.claims)
    }
}

/// The token of an `Authorization: Bearer …` header.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let value = headers.get(header::AUTHORIZATION).ok_or(Refusal::Missing)?;
    let invalid = Refusal::Invalid(messages::bearer_token_required());
    let text = value.to_str().map_err(|_| invalid.clone())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(|| invalid.clone())?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(invalid) }
}
