//! The built-in issuer's endpoints.

use std::time::Duration;

use http::{RateLimits, RateSettings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bed::{self, Bed, Options, Reply, send};

async fn token(bed: &Bed, form: &[(&str, &str)]) -> Reply {
    send(bed.request(Method::POST, "/oauth2/token").form(form)).await
}

#[track_caller]
fn refused(reply: &Reply, status: u16, error: &str) {
    assert_eq!((reply.status, reply.body["error"].as_str()), (status, Some(error)), "{reply:#?}");
    assert_eq!(
        (reply.header("content-type"), reply.header("cache-control")),
        ("application/json", "no-store")
    );
}

#[actix_web::test]
async fn machines_log_in() {
    let bed = bed::start(&bed::sqlite().await).await;
    let good = [
        ("grant_type", "client_credentials"),
        ("client_id", "shop"),
        ("client_secret", "s3cret-of-the-shop"),
    ];
    let reply = token(&bed, &good).await;
    assert_eq!(reply.status, 200, "{reply:#?}");
    assert_eq!(
        (&reply.body["token_type"], &reply.body["expires_in"]),
        (&json!("Bearer"), &json!(3600))
    );
    assert_eq!(reply.body["scope"], "ticket:create ticket:read");
    let access = reply.body["access_token"].as_str().unwrap();
    let created = send(
        bed.request(Method::POST, "/api/v1/notes").bearer_auth(access).json(&json!({"text": "a"})),
    )
    .await;
    assert_eq!(created.status, 201);
    let actor = bed.app.seen.lock().unwrap().clone().unwrap().actor;
    assert_eq!((actor.kind, actor.id.as_str()), (kernel::ActorKind::Client, "shop"));

    let basic =
        bed.request(Method::POST, "/oauth2/token").basic_auth("shop", Some("s3cret-of-the-shop"));
    let narrowed = send(basic.form(&[
        ("grant_type", "client_credentials"),
        ("scope", "ticket:read"),
        ("unknown", "1"),
    ]))
    .await;
    assert_eq!(narrowed.body["scope"], "ticket:read", "{narrowed:#?}");
    let access = narrowed.body["access_token"].as_str().unwrap();
    let forbidden = send(
        bed.request(Method::POST, "/api/v1/notes").bearer_auth(access).json(&json!({"text": "a"})),
    )
    .await;
    forbidden.is_problem(403, "forbidden");

    let wrong = token(&bed, &[good[0], good[1], ("client_secret", "guess")]).await;
    refused(&wrong, 401, "invalid_client");
    assert!(wrong.header("www-authenticate").starts_with("Basic"));
    refused(
        &token(&bed, &[good[0], ("client_id", "nobody"), good[2]]).await,
        401,
        "invalid_client",
    );
    refused(&token(&bed, &[good[0]]).await, 401, "invalid_client");
    refused(
        &token(&bed, &[good[0], good[1], good[2], ("scope", "ticket:admin")]).await,
        400,
        "invalid_scope",
    );
    refused(&token(&bed, &[good[1], good[2]]).await, 400, "invalid_request");
    refused(&token(&bed, &[good[0], good[0], good[1], good[2]]).await, 400, "invalid_request");
    refused(&token(&bed, &[("grant_type", "implicit")]).await, 400, "unsupported_grant_type");
    let json =
        send(bed.request(Method::POST, "/oauth2/token").json(&json!({"grant_type": "password"})))
            .await;
    refused(&json, 400, "invalid_request");
}

#[actix_web::test]
async fn people_log_in() {
    let bed = bed::start(&bed::sqlite().await).await;
    let login = async |name: &str, password: &str| {
        token(&bed, &[("grant_type", "password"), ("username", name), ("password", password)]).await
    };
    let reply = login("lilei", "demo").await;
    assert_eq!(reply.status, 200, "{reply:#?}");
    let access = reply.body["access_token"].as_str().unwrap();
    let created = send(
        bed.request(Method::POST, "/api/v1/notes").bearer_auth(access).json(&json!({"text": "a"})),
    )
    .await;
    assert_eq!(created.status, 201);
    let actor = bed.app.seen.lock().unwrap().clone().unwrap().actor;
    assert_eq!((actor.name.as_str(), actor.org.as_str()), ("李雷", "/acme/north"));

    refused(
        &token(&bed, &[("grant_type", "password"), ("username", "lilei")]).await,
        400,
        "invalid_request",
    );
    for n in 0..5 {
        refused(&login("lilei", &format!("guess{n}")).await, 400, "invalid_grant");
    }
    let braked = login("lilei", "demo").await;
    refused(&braked, 429, "slow_down");
    assert_eq!(braked.header("retry-after"), "1");
    refused(&login("nobody", "demo").await, 400, "invalid_grant");
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(login("lilei", "demo").await.status, 200, "nobody is locked out");
    assert_eq!(login("lilei", "demo").await.status, 200);
}

/// One of each: a hundred guesses at a client, a dozen at a user.
#[actix_web::test]
async fn behind_a_proxy_one_who_guesses_delays_nobody_else() {
    let settings = RateSettings { trust_forwarded: true, ..RateSettings::default() };
    let options = Options { limits: RateLimits::new(settings), ..Options::default() };
    let bed = bed::start_with(&bed::sqlite().await, options).await;
    let from = async |address: &str, form: &[(&str, &str)]| {
        let request = bed.request(Method::POST, "/oauth2/token").form(form);
        send(request.header("x-forwarded-for", address)).await.status
    };
    let shop = |secret| {
        [("grant_type", "client_credentials"), ("client_id", "shop"), ("client_secret", secret)]
    };
    let lilei =
        |password| [("grant_type", "password"), ("username", "lilei"), ("password", password)];
    assert_eq!(from("10.0.0.1", &lilei("demo")).await, 200);
    let mut answers = vec![];
    for n in 0..100 {
        // The address that counts is the last; the guesser writes another in front each time.
        let address = format!("10.7.{n}.1, 10.6.6.6");
        answers.push(from(&address, &shop("guess")).await);
        if n < 12 {
            answers.push(from(&address, &lilei("guess")).await);
        }
    }
    assert!(answers.contains(&429), "{answers:?}");
    assert_eq!(from("10.6.6.6", &shop("s3cret-of-the-shop")).await, 429);
    assert_eq!(from("10.0.0.1", &lilei("demo")).await, 200, "the owner, where they always are");
    assert_eq!(from("10.0.0.2", &lilei("demo")).await, 200, "the owner, somewhere else");
    assert_eq!(from("10.0.0.2", &shop("s3cret-of-the-shop")).await, 200);
}

/// As when the proxy is not known: all come from one address.
#[actix_web::test]
async fn who_logged_in_before_is_not_delayed_by_failures_of_others() {
    let bed = bed::start(&bed::sqlite().await).await;
    let login = async |password: &str| {
        let form = [("grant_type", "password"), ("username", "lilei"), ("password", password)];
        token(&bed, &form).await.status
    };
    let client = async |id: &str| {
        let form =
            [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", "?")];
        token(&bed, &form).await.status
    };
    assert_eq!(login("demo").await, 200);
    for n in 0..60 {
        client(&format!("client{n}")).await;
    }
    assert_eq!(client("another").await, 429, "the address has to wait");
    assert_eq!(login("demo").await, 200);
}

#[actix_web::test]
async fn others_find_the_keys() {
    let bed = bed::start(&bed::sqlite().await).await;
    let metadata = send(bed.request(Method::GET, "/.well-known/openid-configuration")).await;
    assert_eq!(metadata.body["issuer"], bed::ISSUER);
    assert_eq!(metadata.body["jwks_uri"], format!("{}/oauth2/jwks", bed::ISSUER));
    let jwks = send(bed.request(Method::GET, "/oauth2/jwks")).await;
    let key = &jwks.body["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
    );
    assert!(key.get("d").is_none(), "the private half stays here");
    assert_ne!(key["kid"], Value::Null);
}

#[test]
fn broken_settings_are_named() {
    use http::issuer::{Issuer, SigningKey};
    let fault = |change: fn(&mut http::issuer::IssuerSettings)| {
        let mut settings = bed::issuer_settings();
        change(&mut settings);
        Issuer::new(settings, SigningKey::ephemeral().unwrap()).err().unwrap().to_string()
    };
    assert!(fault(|s| s.users[0].password_hash = "demo".into()).contains("lilei"));
    assert!(fault(|s| s.clients[0].secret_sha256 = "00".into()).contains("shop"));
    assert!(fault(|s| s.clients[0].scopes.push("ticket:fly".into())).contains("ticket:fly"));
    assert!(fault(|s| s.users.push(s.users[0].clone())).contains("twice"));
}
