//! Keys that tokens are signed with: given, or fetched from the identity provider and kept.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use kernel::Problem;
use serde::Deserialize;
use tokio::sync::Mutex;

/// A key that is not there makes us ask the provider at most this often: anybody can name one.
const MIN_INTERVAL: Duration = Duration::from_secs(5);
/// As long as there are no keys at all: at most this often.
const FIRST_INTERVAL: Duration = Duration::from_secs(1);
/// Keys are believed for so long while the provider is away.
const MAX_STALE: Duration = Duration::from_secs(24 * 3_600);
/// Keys of one provider that are looked at.
const MAX_KEYS: usize = 100;

/// Where the keys come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// Keys known from the start: the suite's own issuer.
    Static(JwkSet),
    /// Address of a JWKS document.
    Url(String),
    /// Found through the issuer's `/.well-known/openid-configuration`.
    Discover,
}

/// A key with the one algorithm that it may be used with: taken from the key, never from the
/// token, or a public RSA key could be used as an HMAC secret.
#[derive(Clone)]
pub(crate) struct VerifyKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

#[derive(Default)]
pub(crate) struct KeySet {
    by_id: HashMap<String, VerifyKey>,
    /// Keys without an id, tried for tokens that name none.
    only: Option<VerifyKey>,
    fetched: Option<Instant>,
}

/// The keys at hand. Clones share them.
#[derive(Clone)]
pub(crate) struct Keys(Arc<Inner>);

struct Inner {
    issuer: String,
    source: KeySource,
    client: reqwest::Client,
    set: RwLock<Arc<KeySet>>,
    /// Time of the last attempt; held while fetching, so that one request fetches for all.
    attempt: Mutex<Option<Instant>>,
    min_interval: Duration,
    /// Keys older than this are fetched again beside the requests, and before the next request is
    /// judged when they are twice as old.
    max_age: Duration,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Keys {
    pub(crate) fn new(
        issuer: String,
        source: KeySource,
        max_age: Duration,
    ) -> Result<Self, Problem> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .connect_timeout(Duration::from_secs(3))
            .build()?;
        let set = match &source {
            KeySource::Static(jwks) => KeySet::of(jwks.keys.iter()),
            KeySource::Url(_) | KeySource::Discover => KeySet::default(),
        };
        let (set, attempt) = (RwLock::new(Arc::new(set)), Mutex::new(None));
        Ok(Self(Arc::new(Inner {
            issuer,
            source,
            client,
            set,
            attempt,
            min_interval: MIN_INTERVAL,
            max_age,
        })))
    }

    /// The key with this id, fetched when needed; `Ok(None)` when the provider has none.
    pub(crate) async fn find(&self, kid: Option<&str>) -> Result<Option<VerifyKey>, Problem> {
        let inner = &self.0;
        let set = inner.current();
        let found = set.find(kid);
        if matches!(inner.source, KeySource::Static(_)) {
            return Ok(found);
        }
        let Some(age) = set.fetched.map(|at| at.elapsed()).filter(|age| *age < MAX_STALE) else {
            inner.refresh(set.fetched).await?;
            return Ok(inner.current().find(kid));
        };
        if found.is_none() {
            inner.refresh(set.fetched).await?;
        } else if age > 2 * inner.max_age {
            // Nobody has asked for a while: what was withdrawn meanwhile must not pass once more.
            self.refresh_first(set.fetched).await;
        } else if age > inner.max_age {
            self.refresh_beside(set.fetched);
        }
        Ok(inner.current().find(kid))
    }

    /// Fails while there never were any keys; tries to fetch them then.
    pub(crate) async fn at_hand(&self) -> Result<(), Problem> {
        let set = self.0.current();
        if set.fetched.is_some() || matches!(self.0.source, KeySource::Static(_)) {
            return Ok(());
        }
        self.0.refresh(None).await
    }

    /// The keys at hand, unless it is time to fetch them again.
    pub(crate) fn fresh(&self) -> Option<Arc<KeySet>> {
        let set = self.0.current();
        let fetched_lately = set.fetched.is_some_and(|at| at.elapsed() <= self.0.max_age);
        (fetched_lately || matches!(self.0.source, KeySource::Static(_))).then_some(set)
    }

