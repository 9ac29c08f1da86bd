//! The built-in issuer's endpoints.

use reqwest::Method;
use serde_json::{Value, json};

use crate::bed::{self, Bed, Reply, send};

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
    for n in 0..10 {
        refused(&login("lilei", &format!("guess{n}")).await, 400, "invalid_grant");
    }
    let braked = login("lilei", "demo").await;
    refused(&braked, 429, "slow_down");
    assert!(braked.header("retry-after").parse::<u32>().unwrap() > 0);
    refused(&login("nobody", "demo").await, 400, "invalid_grant");
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
