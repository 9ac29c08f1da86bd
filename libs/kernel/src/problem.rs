//! Problem details (RFC 9457): the one error type that crosses a use case's border.
//!
//! The outside sees code, title, detail and field pointers. The inside cause is kept apart for the
//! log and never serialised.

use std::{error::Error as StdError, fmt};

use crate::Text;

/// Language of texts for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locale {
    #[default]
    En,
    ZhCn,
}

impl Locale {
    /// Reads `Accept-Language` or a stored tag: anything Chinese is zh-CN, the rest is English.
    #[must_use]
    pub fn negotiate(tags: &str) -> Self {
        let best = tags
            .split(',')
            .map(|tag| {
                let mut parts = tag.split(";q=");
                let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
                (name, parts.next().and_then(|q| q.trim().parse::<f32>().ok()).unwrap_or(1.0))
            })
            .filter(|(name, _)| name.starts_with("zh") || name.starts_with("en"))
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        match best {
            Some((name, _)) if name.starts_with("zh") => Locale::ZhCn,
            _ => Locale::En,
        }
    }

    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Locale::En => "en",
            Locale::ZhCn => "zh-CN",
        }
    }
}

/// One entry of a service's code table: stable code, HTTP status and title in both languages.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorCode {
    pub code: &'static str,
    pub status: u16,
    pub en: &'static str,
    pub zh: &'static str,
}

impl ErrorCode {
    #[must_use]
    pub const fn new(status: u16, code: &'static str, en: &'static str, zh: &'static str) -> Self {
        Self { code, status, en, zh }
    }

    #[must_use]
    pub const fn title(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::En => self.en,
            Locale::ZhCn => self.zh,
        }
    }
}

/// Codes that every service shares.
pub mod codes {
    use super::ErrorCode;

    macro_rules! table {
        ($($name:ident = $status:literal $code:literal $en:literal $zh:literal;)+) => {
            $(pub static $name: ErrorCode = ErrorCode::new($status, $code, $en, $zh);)+
            /// Every shared code, for the OpenAPI documents.
            pub static ALL: &[&ErrorCode] = &[$(&$name),+];
        };
    }

    table! {
        MALFORMED_BODY = 400 "malformed-body" "the body is not well-formed JSON" "请求体不是合法的 JSON";
        INVALID_QUERY = 400 "invalid-query" "the query string cannot be read" "查询参数无法解析";
        INVALID_PATH = 400 "invalid-path" "the path contains a malformed id" "路径中的标识格式不正确";
        INVALID_CURSOR = 400 "invalid-cursor" "the cursor does not belong to this list" "游标与此列表不符";
        INVALID_HEADER = 400 "invalid-header" "a request header cannot be read" "请求头无法解析";
        UNAUTHENTICATED = 401 "unauthenticated" "a valid access token is required" "需要有效的访问令牌";
        FORBIDDEN = 403 "forbidden" "the caller lacks the required permission" "没有执行此操作的权限";
        NOT_FOUND = 404 "not-found" "there is no such resource" "资源不存在";
        METHOD_NOT_ALLOWED = 405 "method-not-allowed" "the resource does not offer this method" "资源不支持此方法";
        REQUEST_TIMEOUT = 408 "request-timeout" "the body of the request took too long" "请求体传输超时";
        CONFLICT = 409 "conflict" "the resource is in a state that forbids this" "资源当前状态不允许此操作";
        REQUEST_IN_FLIGHT = 409 "request-in-flight" "the first request with this Idempotency-Key is still being handled" "使用相同幂等键的请求仍在处理中";
        PRECONDITION_FAILED = 412 "precondition-failed" "the resource has changed since it was read" "资源在读取之后已被修改";
        BODY_TOO_LARGE = 413 "body-too-large" "the body exceeds the size limit" "请求体超过大小限制";
        UNSUPPORTED_MEDIA_TYPE = 415 "unsupported-media-type" "the body's media type is not supported" "不支持请求体的媒体类型";
        INVALID = 422 "invalid" "some fields are not acceptable" "部分字段不符合要求";
        IDEMPOTENCY_KEY_REUSED = 422 "idempotency-key-reused" "this Idempotency-Key was used with another body" "该幂等键已用于不同的请求体";
        PRECONDITION_REQUIRED = 428 "precondition-required" "an If-Match header is required" "需要 If-Match 请求头";
        TOO_MANY_REQUESTS = 429 "too-many-requests" "the rate limit is exceeded" "请求过于频繁";
        INTERNAL = 500 "internal" "the request could not be carried out" "请求未能执行";
        UNAVAILABLE = 503 "unavailable" "the service cannot answer at the moment" "服务暂时不可用";
    }
}

/// One unacceptable field: JSON pointer (RFC 6901), stable code, text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    pub pointer: String,
    pub code: &'static str,
    pub detail: Text,
}

/// An error on its way to the caller.
#[derive(Debug)]
pub struct Problem {
    pub code: &'static ErrorCode,
    pub detail: Option<Text>,
    pub errors: Vec<FieldError>,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u32>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Problem {
    #[must_use]
    pub fn of(code: &'static ErrorCode) -> Self {
        Self { code, detail: None, errors: vec![], retry_after: None, cause: None }
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<Text>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds one field error.
    #[must_use]
    pub fn field(
        mut self,
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<Text>,
    ) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), code, detail: detail.into() });
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Keeps the inner cause for the log.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::of(&codes::INTERNAL).cause(cause)
    }

    #[must_use]
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::of(&codes::UNAVAILABLE).retry_after(2).cause(cause)
    }

    #[must_use]
    pub fn not_found() -> Self {
        Self::of(&codes::NOT_FOUND)
    }

    /// One unacceptable field, as a whole problem.
    #[must_use]
    pub fn invalid(
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<Text>,
    ) -> Self {
        Self::of(&codes::INVALID).field(pointer, code, detail)
    }

    #[must_use]
    pub fn status(&self) -> u16 {
        self.code.status
    }

    #[must_use]
    pub fn inner(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    /// Whether this is exactly the given code.
    #[must_use]
    pub fn is(&self, code: &'static ErrorCode) -> bool {
        std::ptr::eq(self.code, code)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{}: {detail}", self.code.code)?,
            None => write!(f, "{}: {}", self.code.code, self.code.en)?,
        }
        for e in &self.errors {
            write!(f, "; {} {}", e.pointer, e.detail)?;
        }
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

/// Any error that nobody expected is an internal one. (For this `Problem` itself is no
/// `std::error::Error`; whether a cause is passing, like a database that is away, is decided at
/// the border, where the cause's type is known.)
impl<E: StdError + Send + Sync + 'static> From<E> for Problem {
    fn from(cause: E) -> Self {
        Self::internal(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_is_negotiated_by_quality() {
        assert_eq!(Locale::negotiate("zh-CN,zh;q=0.9,en;q=0.8"), Locale::ZhCn);
        assert_eq!(Locale::negotiate("en-GB;q=0.9, zh;q=0.3"), Locale::En);
        assert_eq!(Locale::negotiate("fr"), Locale::En);
    }
}
