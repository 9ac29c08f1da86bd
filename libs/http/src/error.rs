//! [`Error`]: a [`Problem`] at the border. Renders RFC 9457 in the caller's language; the cause
//! goes to the log, joined to the response by the trace id, and never to the caller.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use kernel::{ErrorCode, FieldError, Locale, Problem, codes};
use serde::Serialize;
use utoipa::ToSchema;

use crate::request;

/// Media type of every error answer.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// What handlers return in place of an answer. Anything that turns into a [`Problem`] turns into
/// this, so `?` works on use cases and on plain errors alike.
#[derive(Debug)]
pub struct Error(pub Problem);

/// What handlers return.
pub type Result<T = HttpResponse> = std::result::Result<T, Error>;

impl<E> From<E> for Error
where
    Problem: From<E>,
{
    fn from(cause: E) -> Self {
        Self(Problem::from(cause))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error {
    /// Code and `Retry-After` as the caller shall see them: an internal error whose cause will
    /// pass by itself is answered 503.
    fn outward(&self) -> (&'static ErrorCode, Option<u32>) {
        let passing = self.0.is(&codes::INTERNAL)
            && self.0.inner().is_some_and(|cause| store::is_transient(cause));
        if passing {
            return (&codes::UNAVAILABLE, Some(2));
        }
        (self.0.code, self.0.retry_after)
    }

    fn log(&self, code: &ErrorCode) {
        if code.status < 500 {
            tracing::debug!(code = code.code, problem = %self.0, "request refused");
            return;
        }
        let mut causes = Vec::new();
        let mut next = self.0.inner().and_then(|cause| cause.source());
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        if code.status == 503 {
            tracing::warn!(code = code.code, problem = %self.0, causes = ?causes, "request cannot be answered now");
        } else {
            tracing::error!(code = code.code, problem = %self.0, causes = ?causes, "request failed");
        }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.outward().0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let (code, retry_after) = self.outward();
        self.log(code);
        let current = request::current();
        let body = ProblemBody::new(code, &self.0, current.locale, current.trace_id.as_deref());
        let mut response = HttpResponse::build(self.status_code());
        response
            .content_type(PROBLEM_JSON)
            .insert_header((header::CONTENT_LANGUAGE, current.locale.tag()))
            .insert_header((header::VARY, "Accept-Language"));
        if let Some(seconds) = retry_after {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if code.status == 401 {
            // RFC 6750, section 3: no error code where no token was given.
            let challenge = match &self.0.detail {
                Some(_) => r#"Bearer realm="kefu", error="invalid_token""#,
                None => r#"Bearer realm="kefu""#,
            };
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        let mut response = response.body(body.to_json());
        response.extensions_mut().insert(RenderedCode(code.code));
        response
    }
}

/// For handlers that must answer a problem without returning it.
impl From<Error> for HttpResponse {
    fn from(error: Error) -> Self {
        error.error_response()
    }
}

/// Left on a response for telemetry: the stable code it carries.
pub(crate) struct RenderedCode(pub(crate) &'static str);

/// Error answer (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// `urn:kefu:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:kefu:problem:not-found")]
    ty: String,
    /// Short text for people, in English or Chinese by `Accept-Language`.
    title: &'a str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// Stable code for programs; `x-error-codes` lists all of them.
    #[schema(example = "not-found")]
    code: &'a str,
    /// What is the matter in this case.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// Every field that is not acceptable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<ProblemField<'a>>,
    /// Quote it when asking for help: the log of the request carries the same id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    trace_id: Option<&'a str>,
}

/// One field that is not acceptable.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemField<'a> {
    /// JSON pointer (RFC 6901) into the body, or `/` and the name of a query parameter.
    #[schema(example = "/customer/phone")]
    pointer: &'a str,
    /// Stable code for programs.
    #[schema(example = "missing-field")]
    code: &'a str,
    /// What is the matter with it, for people, in the language of the title.
    detail: String,
}

impl<'a> ProblemBody<'a> {
    fn new(
        code: &'a ErrorCode,
        problem: &'a Problem,
        locale: Locale,
        trace_id: Option<&'a str>,
    ) -> Self {
        let field = |e: &'a FieldError| ProblemField {
            pointer: &e.pointer,
            code: e.code,
            detail: e.detail.render(locale),
        };
        let ty = format!("urn:kefu:problem:{}", code.code);
        Self {
            ty,
            title: code.title(locale),
            status: code.status,
            code: code.code,
            detail: problem.detail.as_ref().map(|detail| detail.render(locale)),
            errors: problem.errors.iter().map(field).collect(),
            trace_id,
        }
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|_| br#"{"code":"internal"}"#.to_vec())
    }
}
