//! Optimistic concurrency: a resource's version is its ETag.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};
use kernel::{Problem, codes};

use crate::{Error, messages};

/// The version that the caller read, from `If-Match: "7"`. Missing → 428; anything but one strong
/// tag that we gave out → 400: `*` and lists would let a caller overwrite what he has not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub i64);

/// A version as an ETag.
pub(crate) fn tag(version: i64) -> String {
    format!("\"{version}\"")
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
