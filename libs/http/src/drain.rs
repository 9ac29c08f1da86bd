//! Leaving in order: first readiness goes off, so that no new requests are sent here, then
//! requests that come all the same are refused.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

const SERVING: u8 = 0;
const UNREADY: u8 = 1;
const REFUSING: u8 = 2;

/// Shared by the host and every worker.
#[derive(Debug, Clone, Default)]
pub struct Drain(Arc<AtomicU8>);

impl Drain {
    /// `/health/ready` answers 503 from now on; requests are still served, and connections closed
    /// after them.
    pub fn unready(&self) {
        self.0.fetch_max(UNREADY, Ordering::SeqCst);
    }

    /// Requests are answered 503 from now on.
    pub fn refuse(&self) {
        self.0.fetch_max(REFUSING, Ordering::SeqCst);
    }

    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::SeqCst) == SERVING
    }

    #[must_use]
    pub fn is_refusing(&self) -> bool {
        self.0.load(Ordering::SeqCst) == REFUSING
    }
}