    /// Fetches unless somebody else does, and goes on with the keys at hand when that fails.
    async fn refresh_first(&self, seen: Option<Instant>) {
        if self.0.attempt.try_lock().is_err() {
            return;
        }
        if let Err(problem) = self.0.refresh(seen).await {
            tracing::warn!(%problem, "signing keys could not be fetched again");
        }
    }

    /// Fetches while requests go on with the keys at hand: nobody waits for a provider that is away.
    fn refresh_beside(&self, seen: Option<Instant>) {
        if self.0.attempt.try_lock().is_err() {
            return;
        }
        let keys = self.clone();
        tokio::spawn(async move {
            if let Err(problem) = keys.0.refresh(seen).await {
                tracing::warn!(%problem, "signing keys could not be fetched again");
            }
        });
    }
}

impl Inner {
    fn current(&self) -> Arc<KeySet> {
        self.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches unless somebody did since `seen`, or an attempt was made a moment ago.
    async fn refresh(&self, seen: Option<Instant>) -> Result<(), Problem> {
        let mut attempt = self.attempt.lock().await;
        let now_at = self.current().fetched;
        if now_at != seen {
            return Ok(());
        }
        let interval = if now_at.is_some() { self.min_interval } else { FIRST_INTERVAL };
        if attempt.is_some_and(|at| at.elapsed() < interval) {
            return match now_at {
                Some(_) => Ok(()),
                None => Err(Problem::unavailable("the signing keys are not at hand")),
            };
        }
        // Before as well as after: this request may be given up while it waits.
        *attempt = Some(Instant::now());
        let fetched = self.fetch().await;
        *attempt = Some(Instant::now());
        let set = fetched?;
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
        Ok(())
    }

    async fn fetch(&self) -> Result<KeySet, Problem> {
        let url = match &self.source {
            KeySource::Url(url) => url.clone(),
            KeySource::Discover => self.discover().await?,
            KeySource::Static(_) => return Ok(KeySet::default()),
        };
        let document: Document = self.get(&url).await?;
        let jwks: Vec<Jwk> = document
            .keys
            .into_iter()
            .take(MAX_KEYS)
            // Providers also publish keys of kinds that nobody here uses.
            .filter_map(|value| serde_json::from_value(value).ok())
            .collect();
        let mut set = KeySet::of(jwks.iter());
        set.fetched = Some(Instant::now());
        Ok(set)
    }

    async fn discover(&self) -> Result<String, Problem> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let found: Discovery = self.get(&url).await?;
        if found.issuer != self.issuer {
            return Err(Problem::unavailable(format!("{url} speaks for {}", found.issuer)));
        }
        Ok(found.jwks_uri)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, Problem> {
        let answer =
            async { self.client.get(url).send().await?.error_for_status()?.json::<T>().await };
        answer.await.map_err(Problem::unavailable)
    }
}

impl KeySet {
    fn of<'a>(jwks: impl Iterator<Item = &'a Jwk>) -> Self {
        let mut set = Self::default();
        let mut usable = 0;
        for jwk in jwks {
            let Some(key) = usable_key(jwk) else { continue };
            usable += 1;
            set.only = Some(key.clone());
            if let Some(kid) = &jwk.common.key_id {
                set.by_id.insert(kid.clone(), key);
            }
        }
        if usable != 1 {
            set.only = None;
        }
        set
    }

    fn find(&self, kid: Option<&str>) -> Option<VerifyKey> {
        match kid {
            Some(kid) => self.by_id.get(kid).cloned(),
            None => self.only.clone(),
        }
    }
}

