//! Endpoints of the built-in issuer.

use actix_web::{HttpRequest, HttpResponse, dev::Payload, get, post, web};
use kernel::{Permission, codes};
use serde::Serialize;
use utoipa::{ToSchema, openapi::OpenApi};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Issuer,
    token::{self, OAuthError, TokenRequest, TokenResponse},
};
use crate::{Error, body};

/// What clients need to know of this issuer (RFC 8414).
#[derive(Debug, Serialize, ToSchema)]
struct IssuerMetadata {
    issuer: String,
    jwks_uri: String,
    token_endpoint: String,
    grant_types_supported: [&'static str; 2],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    /// None: there is no authorization endpoint.
    response_types_supported: [&'static str; 0],
    subject_types_supported: [&'static str; 1],
    scopes_supported: Vec<&'static str>,
}

/// Public keys that verify the tokens (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

/// Metadata of the issuer.
#[utoipa::path(tag = "issuer", security(()), responses((status = 200, description = "Metadata (RFC 8414)", body = IssuerMetadata)))]
#[get("/.well-known/openid-configuration")]
async fn metadata(issuer: web::Data<Issuer>) -> HttpResponse {
    let url = issuer.url();
    crate::ok(&IssuerMetadata {
        issuer: url.to_owned(),
        jwks_uri: format!("{url}/oauth2/jwks"),
        token_endpoint: format!("{url}/oauth2/token"),
        grant_types_supported: ["client_credentials", "password"],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        response_types_supported: [],
        subject_types_supported: ["public"],
        scopes_supported: Permission::ALL.iter().map(|p| p.as_str()).collect(),
    })
}

/// Keys that verify the issuer's tokens.
#[utoipa::path(tag = "issuer", security(()), responses((status = 200, description = "JWK set (RFC 7517)", body = Jwks)))]
#[get("/oauth2/jwks")]
async fn jwks(issuer: web::Data<Issuer>) -> HttpResponse {
    crate::ok(&issuer.jwks())
}

/// Gives out an access token.
#[utoipa::path(
    tag = "issuer",
    security(()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "An access token", body = TokenResponse),
        (status = 400, description = "The request is refused (RFC 6749, 5.2)", body = OAuthError),
        (status = 401, description = "The client is not known (RFC 6749, 5.2)", body = OAuthError),
        (status = 429, description = "Too many failed attempts", body = OAuthError),
        (status = 500, description = "No token could be issued", body = OAuthError),
    )
)]
#[post("/oauth2/token")]
async fn issue_token(
    issuer: web::Data<Issuer>,
    req: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let mut payload: Payload = payload.into_inner();
    let bytes = match body::form_bytes(&req, &mut payload).await {
        Ok(bytes) => bytes,
        Err(late) if late.is(&codes::REQUEST_TIMEOUT) => return Error(late).into(),
        Err(_) => {
            let text = "an application/x-www-form-urlencoded body is required";
            return OAuthError::new("invalid_request", text).into_response();
        }
    };
    match answer(&issuer, &req, &bytes).await {
        Ok(token) => crate::ok(&token),
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(
    issuer: &Issuer,
    req: &HttpRequest,
    bytes: &[u8],
) -> Result<TokenResponse, OAuthError> {
    token::issue(issuer, req, token::parse(bytes)?).await
}

/// Registers the endpoints; they need a `web::Data<Issuer>`.
pub fn routes(config: &mut ServiceConfig) {
    config.service(metadata).service(jwks).service(issue_token);
}

/// The issuer's OpenAPI document.
#[must_use]
pub fn openapi() -> OpenApi {
    crate::openapi("Kefu built-in token issuer", "issuer", routes, &[])
}
