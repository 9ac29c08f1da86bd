//! The one middleware around all handlers: trace, draining, authentication, rate limit, and on the
//! way back problem+json for actix's own errors, security headers and metrics.
//!
//! ```ignore
//! App::new().app_data(Data::new(edge)).wrap(from_fn(http::edge)).default_service(http::default_service())
//! ```

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    HttpMessage, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{ConnectionType, StatusCode, header},
    middleware::Next,
    web,
};
use kernel::{Actor, ErrorCode, Problem, codes};
use tracing::{Instrument, Span};

use crate::{
    Authenticator, Drain, Error, RateLimits, RouteTable, address,
    auth::{Caller, Refusal, bearer_token},
    error::RenderedCode,
    etag, health, messages, metrics, patience,
    rate::Left,
    request::{self, CURRENT, Current},
    telemetry,
};

/// What the middleware needs; registered as `web::Data<Edge>`.
pub struct Edge {
    pub authenticator: Arc<Authenticator>,
    pub limits: RateLimits,
    pub drain: Drain,
    /// The service that a route template belongs to, for spans and metrics. An unmatched path is
    /// given as an empty text.
    pub service_of: Arc<dyn Fn(&str) -> &'static str + Send + Sync>,
}

/// Told of every caller with a valid token before the request is handled, whatever it asks for. A
/// service that keeps something by its callers' rights registers it as app data. It cannot refuse:
/// what goes wrong is logged, and the request goes on.
#[derive(Clone)]
pub struct OnCaller(Arc<dyn Fn(Actor) -> Noted + Send + Sync>);

type Noted = Pin<Box<dyn Future<Output = Result<(), Problem>>>>;

