//! What the answer of a receiver means for the delivery.

/// End of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    /// May succeed later. `throttle`: the receiver asks for fewer messages, so its whole lane waits.
    Retry {
        retry_after: Option<i64>,
        throttle: bool,
    },
    /// Will never succeed as it is.
    Permanent,
    /// The receiver is gone for good (410): disable it.
    Gone,
}

/// HTTP status of a webhook call; `retry_after` in seconds.
///
/// 4xx policy: a status that refuses *this message* (malformed, too large, unprocessable) is
/// permanent; one that speaks of the *endpoint's* state (401, 403, 404, 409, …) may be mended by
/// its owner and is retried. Redirects are never followed: a 3xx is a failure.
#[must_use]
pub fn of_webhook(status: u16, retry_after: Option<i64>) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        410 => Verdict::Gone,
        400 | 405 | 406 | 411 | 413 | 414 | 415 | 422 | 431 => Verdict::Permanent,
        429 | 502 | 504 => Verdict::Retry { retry_after, throttle: true },
        _ => Verdict::Retry { retry_after, throttle: false },
    }
}

/// SMTP reply code (RFC 5321, 4.2.1). 5xx is permanent, except where it speaks of our login
/// (RFC 4954, RFC 5248): that is a setting to be mended, not a reason to give up every mail.
#[must_use]
pub fn of_smtp(code: u16) -> Verdict {
    match code {
        200..=299 => Verdict::Delivered,
        530 | 534 | 535 | 538 => Verdict::Retry { retry_after: None, throttle: false },
        500..=599 => Verdict::Permanent,
        _ => Verdict::Retry { retry_after: None, throttle: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhook_statuses() {
        let retry = |throttle| Verdict::Retry { retry_after: Some(7), throttle };
        for (status, verdict) in [
            (200, Verdict::Delivered),
            (204, Verdict::Delivered),
            (301, retry(false)),
            (308, retry(false)),
            (400, Verdict::Permanent),
            (401, retry(false)),
            (404, retry(false)),
            (410, Verdict::Gone),
            (413, Verdict::Permanent),
            (422, Verdict::Permanent),
            (429, retry(true)),
            (500, retry(false)),
            (502, retry(true)),
            (503, retry(false)),
            (504, retry(true)),
        ] {
            assert_eq!(of_webhook(status, Some(7)), verdict, "{status}");
        }
    }

    #[test]
    fn smtp_codes() {
        assert_eq!(of_smtp(250), Verdict::Delivered);
        assert_eq!(of_smtp(550), Verdict::Permanent);
        for passing in [421, 450, 451, 452, 535] {
            assert!(matches!(of_smtp(passing), Verdict::Retry { .. }), "{passing}");
        }
    }
}
