//! Tokens as an OpenID Connect provider would issue them, from a key that lives for one test.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kernel::{Permission, Role};
use serde_json::{Value, json};

pub const ISSUER: &str = "https://issuer.test";
pub const AUDIENCE: &str = "kefu";

/// Issues tokens; its JWKS goes to the service under test.
pub struct Mint {
    key: EncodingKey,
    jwks: Value,
}

impl Mint {
    /// # Panics
    /// When the machine has no randomness.
    #[must_use]
    pub fn new() -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())
            .expect("randomness");
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key just made");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "test", "x": x }] });
        Self { key: EncodingKey::from_ed_der(der.as_ref()), jwks }
    }

    /// The public key, for `host::Overrides`.
    ///
    /// # Panics
    /// Never: the set was made here.
    #[must_use]
    pub fn keys(&self) -> http::KeySource {
        http::KeySource::Static(serde_json::from_value(self.jwks.clone()).expect("a JWKS"))
    }

    /// A token of a member of staff.
    #[must_use]
    pub fn user(&self, sub: &str, roles: &[Role], org: &str) -> String {
        let roles: Vec<&str> = roles.iter().map(|r| r.as_str()).collect();
        self.sign(json!({ "sub": sub, "name": sub, "roles": roles, "org": org }))
    }

    /// A token of a partner system (client credentials).
    #[must_use]
    pub fn client(&self, id: &str, scopes: &[Permission], org: &str) -> String {
        let scope: Vec<&str> = scopes.iter().map(|p| p.as_str()).collect();
        self.sign(
            json!({ "sub": id, "client_id": id, "name": id, "scope": scope.join(" "), "org": org }),
        )
    }

    /// A token with exactly these claims over the usual ones; `null` removes a claim.
    #[must_use]
    pub fn sign(&self, claims: Value) -> String {
        // Valid at the test clock's time and at the machine's.
        let mut all = json!({ "iss": ISSUER, "aud": AUDIENCE, "iat": 1_700_000_000, "exp": 4_102_444_800_i64 });
        if let (Some(all), Value::Object(own)) = (all.as_object_mut(), claims) {
            all.extend(own);
            all.retain(|_, value| !value.is_null());
        }
        let header = Header { kid: Some("test".into()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &all, &self.key).expect("the claims are JSON")
    }
}

impl Default for Mint {
    fn default() -> Self {
        Self::new()
    }
}