impl OnCaller {
    pub fn new<F>(hook: impl Fn(Actor) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Problem>> + 'static,
    {
        Self(Arc::new(move |actor| Box::pin(hook(actor))))
    }
}

/// Middleware function, for `actix_web::middleware::from_fn`.
pub async fn edge(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let unread = patience::limit(&mut req);
    let answer = guarded(req, next).await?;
    Ok(answer.map_body(|_, body| unread.kept_by(body)))
}

async fn guarded(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if health::is_operational(req.path()) {
        return Ok(next.call(req).await?.map_into_boxed_body());
    }
    let Some(edge) = req.app_data::<web::Data<Edge>>().cloned() else {
        return Ok(req.into_response(
            Error(Problem::internal("no http::Edge is registered")).error_response(),
        ));
    };
    let started = Instant::now();
    let method = telemetry::known_method(req.method());
    let route = req.match_pattern().unwrap_or_default();
    let service = (edge.service_of)(&route);
    let scheme = telemetry::known_scheme(req.connection_info().scheme());
    let _in_flight = metrics::InFlight::enter(service, method, scheme);
    let address = address::note(req.request(), edge.limits.hops);
    let (span, trace) = telemetry::server_span(&req, method, &route, service, &address);
    let current = Current {
        locale: request::locale(req.request()),
        trace_id: telemetry::trace_id(&trace),
        trace: trace.clone(),
    };
    let inside = async {
        let (answer, left) = handle(&edge, req, &route, next).await;
        (answer.map(as_problem), left)
    };
    let (answer, left) = CURRENT.scope(current, inside.instrument(span.clone())).await;
    let mut answer = answer?;
    if !edge.drain.is_ready() {
        // Clients with a connection open are to look for another process before this one has gone.
        answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let mut answer = etag::not_modified(answer, &route);
    let code = answer.response().extensions().get::<RenderedCode>().map(|code| code.0);
    let headers = answer.headers_mut();
    edge.limits.write_headers(headers, left, code);
    telemetry::write_headers(headers, &trace);
    write_security_headers(headers);
    finish(&span, &answer, code, started.elapsed());
    let request = metrics::Request {
        service,
        http_request_method: method,
        http_route: route,
        http_response_status_code: answer.status().as_u16(),
        url_scheme: scheme,
        error_type: error_type(answer.status(), code),
    };
    metrics::observe(&request, started.elapsed(), trace.traceparent.as_deref());
    Ok(answer)
}

type Answer = Result<ServiceResponse<BoxBody>, actix_web::Error>;

async fn handle(
    edge: &Edge,
    req: ServiceRequest,
    route: &str,
    next: Next<impl MessageBody + 'static>,
) -> (Answer, Option<Left>) {
    if edge.drain.is_refusing() {
        let problem =
            Problem::of(&codes::UNAVAILABLE).detail(messages::shutting_down()).retry_after(1);
        return (Ok(req.into_response(Error(problem).error_response())), None);
    }
    let caller = match bearer_token(req.headers()) {
        Ok(token) => edge.authenticator.verify(token).await,
        Err(refusal) => Err(refusal),
    };
    if let Ok(actor) = &caller {
        Span::current().record("enduser.id", &actor.id);
    }
    let left = match edge.limits.take(quota_of(&req, &caller)) {
        Ok(left) => left,
        Err(problem) => return (Ok(req.into_response(Error(problem).error_response())), None),
    };
    if let (Ok(actor), Some(hook)) = (&caller, req.app_data::<OnCaller>().cloned())
        && let Err(problem) = (hook.0)(actor.clone()).await
    {
        tracing::error!(%problem, "what a caller's rights mean could not be noted");
    }
    if let Some(table) = req.app_data::<web::Data<RouteTable>>()
        && let Err(problem) = table.check_query(&req, route, caller.is_ok())
    {
        return (Ok(req.into_response(Error(problem).error_response())), left);
    }
    req.extensions_mut().insert(Caller(caller));
    (next.call(req).await.map(ServiceResponse::map_into_boxed_body), left)
}

/// Whose quota a request uses up: the actor's, else the address's. A bad token has the address
/// pay, or guessing would be free.
fn quota_of(req: &ServiceRequest, caller: &Result<kernel::Actor, Refusal>) -> String {
    if let Ok(actor) = caller {
        return format!("actor {}:{}", actor.org.root(), actor.id);
    }
    format!("address {}", address::of(req.request()))
}

/// Errors that actix itself answers (a body it cannot read, a missing extension) get the format of
/// all others. What a handler answers on purpose, HTML say, stays.
fn as_problem(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = answer.status();
    let on_purpose = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || on_purpose {
        return answer;
    }
    let cause = answer.response().error().map(ToString::to_string);
    // Its words are a library's: they are for the log.
    let problem = match cause {
        Some(cause) => Problem::of(code_for(status)).cause(cause),
        None => Problem::of(code_for(status)),
    };
    let (req, _) = answer.into_parts();
    ServiceResponse::new(req, Error(problem).error_response())
}

fn code_for(status: StatusCode) -> &'static ErrorCode {
    match status.as_u16() {
        401 => &codes::UNAUTHENTICATED,
        403 => &codes::FORBIDDEN,
        404 => &codes::NOT_FOUND,
        405 => &codes::METHOD_NOT_ALLOWED,
        408 => &codes::REQUEST_TIMEOUT,
        409 => &codes::CONFLICT,
        412 => &codes::PRECONDITION_FAILED,
        413 => &codes::BODY_TOO_LARGE,
        415 => &codes::UNSUPPORTED_MEDIA_TYPE,
        422 => &codes::INVALID,
        429 => &codes::TOO_MANY_REQUESTS,
        400..500 => &codes::MALFORMED_BODY,
        503 | 504 => &codes::UNAVAILABLE,
        _ => &codes::INTERNAL,
    }
}

fn write_security_headers(headers: &mut header::HeaderMap) {
    let is_json = headers.get(header::CONTENT_TYPE).is_none_or(|kind| {
        kind.as_bytes().ends_with(b"json") || kind.as_bytes().starts_with(b"application/json")
    });
    let mut set = |name: header::HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, header::HeaderValue::from_static(value));
        }
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    if is_json {
        set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    }
}

/// What went wrong on our side; what the caller did wrong is no error of the server's.
fn error_type(status: StatusCode, code: Option<&'static str>) -> String {
    match code {
        _ if !status.is_server_error() => String::new(),
        Some(code) => code.to_owned(),
        None => status.as_u16().to_string(),
    }
}

fn finish(
    span: &Span,
    answer: &ServiceResponse<BoxBody>,
    code: Option<&'static str>,
    took: Duration,
) {
    let status = answer.status();
    span.record("http.response.status_code", status.as_u16());
    if let Some(code) = code {
        span.record("kefu.problem.code", code);
    }
    if status.is_server_error() {
        span.record("error.type", error_type(status, code));
        span.record("otel.status_code", "ERROR");
    }
    span.in_scope(|| {
        tracing::debug!(status = status.as_u16(), code, took_us = took.as_micros(), "answered")
    });
}