/// Public keys with the algorithm that they name, or the usual one of their kind; symmetric keys
/// never.
fn usable_key(jwk: &Jwk) -> Option<VerifyKey> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let fitting: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(p) if p.curve == EllipticCurve::Ed25519 => &[EdDSA],
        AlgorithmParameters::EllipticCurve(p) if p.curve == EllipticCurve::P256 => &[ES256],
        AlgorithmParameters::EllipticCurve(p) if p.curve == EllipticCurve::P384 => &[ES384],
        AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
        _ => return None,
    };
    let named = jwk.common.key_algorithm;
    let fits = |algorithm: &&Algorithm| named.is_none_or(|n| n == KeyAlgorithm::from(**algorithm));
    let algorithm = *fitting.iter().find(fits)?;
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(VerifyKey { algorithm, key })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    fn jwk(kid: &str) -> Value {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x})
    }

    /// A provider of one key, and keys that ask it as often as they like.
    async fn provider_of(kid: &str, max_age: Duration) -> (MockServer, Keys) {
        let provider = MockServer::start().await;
        serve(&provider, kid).await;
        let keys = Keys::new("x".into(), KeySource::Url(provider.uri()), max_age).unwrap();
        let mut inner = Arc::into_inner(keys.0).unwrap();
        inner.min_interval = Duration::ZERO;
        (provider, Keys(Arc::new(inner)))
    }

    async fn serve(provider: &MockServer, kid: &str) {
        provider.reset().await;
        let keys = ResponseTemplate::new(200).set_body_json(json!({"keys": [jwk(kid)]}));
        Mock::given(wiremock::matchers::any()).respond_with(keys).mount(provider).await;
    }

    #[tokio::test]
    async fn a_new_key_is_fetched_and_a_withdrawn_one_forgotten() {
        let (provider, keys) = provider_of("a", Duration::from_secs(300)).await;
        assert!(keys.find(Some("a")).await.unwrap().is_some());
        serve(&provider, "b").await;
        assert!(keys.find(Some("b")).await.unwrap().is_some());
        assert!(keys.find(Some("a")).await.unwrap().is_none());
        provider.reset().await;
        assert!(keys.find(Some("b")).await.unwrap().is_some(), "known keys need no provider");
        assert!(keys.find(Some("c")).await.is_err(), "that it is unknown cannot be told");
    }

    #[tokio::test]
    async fn after_a_quiet_time_a_withdrawn_key_does_not_pass_once_more() {
        let (provider, keys) = provider_of("a", Duration::from_millis(50)).await;
        assert!(keys.find(Some("a")).await.unwrap().is_some());
        serve(&provider, "b").await;
        tokio::time::sleep(Duration::from_millis(110)).await;
        assert!(keys.find(Some("a")).await.unwrap().is_none(), "too old to be believed unasked");
        provider.reset().await;
        tokio::time::sleep(Duration::from_millis(110)).await;
        assert!(keys.find(Some("b")).await.unwrap().is_some(), "the provider is away");
    }

    #[tokio::test]
    async fn at_hand_once_fetched_whatever_comes() {
        let (provider, keys) = provider_of("a", Duration::from_millis(1)).await;
        provider.reset().await;
        assert!(keys.at_hand().await.is_err());
        serve(&provider, "a").await;
        tokio::time::sleep(FIRST_INTERVAL).await;
        keys.at_hand().await.unwrap();
        provider.reset().await;
        keys.at_hand().await.unwrap();
    }

    #[test]
    fn keys_are_used_with_the_algorithm_they_name() {
        let of =
            |key: Value| usable_key(&serde_json::from_value(key).unwrap()).map(|k| k.algorithm);
        let rsa = |more: Value| {
            let mut key = json!({"kty": "RSA", "n": "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri", "e": "AQAB"});
            key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            of(key)
        };
        assert_eq!(rsa(json!({})), Some(Algorithm::RS256));
        assert_eq!(rsa(json!({"alg": "PS512", "use": "sig"})), Some(Algorithm::PS512));
        assert_eq!(rsa(json!({"alg": "RSA-OAEP", "use": "enc"})), None, "for sealing, not signing");
        assert_eq!(rsa(json!({"alg": "HS256"})), None, "the public key would be the secret");
        assert_eq!(of(jwk("a")), Some(Algorithm::EdDSA));
        assert_eq!(of(json!({"kty": "oct", "k": "c2VjcmV0"})), None);
    }
}
