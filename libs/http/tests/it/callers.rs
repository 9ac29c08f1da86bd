//! Tokens that are believed and tokens that are not.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::KeySource;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kernel::{Clock, OrgPath, Permission, Role, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::bed::{self, AUDIENCE, Bed, ISSUER, Options, Reply, send};

/// A key of the test's own with its JWKS.
struct Forge {
    key: EncodingKey,
    jwk: Value,
}

impl Forge {
    fn new(kid: &str) -> Self {
        use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
        let der = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x});
        Self { key: EncodingKey::from_ed_der(der.as_ref()), jwk }
    }

    fn keys(&self) -> KeySource {
        KeySource::Static(serde_json::from_value(json!({"keys": [self.jwk]})).unwrap())
    }

    fn header(&self) -> Header {
        Header { kid: self.jwk["kid"].as_str().map(str::to_owned), ..Header::new(Algorithm::EdDSA) }
    }

    /// Signs good claims with some changed; `null` takes one away.
    fn sign(&self, change: Value) -> String {
        encode(&self.header(), &claims(change), &self.key).unwrap()
    }
}

fn now() -> i64 {
    SystemClock.now().timestamp()
}

fn claims(change: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "lilei", "name": "李雷", "roles": ["agent", "somebody-elses"],
        "org": "/acme/north", "exp": now() + 600, "nbf": now() - 10,
    });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

async fn with(bed: &Bed, token: &str) -> Reply {
    send(bed.request(Method::GET, "/api/v1/notes").bearer_auth(token)).await
}

async fn bed_for(forge: &Forge) -> Bed {
    let options = Options { keys: Some(forge.keys()), ..Options::default() };
    bed::start_with(&bed::sqlite().await, options).await
}

#[actix_web::test]
async fn good_tokens() {
    let forge = Forge::new("k");
    let bed = bed_for(&forge).await;
    for change in [
        json!({}),
        json!({"aud": ["else", AUDIENCE]}),
        json!({"exp": now() - 30}),
        json!({"nbf": now() + 30}),
        json!({"nbf": null, "name": null}),
        json!({"iat": now() + 30, "typ": "Bearer"}),
        json!({"roles": null, "scope": "openid ticket:read"}),
    ] {
        let reply = with(&bed, &forge.sign(change.clone())).await;
        assert_eq!(reply.status, 200, "{change} {reply:#?}");
    }
    let without_kid =
        encode(&Header::new(Algorithm::EdDSA), &claims(json!({})), &forge.key).unwrap();
    assert_eq!(with(&bed, &without_kid).await.status, 200, "the only key there is");
}

