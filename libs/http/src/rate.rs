//! Rate limits per caller, with the header fields of draft-ietf-httpapi-ratelimit-headers-10.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};
use kernel::{Problem, codes};
use serde::Deserialize;

type Limiter =
    RateLimiter<String, DashMapStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// Forgets idle callers once per this many requests, which bounds how many are known.
const SWEEP_EVERY: u32 = 10_000;

/// How much one caller may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateSettings {
    /// Requests per second in the long run; 0 turns limits off.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
    /// Tell callers without a token apart by `X-Forwarded-For` instead of the peer's address. Only
    /// where every request comes through proxies that append what they saw.
    pub trust_forwarded: bool,
    /// How many such proxies stand in a row.
    pub forwarded_hops: usize,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self { per_second: 300, burst: 600, trust_forwarded: false, forwarded_hops: 1 }
    }
}

/// The limits of one process, shared by all workers.
#[derive(Clone)]
pub struct RateLimits {
    limiter: Option<Arc<Limiter>>,
    policy: String,
    seen: Arc<AtomicU32>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) hops: usize,
}

/// State of a caller's quota after a request that was let through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    remaining: u32,
    /// Seconds until the quota is whole again.
    reset: u64,
}

impl RateLimits {
    #[must_use]
    pub fn new(settings: RateSettings) -> Self {
        let RateSettings { per_second, burst, trust_forwarded, forwarded_hops } = settings;
        let limiter = NonZeroU32::new(per_second).map(|rate| {
            let quota = Quota::per_second(rate).allow_burst(NonZeroU32::new(burst).unwrap_or(rate));
            Arc::new(RateLimiter::dashmap(quota).with_middleware::<StateInformationMiddleware>())
        });
        let window = burst.max(1).div_ceil(per_second.max(1));
        let policy = format!("\"default\";q={};w={window}", burst.max(1));
        Self {
            limiter,
            policy,
            seen: Arc::default(),
            hops: if trust_forwarded { forwarded_hops } else { 0 },
        }
    }

    #[must_use]
    pub fn off() -> Self {
        Self::new(RateSettings { per_second: 0, ..RateSettings::default() })
    }

    /// Counts one request; `None` when limits are off.
    pub(crate) fn take(&self, caller: String) -> Result<Option<Left>, Problem> {
        let Some(limiter) = &self.limiter else { return Ok(None) };
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        if seen % SWEEP_EVERY == SWEEP_EVERY - 1 {
            limiter.retain_recent();
        }
        match limiter.check_key(&caller) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let quota = state.quota();
                let used = quota.burst_size().get().saturating_sub(remaining);
                let reset = quota.replenish_interval().saturating_mul(used).as_secs_f64().ceil();
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a few seconds"
                )]
                Ok(Some(Left { remaining, reset: reset as u64 }))
            }
            Err(refused) => {
                let wait = refused.wait_time_from(DefaultClock::default().now());
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
                Err(Problem::of(&codes::TOO_MANY_REQUESTS).retry_after(seconds))
            }
        }
    }

    /// Tells the caller where he stands; `left` is `None` for a request that was not counted.
    pub(crate) fn write_headers(
        &self,
        headers: &mut HeaderMap,
        left: Option<Left>,
        code: Option<&str>,
    ) {
        let state = match left {
            Some(left) => format!("\"default\";r={};t={}", left.remaining, left.reset),
            None if code == Some(codes::TOO_MANY_REQUESTS.code) => "\"default\";r=0;t=1".to_owned(),
            None => return,
        };
        for (name, value) in
            [("ratelimit-policy", self.policy.as_str()), ("ratelimit", state.as_str())]
        {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_no_more() {
        let limits =
            RateLimits::new(RateSettings { per_second: 1, burst: 3, ..RateSettings::default() });
        for left in [2, 1, 0] {
            assert_eq!(limits.take("a".into()).unwrap().unwrap().remaining, left);
        }
        let refused = limits.take("a".into()).unwrap_err();
        assert_eq!((refused.status(), refused.retry_after), (429, Some(1)));
        assert!(limits.take("b".into()).is_ok(), "callers do not share a quota");
        assert!(RateLimits::off().take("a".into()).unwrap().is_none());
    }
}
