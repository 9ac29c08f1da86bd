//! A real Keycloak as the identity provider: who gets in, who does not, and what happens when keys
//! turn, clocks are off and the provider is away.
#![allow(clippy::unwrap_used, reason = "test")]

mod keycloak;
mod service;

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kefu_tests::eventually;
use keycloak::{Keycloak, text};
use service::{Refused, Service, free_port};
use tokio::time::sleep;

/// `auth.keys_max_age_secs` of the services here; a withdrawn key is refused after twice this time.
const KEYS_MAX_AGE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "fetches Keycloak once, 170 MB: make test-oidc"]
async fn a_real_provider() {
    let port = free_port();
    let issuer = format!("http://127.0.0.1:{port}/realms/kefu");
    let service = Service::start(&issuer, &[], None);
    provider_away(&service).await;
    let begun = Instant::now();
    let keycloak = tokio::task::spawn_blocking(move || Keycloak::start(port)).await.unwrap();
    println!("Keycloak started in {:.1?}", begun.elapsed());
    let service = service.ready().await;

    logins(&keycloak, &service).await;
    foreign_tokens(&keycloak, &service).await;
    expiry(&keycloak, &service, &issuer).await;
    clocks(&keycloak, &issuer).await;
    let newest = rotation(&keycloak, &service).await;

    keycloak.stop();
    sleep(2 * KEYS_MAX_AGE + Duration::from_secs(1)).await;
    for _ in 0..3 {
        service.list(&newest).await.unwrap();
    }
    assert_eq!(service.readiness().await.unwrap().0, 200, "known keys need no provider");
    assert!(service.log().contains("signing keys could not be fetched again"));
    println!("provider away: the token at hand stays good, the log says so");
}

/// Before the provider was ever reached: not ready, 503 with Retry-After, and a reason in the log.
async fn provider_away(service: &Service) {
    let (status, body) = eventually("the service answers", Duration::from_secs(60), || async {
        service.readiness().await
    })
    .await;
    assert_eq!(
        (status, &body["checks"]["identity provider host"]),
        (503, &"failed".into()),
        "{body}"
    );
    // Any token will do that has the form of one.
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.e30.c2ln";
    let refused = service.list(token).await.unwrap_err();
    assert_eq!((refused.0, refused.1.as_str()), (503, "unavailable"), "{refused:?}");
    assert!(service.log().contains("identity provider"), "{}", service.log());
    println!("provider away at the start: {refused:?}");
}

async fn logins(keycloak: &Keycloak, service: &Service) {
    let machine = keycloak.client("partner-crm").await;
    let ticket = service.open(&machine, "from a partner's system").await.unwrap();
    println!("client credentials: ticket {}", ticket["number"]);

    let person = keycloak.browser("li.na").await;
    let ticket = service.open(&person, "from a browser").await.unwrap();
    println!("authorization code with PKCE: ticket {}", ticket["number"]);
    let direct = text(&keycloak.password("kefu-console", "li.na").await, "access_token");
    service.list(&direct).await.unwrap();
    // She is `admin` in the realm, for something else, and an agent of Kefu.
    let refused = service.administer(&person).await.unwrap_err();
    assert_eq!((refused.0, refused.1.as_str()), (403, "forbidden"), "{refused:?}");
}

async fn foreign_tokens(keycloak: &Keycloak, service: &Service) {
    let elsewhere = keycloak.client("elsewhere").await;
    let wrong = Refused::unauthenticated("the token lacks a required claim");
    assert_eq!(service.list(&elsewhere).await, Err(wrong), "it names no audience");
    let tokens = keycloak.password("kefu", "li.na").await;
    let wrong = Refused::unauthenticated("the token is for another audience");
    assert_eq!(service.list(&text(&tokens, "access_token")).await, Err(wrong));
    // An ID token of the client `kefu` names `kefu` as its audience, and is no access token.
    let wrong = Refused::unauthenticated("the token is of a kind that is not accepted");
    assert_eq!(service.list(&text(&tokens, "id_token")).await, Err(wrong));
    let mut forged = keycloak.client("partner-crm").await;
    let last = forged.pop().unwrap();
    // The last character of the signature holds bits that do not count; the one before does.
    let before = forged.pop().unwrap();
    forged.push(if before == 'A' { 'B' } else { 'A' });
    forged.push(last);
    let wrong = Refused::unauthenticated("the token is not genuine");
    assert_eq!(service.list(&forged).await, Err(wrong));
}

