//! The token endpoint's two grants (RFC 6749, sections 4.3 and 4.4).

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use kernel::{Permission, Problem, codes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Issuer, join};
use crate::{address, params, request};

/// Form of the token endpoint. Parameters not listed are ignored.
#[derive(Deserialize, ToSchema)]
pub(super) struct TokenRequest {
    /// `client_credentials` or `password`.
    #[schema(example = "client_credentials")]
    grant_type: Option<String>,
    /// Client's id, when it is not given by HTTP Basic authentication.
    client_id: Option<String>,
    client_secret: Option<String>,
    /// Login name (grant `password`).
    username: Option<String>,
    password: Option<String>,
    /// Scopes asked for, separated by spaces; all that the client has when absent.
    scope: Option<String>,
}

/// An access token (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
pub(super) struct TokenResponse {
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    scope: String,
}

/// A refusal (RFC 6749, 5.2).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OAuthError {
    /// Code of the RFC.
    #[schema(example = "invalid_client")]
    error: &'static str,
    error_description: &'static str,
    #[serde(skip)]
    status: u16,
    #[serde(skip)]
    retry_after: Option<u32>,
}

impl OAuthError {
    pub(super) fn new(error: &'static str, error_description: &'static str) -> Self {
        let status = if error == "invalid_client" { 401 } else { 400 };
        Self { error, error_description, status, retry_after: None }
    }

    fn too_many(seconds: u32) -> Self {
        let error_description = "too many failed attempts";
        Self { error: "slow_down", error_description, status: 429, retry_after: Some(seconds) }
    }

    fn internal(problem: &Problem) -> Self {
        tracing::error!(%problem, "no token could be issued");
        Self {
            error: "server_error",
            error_description: "no token could be issued",
            status: 500,
            retry_after: None,
        }
    }

    pub(super) fn into_response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = HttpResponse::build(status);
        if self.status == 401 {
            response.insert_header((
                header::WWW_AUTHENTICATE,
                r#"Basic realm="kefu", charset="UTF-8""#,
            ));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        response.insert_header((header::CACHE_CONTROL, "no-store")).json(self)
    }
}

/// Reads the form.
pub(super) fn parse(bytes: &[u8]) -> Result<TokenRequest, OAuthError> {
    let refuse = |_| OAuthError::new("invalid_request", "the form cannot be read");
    let text = std::str::from_utf8(bytes).map_err(|_| refuse(()))?;
    params::read(text, Problem::of(&codes::INVALID)).map_err(|_| refuse(()))
}

pub(super) async fn issue(
    issuer: &Issuer,
    req: &HttpRequest,
    form: TokenRequest,
) -> Result<TokenResponse, OAuthError> {
    let address = address::of(req);
    match form.grant_type.as_deref() {
        Some("client_credentials") => client_credentials(issuer, req, &form, &address),
        Some("password") => password(issuer, form, &address).await,
        Some(_) => Err(OAuthError::new(
            "unsupported_grant_type",
            "client_credentials and password are supported",
        )),
        None => Err(OAuthError::new("invalid_request", "grant_type is missing")),
    }
}

fn client_credentials(
    issuer: &Issuer,
    req: &HttpRequest,
    form: &TokenRequest,
    address: &str,
) -> Result<TokenResponse, OAuthError> {
    let (id, secret) = client_secret(req, form)?;
    let account = format!("client {id}");
    if let Some(seconds) = issuer.guesses.wait(&account, address) {
        return Err(OAuthError::too_many(seconds));
    }
    let Some(client) = issuer.client(&id, &secret) else {
        issuer.guesses.failed(&account, address);
        return Err(OAuthError::new(
            "invalid_client",
            "there is no such client or the secret is wrong",
        ));
    };
    issuer.guesses.succeeded(&account, address);
    let scopes = match form.scope.as_deref().map(str::trim).filter(|s| !s.is_empty()) {
        None => client.scopes.clone(),
        Some(asked) => narrowed(asked, &client.scopes)?,
    };
    let token = issuer
        .mint(&id, &id, &[], &scopes, &client.org, issuer.ttl)
        .map_err(|p| OAuthError::internal(&p))?;
    Ok(response(issuer, token, &scopes))
}

async fn password(
    issuer: &Issuer,
    form: TokenRequest,
    address: &str,
) -> Result<TokenResponse, OAuthError> {
    let (Some(name), Some(password)) = (form.username, form.password) else {
        return Err(OAuthError::new("invalid_request", "username and password are required"));
    };
    let account = format!("user {name}");
    let braked = || {
        issuer
            .guesses
            .wait(&account, address)
            .map_or(Ok(()), |seconds| Err(OAuthError::too_many(seconds)))
    };
    braked()?;
    let turn = issuer.turn().await.map_err(|p| OAuthError::internal(&p))?;
    // Once more: those that came at once and went before may have failed meanwhile.
    braked()?;
    let found = issuer.user(&turn, &name, password).await.map_err(|p| OAuthError::internal(&p))?;
    let Some(user) = found else {
        issuer.guesses.failed(&account, address);
        return Err(OAuthError::new(
            "invalid_grant",
            "there is no such user or the password is wrong",
        ));
    };
    issuer.guesses.succeeded(&account, address);
    drop(turn);
    let minted = issuer.mint(&name, &user.display_name, &user.roles, &[], &user.org, issuer.ttl);
    Ok(response(issuer, minted.map_err(|p| OAuthError::internal(&p))?, &[]))
}

fn response(issuer: &Issuer, access_token: String, scopes: &[Permission]) -> TokenResponse {
    TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: issuer.ttl.as_secs(),
        scope: join(scopes),
    }
}

fn narrowed(asked: &str, held: &[Permission]) -> Result<Vec<Permission>, OAuthError> {
    asked
        .split(' ')
        .filter(|s| !s.is_empty())
        .map(|s| s.parse().ok().filter(|p| held.contains(p)))
        .collect::<Option<Vec<_>>>()
        .ok_or(OAuthError::new(
            "invalid_scope",
            "the client does not have a scope that was asked for",
        ))
}

/// Id and secret from HTTP Basic authentication or the form; both at once are refused (RFC 6749, 2.3).
fn client_secret(req: &HttpRequest, form: &TokenRequest) -> Result<(String, String), OAuthError> {
    let basic = request::header_text(req, &header::AUTHORIZATION);
    match (basic, &form.client_id, &form.client_secret) {
        (Some(_), _, Some(_)) => {
            Err(OAuthError::new("invalid_request", "authenticate in one way only"))
        }
        (Some(value), ..) => basic_pair(value)
            .ok_or(OAuthError::new("invalid_client", "the Authorization header cannot be read")),
        (None, Some(id), Some(secret)) => Ok((id.clone(), secret.clone())),
        (None, ..) => {
            Err(OAuthError::new("invalid_client", "client_id and client_secret are required"))
        }
    }
}

/// `Basic base64(id:secret)`, both form-encoded first (RFC 6749, 2.3.1).
fn basic_pair(value: &str) -> Option<(String, String)> {
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((params::decode(id).ok()?.into_owned(), params::decode(secret).ok()?.into_owned()))
}