#[actix_web::test]
async fn bad_tokens() {
    let forge = Forge::new("k");
    let bed = bed_for(&forge).await;
    let missing = send(bed.request(Method::GET, "/api/v1/notes")).await;
    missing.is_problem(401, "unauthenticated");
    assert_eq!(missing.header("www-authenticate"), r#"Bearer realm="kefu""#);

    for change in [
        json!({"exp": now() - 61}),
        json!({"nbf": now() + 120}),
        json!({"aud": "else"}),
        json!({"aud": null}),
        json!({"iss": "https://else.test"}),
        json!({"iss": null}),
        json!({"exp": null}),
        json!({"exp": "tomorrow"}),
        json!({"sub": null}),
        json!({"iat": now() + 120}),
        json!({"typ": "ID"}),
        json!({"sub": ""}),
        json!({"sub": "a\u{0}b"}),
        json!({"org": null}),
        json!({"org": "acme"}),
        json!({"org": "/acme/../else"}),
        json!({"roles": "agent"}),
    ] {
        let reply = with(&bed, &forge.sign(change.clone())).await;
        assert_eq!(reply.status, 401, "{change}");
        reply.is_problem(401, "unauthenticated");
        assert_eq!(
            reply.header("www-authenticate"),
            r#"Bearer realm="kefu", error="invalid_token""#
        );
    }

    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = format!(
        "{}.{}.",
        part(json!({"alg": "none", "typ": "JWT", "kid": "k"})),
        part(claims(json!({})))
    );
    // The public key as an HMAC secret.
    let secret = URL_SAFE_NO_PAD.decode(forge.jwk["x"].as_str().unwrap()).unwrap();
    let hs_header = Header { kid: Some("k".into()), ..Header::new(Algorithm::HS256) };
    let confused =
        encode(&hs_header, &claims(json!({})), &EncodingKey::from_secret(&secret)).unwrap();
    let stranger = Forge::new("k").sign(json!({}));
    let unknown = Forge::new("other").sign(json!({}));
    let mut tampered: Vec<String> = forge.sign(json!({})).split('.').map(str::to_owned).collect();
    tampered[1] = part(claims(json!({"roles": ["admin"]})));
    let critical = Header { crit: Some(vec!["exp".into()]), ..forge.header() };
    let critical = encode(&critical, &claims(json!({})), &forge.key).unwrap();
    let id_token = Header { typ: Some("logout+jwt".into()), ..forge.header() };
    let id_token = encode(&id_token, &claims(json!({})), &forge.key).unwrap();
    for bad in [
        none,
        confused,
        stranger,
        unknown,
        tampered.join("."),
        critical,
        id_token,
        "x".into(),
        "a.b.c".into(),
    ] {
        with(&bed, &bad).await.is_problem(401, "unauthenticated");
    }
    for bad in ["Basic YTpi", "Bearer", "Token x"] {
        let reply =
            send(bed.request(Method::GET, "/api/v1/notes").header("authorization", bad)).await;
        reply.is_problem(401, "unauthenticated");
    }
}

#[actix_web::test]
async fn rights_come_from_roles_and_scopes() {
    let bed = bed::start(&bed::sqlite().await).await;
    let refused = with(&bed, &bed.token(Role::Operator)).await;
    refused.is_problem(403, "forbidden");
    assert_eq!(refused.body["detail"], "ticket:read is required");
    assert_eq!(with(&bed, &bed.token(Role::Inspector)).await.status, 200);
    assert_eq!(with(&bed, &bed.scoped(&[Permission::TicketRead])).await.status, 200);
    with(&bed, &bed.scoped(&[Permission::TicketCreate])).await.is_problem(403, "forbidden");

    send(bed.post("/api/v1/notes").json(&json!({"text": "a"}))).await;
    let ctx = bed.app.seen.lock().unwrap().clone().unwrap();
    assert_eq!((ctx.actor.id.as_str(), ctx.actor.org.as_str()), ("admin", "/acme/north"));
    assert!(ctx.trace.traceparent.is_some());

    let public = send(bed.request(Method::GET, "/n/abc").header("accept-language", "zh")).await;
    assert_eq!(public.body, json!({"actor": "customer", "token": "abc", "locale": "zh-CN"}));
}

#[actix_web::test]
async fn keys_are_fetched_kept_and_rotated() {
    let provider = MockServer::start().await;
    let (first, second) = (Forge::new("a"), Forge::new("b"));
    let discovery =
        json!({"issuer": provider.uri(), "jwks_uri": format!("{}/keys", provider.uri())});
    Mock::given(matchers::path("/.well-known/openid-configuration"))
        .respond_with(ResponseTemplate::new(200).set_body_json(discovery))
        .mount(&provider)
        .await;
    let odd = json!({"kty": "EC", "crv": "secp256k1", "kid": "odd", "x": "AA", "y": "AA"});
    let symmetric = json!({"kty": "oct", "kid": "hmac", "alg": "HS256", "k": "c2VjcmV0"});
    Mock::given(matchers::path("/keys"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"keys": [first.jwk, odd, symmetric]})),
        )
        .expect(1)
        .mount(&provider)
        .await;
    let options =
        Options { keys: Some(KeySource::Discover), issuer: provider.uri(), ..Options::default() };
    let bed = bed::start_with(&bed::sqlite().await, options).await;
    let issuer = json!({"iss": provider.uri()});

    let token = first.sign(issuer.clone());
    let many = futures::future::join_all((0..20).map(|_| with(&bed, &token))).await;
    assert!(many.iter().all(|r| r.status == 200), "{many:#?}");
    let hs = Header { kid: Some("hmac".into()), ..Header::new(Algorithm::HS256) };
    let hs = encode(&hs, &claims(issuer.clone()), &EncodingKey::from_secret(b"secret")).unwrap();
    with(&bed, &hs).await.is_problem(401, "unauthenticated");
    // An unknown key within the minimum interval does not ask the provider again (expect(1)).
    for _ in 0..5 {
        with(&bed, &second.sign(issuer.clone())).await.is_problem(401, "unauthenticated");
    }
}

