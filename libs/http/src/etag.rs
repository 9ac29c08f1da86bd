//! Optimistic concurrency: a resource's version is its ETag.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    body::BoxBody,
    dev::{Payload, ServiceResponse},
    http::{StatusCode, header},
    web,
};
use kernel::{Problem, codes};

use crate::{Error, RouteTable, messages, taken};

/// The version that the caller read, from `If-Match: "7"`. Missing → 428; anything but one strong
/// tag that we gave out → 400: `*` and lists would let a caller overwrite what he has not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub i64);

/// A version as an ETag.
pub(crate) fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// 304 instead of what the caller has already, by `If-None-Match` (RFC 9110, 13.1.2), where the
/// document of the operation says so.
pub(crate) fn not_modified(
    answer: ServiceResponse<BoxBody>,
    template: &str,
) -> ServiceResponse<BoxBody> {
    let has_it = || {
        let tag = answer.headers().get(header::ETAG)?.to_str().ok()?;
        let mut named = answer.request().headers().get_all(header::IF_NONE_MATCH);
        named.any(|line| line.to_str().is_ok_and(|line| names(line, tag))).then_some(())
    };
    let documented = || {
        let table = answer.request().app_data::<web::Data<RouteTable>>();
        table.is_some_and(|table| table.knows_if_none_match(answer.request(), template))
    };
    let unchanged = answer.status() == StatusCode::OK && has_it().is_some() && documented();
    if !unchanged {
        return answer;
    }
    let mut answer = answer.map_body(|_, _| BoxBody::new(actix_web::body::None::new()));
    *answer.response_mut().status_mut() = StatusCode::NOT_MODIFIED;
    answer.headers_mut().remove(header::CONTENT_TYPE);
    answer
}

/// Whether a list of tags, weak or strong, has this one in it. (None of ours has a comma.)
fn names(list: &str, tag: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|entry| entry == "*" || entry.strip_prefix("W/").unwrap_or(entry) == tag)
}

fn parse(req: &HttpRequest) -> Result<IfMatch, Problem> {
    let mut values = req.headers().get_all(header::IF_MATCH);
    let Some(value) = values.next() else {
        return Err(Problem::of(&codes::PRECONDITION_REQUIRED));
    };
    let malformed = || Problem::of(&codes::INVALID_HEADER).detail(messages::if_match_form());
    if values.next().is_some() {
        return Err(malformed());
    }
    let text = value.to_str().map_err(|_| malformed())?.trim();
    let digits = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).ok_or_else(malformed)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(malformed());
    }
    digits.parse().map(IfMatch).map_err(|_| malformed())
}

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        taken::header(req, "If-Match");
        ready(parse(req).map_err(Error))
    }
}

/// 412 unless the caller has read the current version.
pub fn check_version(if_match: i64, current: i64) -> Result<(), Problem> {
    if if_match == current {
        return Ok(());
    }
    Err(Problem::of(&codes::PRECONDITION_FAILED).detail(messages::current_etag(tag(current))))
}
