//! [`Query`], [`Form`] and [`Path`].

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use futures::future::LocalBoxFuture;
use kernel::{Problem, codes};
use serde::de::DeserializeOwned;

use crate::{Error, body, params};

/// The query string as `T`; 400 `invalid-query` with the parameter at fault.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
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
            let text = std::str::from_utf8(&bytes)
                .map_err(|e| Problem::of(&codes::MALFORMED_BODY).cause(e))?;
            Ok(Self(params::read(text, Problem::of(&codes::INVALID))?))
        })
    }
}

/// The parts of the path as `T`; 400 `invalid-path`.
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
    // PostgreSQL cannot take NUL in a text parameter.
    if req.uri().path().contains("%00") {
        return Err(Problem::of(&codes::INVALID_PATH).detail("may not contain the NUL character"));
    }
    web::Path::<T>::extract(req)
        .into_inner()
        .map(web::Path::into_inner)
        .map_err(|e| Problem::of(&codes::INVALID_PATH).detail(e.to_string()))
}