#[actix_web::test]
async fn es256_and_rs256() {
    use aws_lc_rs::{
        encoding::AsDer,
        rsa::{KeySize, PublicKeyComponents},
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RsaKeyPair},
    };
    let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let ec = EcdsaKeyPair::generate_pkcs8(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        &aws_lc_rs::rand::SystemRandom::new(),
    )
    .unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref()).unwrap();
    let point = pair.public_key().as_ref();
    let ec_jwk = json!({"kty": "EC", "crv": "P-256", "kid": "ec", "x": b64(&point[1..33]), "y": b64(&point[33..])});
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = PublicKeyComponents::<Vec<u8>>::from(rsa.public_key());
    let rsa_jwk = json!({"kty": "RSA", "alg": "RS256", "kid": "rsa", "n": b64(&public.n), "e": b64(&public.e)});
    let keys =
        KeySource::Static(serde_json::from_value(json!({"keys": [ec_jwk, rsa_jwk]})).unwrap());
    let bed =
        bed::start_with(&bed::sqlite().await, Options { keys: Some(keys), ..Options::default() })
            .await;

    let sign = |kid: &str, algorithm, key: &EncodingKey| {
        encode(&Header { kid: Some(kid.into()), ..Header::new(algorithm) }, &claims(json!({})), key)
            .unwrap()
    };
    let ec_key = EncodingKey::from_ec_der(ec.as_ref());
    let der = aws_lc_rs::rsa::KeyPair::as_der(&rsa).unwrap();
    let rsa_key = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", der.as_ref()).as_bytes()).unwrap();
    assert_eq!(with(&bed, &sign("ec", Algorithm::ES256, &ec_key)).await.status, 200);
    assert_eq!(with(&bed, &sign("rsa", Algorithm::RS256, &rsa_key)).await.status, 200);
    // A key serves one algorithm.
    with(&bed, &sign("rsa", Algorithm::PS256, &rsa_key)).await.is_problem(401, "unauthenticated");
    let public_as_secret = EncodingKey::from_secret(&public.n);
    with(&bed, &sign("rsa", Algorithm::HS256, &public_as_secret))
        .await
        .is_problem(401, "unauthenticated");
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[actix_web::test]
async fn a_provider_that_is_away_is_not_the_callers_fault() {
    let keys = KeySource::Url("http://127.0.0.1:9/keys".into());
    let bed =
        bed::start_with(&bed::sqlite().await, Options { keys: Some(keys), ..Options::default() })
            .await;
    let reply = with(&bed, &Forge::new("k").sign(json!({}))).await;
    reply.is_problem(503, "unavailable");
    assert_eq!(reply.header("retry-after"), "2");
    let public = send(bed.request(Method::GET, "/n/abc")).await;
    assert_eq!(public.status, 200, "public endpoints need no provider");
}

#[actix_web::test]
async fn the_built_in_issuers_tokens_expire() {
    let bed = bed::start(&bed::sqlite().await).await;
    let org = OrgPath::parse("/acme").unwrap();
    let mint = |issuer: &http::issuer::Issuer| {
        issuer.mint("a", "a", &[Role::Agent], &[], &org, Duration::from_secs(60)).unwrap()
    };
    assert_eq!(with(&bed, &mint(&bed.issuer)).await.status, 200);
    let yesterday = kernel::ManualClock::at(SystemClock.now() - chrono::TimeDelta::days(1));
    let old = http::issuer::Issuer::new(
        bed::issuer_settings(),
        http::issuer::SigningKey::ephemeral().unwrap(),
    )
    .unwrap()
    .with_clock(std::sync::Arc::new(yesterday));
    let options = Options { keys: Some(KeySource::Static(old.jwks())), ..Options::default() };
    let bed = bed::start_with(&bed::sqlite().await, options).await;
    let reply = with(&bed, &mint(&old)).await;
    reply.is_problem(401, "unauthenticated");
    assert_eq!(reply.body["detail"], "the token has expired");
}
