//! [`Query`], [`Form`] and [`Path`].

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures::future::LocalBoxFuture;
use kernel::{Problem, Text, codes};
use serde::de::DeserializeOwned;

use crate::{Error, body, messages, params, shape::Tree, taken};

/// The query string as `T`; 400 `invalid-query` with the parameters at fault.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        taken::query::<T>(req);
        let refusal = Problem::of(&codes::INVALID_QUERY);
        ready(params::read(req.query_string(), refusal).map(Self).map_err(Error))
    }
}

/// An HTML form as `T`; faults as for [`crate::Json`].
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = body::form_bytes(req, payload);
        Box::pin(async move {
            let bytes = bytes.await?;
            let text = std::str::from_utf8(&bytes).map_err(|e| {
                Problem::of(&codes::MALFORMED_BODY).detail(messages::not_utf8()).cause(e)
            })?;
            Ok(Self(params::read(text, Problem::of(&codes::INVALID))?))
        })
    }
}

/// The parts of the path as `T`; 400 `invalid-path` with the parts at fault.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Path<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(path(req).map(Self).map_err(Error))
    }
}

fn path<T: DeserializeOwned>(req: &HttpRequest) -> Result<T, Problem> {
    let refusal = || Problem::of(&codes::INVALID_PATH);
    let part = |(name, text): (&str, &str)| {
        // A plus sign is one in a path.
        let text = params::decode(&text.replace('+', "%2B"))?.into_owned();
        Ok((name.to_owned(), Tree::Text(text)))
    };
    let parts = req.match_info().iter().map(part).collect::<Result<Vec<_>, Text>>();
    params::read_pairs(parts.map_err(|detail| refusal().detail(detail))?, refusal())
}
