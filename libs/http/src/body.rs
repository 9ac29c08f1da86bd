//! Bodies: [`Json`] and [`Raw`], both bounded; how long they may take is [`crate::BodyPatience`].

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header,
    web::{Bytes, BytesMut},
};
use futures::{StreamExt, future::LocalBoxFuture};
use kernel::{Problem, Text, codes};
use serde::de::DeserializeOwned;

use crate::{Error, json, messages, patience, request};

/// Largest JSON or form body in bytes; registered as app data, 1 MiB where it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

/// Largest [`Raw`] body in bytes; registered as app data, 16 MiB where it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimit(pub usize);

impl Default for BodyLimit {
    fn default() -> Self {
        Self(1 << 20)
    }
}

impl Default for UploadLimit {
    fn default() -> Self {
        Self(16 << 20)
    }
}

/// A JSON body as `T`. Not JSON by media type 415, too long 413, malformed 400, other shape 422.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = json_bytes(req, payload);
        Box::pin(async move { Ok(Self(json::read(&bytes.await?)?)) })
    }
}

/// The bytes of a JSON body.
pub(crate) fn json_bytes(
    req: &HttpRequest,
    payload: &mut Payload,
) -> LocalBoxFuture<'static, Result<Bytes, Problem>> {
    let limit = req.app_data::<BodyLimit>().copied().unwrap_or_default().0;
    read(req, payload, limit, Accepts::Json)
}

/// The bytes of an HTML form.
pub(crate) fn form_bytes(
    req: &HttpRequest,
    payload: &mut Payload,
) -> LocalBoxFuture<'static, Result<Bytes, Problem>> {
    let limit = req.app_data::<BodyLimit>().copied().unwrap_or_default().0;
    read(req, payload, limit, Accepts::Form)
}

/// A body that is no JSON, like a CSV file: its media type (without parameters) and bytes. Which
/// types and character sets are acceptable is the handler's to say.
#[derive(Debug, Clone)]
pub struct Raw {
    pub media_type: String,
    /// As the caller names it, in lower case.
    pub charset: Option<String>,
    pub bytes: Bytes,
}

impl FromRequest for Raw {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = req.app_data::<UploadLimit>().copied().unwrap_or_default().0;
        let media = req.mime_type().ok().flatten();
        let media_type = media.as_ref().map(|m| m.essence_str().to_owned()).unwrap_or_default();
        let charset = media.as_ref().and_then(|m| m.get_param("charset"));
        let charset = charset.map(|name| name.as_str().to_ascii_lowercase());
        let bytes = read(req, payload, limit, Accepts::Anything);
        Box::pin(async move { Ok(Self { media_type, charset, bytes: bytes.await? }) })
    }
}

/// What a reader of bodies takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepts {
    Json,
    Form,
    /// Any media type and any character set.
    Anything,
}

impl Accepts {
    fn media(self, media: &actix_web::mime::Mime) -> bool {
        match self {
            Self::Json => {
                media.subtype() == "json" && media.type_() == "application"
                    || media.suffix().is_some_and(|suffix| suffix == "json")
            }
            Self::Form => media.essence_str() == "application/x-www-form-urlencoded",
            Self::Anything => true,
        }
    }

    fn charset(self, media: &actix_web::mime::Mime) -> bool {
        let utf8 = media.get_param("charset").is_none_or(|charset| charset == "utf-8");
        utf8 || self == Self::Anything
    }
}

fn read(
    req: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
    accepts: Accepts,
) -> LocalBoxFuture<'static, Result<Bytes, Problem>> {
    let head = check_head(req, limit, accepts);
    let mut payload = payload.take();
    Box::pin(async move {
        let expected = head?;
        let mut body = BytesMut::with_capacity(expected);
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(patience::unreadable)?;
            if body.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    })
}

/// What can be told before the body is read; answers how many bytes to make room for.
fn check_head(req: &HttpRequest, limit: usize, accepts: Accepts) -> Result<usize, Problem> {
    let unsupported =
        |detail: Text| Err(Problem::of(&codes::UNSUPPORTED_MEDIA_TYPE).detail(detail));
    let media = match req.mime_type() {
        Ok(Some(media)) if accepts.media(&media) => media,
        Ok(Some(media)) => {
            return unsupported(messages::media_type_not_accepted(media.essence_str()));
        }
        Ok(None) => return unsupported(messages::content_type_required()),
        Err(_) => return unsupported(messages::content_type_unreadable()),
    };
    if !accepts.charset(&media) {
        return unsupported(messages::body_must_be_utf8());
    }
    let encoding = request::header_text(req, &header::CONTENT_ENCODING).unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        return unsupported(messages::encoding_not_accepted());
    }
    let length =
        request::header_text(req, &header::CONTENT_LENGTH).and_then(|n| n.parse::<u64>().ok());
    match length.map(usize::try_from) {
        Some(Ok(n)) if n <= limit => Ok(n),
        Some(_) => Err(too_large(limit)),
        None => Ok(0),
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::of(&codes::BODY_TOO_LARGE).detail(messages::most_bytes(limit))
}