/// A token of ten seconds, with a minute of leeway and with none.
async fn expiry(keycloak: &Keycloak, service: &Service, issuer: &str) {
    let strict = Service::start(issuer, &[("KEFU__AUTH__LEEWAY_SECS", "0")], None).ready().await;
    let token = keycloak.client("hasty").await;
    strict.list(&token).await.unwrap();
    sleep(Duration::from_secs(11)).await;
    assert_eq!(
        strict.list(&token).await,
        Err(Refused::unauthenticated("the token has expired")),
        "a token seen as good before"
    );
    service.list(&token).await.unwrap();
    println!("expired: refused without leeway, good with a minute of it");
}

/// Services whose clocks are off, on both sides of what is forgiven. Tokens live 300 s.
async fn clocks(keycloak: &Keycloak, issuer: &str) {
    let early = Refused::unauthenticated("the token was issued in the future");
    let late = Refused::unauthenticated("the token has expired");
    for (clock, leeway, expected) in [
        ("-40s", "60", Ok(())),
        ("-90s", "60", Err(early)),
        ("-90s", "120", Ok(())),
        ("+340s", "60", Ok(())),
        ("+380s", "60", Err(late)),
    ] {
        let settings = [("KEFU__AUTH__LEEWAY_SECS", leeway)];
        let service = Service::start(issuer, &settings, Some(clock)).ready().await;
        let token = keycloak.client("partner-crm").await;
        assert_eq!(service.list(&token).await, expected, "clock {clock}, leeway {leeway}");
        println!("clock {clock}, leeway {leeway}: {expected:?}");
    }
}

/// A new key while the service runs, then the old one goes; answers a token of the new one.
async fn rotation(keycloak: &Keycloak, service: &Service) -> String {
    let old = keycloak.client("partner-crm").await;
    service.list(&old).await.unwrap();
    keycloak.new_key(1_000).await;
    let new = keycloak.client("partner-crm").await;
    let (old_key, new_key) = (key_of(&old), key_of(&new));
    assert_ne!(old_key, new_key);
    let begun = Instant::now();
    while let Err(refused) = service.list(&new).await {
        let unknown = Refused::unauthenticated("the token was signed with an unknown key");
        assert_eq!(refused, unknown);
        assert!(begun.elapsed() < Duration::from_secs(6), "the new key is not fetched");
        sleep(Duration::from_millis(100)).await;
    }
    println!("new key: taken {:.1?} after the first token", begun.elapsed());
    service.list(&old).await.unwrap();

    keycloak.remove_key(&old_key).await;
    let begun = Instant::now();
    let refused = loop {
        service.list(&new).await.unwrap();
        match service.list(&old).await {
            Ok(()) => sleep(Duration::from_millis(200)).await,
            Err(refused) => break refused,
        }
        assert!(begun.elapsed() < 3 * KEYS_MAX_AGE, "the withdrawn key is still believed");
    };
    let took = begun.elapsed();
    assert_eq!(refused, Refused::unauthenticated("the token was signed with an unknown key"));
    assert!(took <= 2 * KEYS_MAX_AGE, "{took:?}");
    println!("withdrawn key: refused after {took:.1?} (keys_max_age {KEYS_MAX_AGE:?})");

    // Nobody asks for a while; then a withdrawn key must not pass even once.
    keycloak.new_key(2_000).await;
    let newest = keycloak.client("partner-crm").await;
    assert_ne!(key_of(&newest), new_key);
    sleep(Duration::from_secs(6)).await;
    service.list(&newest).await.unwrap();
    keycloak.remove_key(&new_key).await;
    sleep(2 * KEYS_MAX_AGE + Duration::from_secs(1)).await;
    assert_eq!(
        service.list(&new).await,
        Err(Refused::unauthenticated("the token was signed with an unknown key"))
    );
    println!("withdrawn key after a quiet time: refused at once");
    newest
}

/// `kid` of a token's header.
fn key_of(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    text(&serde_json::from_slice(&header).unwrap(), "kid")
}
