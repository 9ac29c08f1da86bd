//! Events of notifications (通知).

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::events;

pub const TOPIC: &str = "kefu.notification.events";

/// One message to one recipient by one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    pub delivery_id: Uuid,
    pub org: String,
    /// Workflow that decided on it, e.g. `ticket_acknowledged`.
    pub workflow: String,
    /// `email`, `inbox`, `webhook`.
    pub channel: String,
    /// `customer`, `staff`, `endpoint`.
    pub recipient_kind: String,
    /// Id of the customer, user or endpoint; never an address.
    pub recipient: String,
    pub customer_id: Option<Uuid>,
    pub ticket_id: Option<Uuid>,
    /// Event that the notice tells of.
    pub cause_id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeDelivered {
    pub notice: Notice,
    pub attempts: i32,
    pub delivered_at: DateTime<Utc>,
}

/// Given up after the last attempt or on a permanent error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeFailed {
    pub notice: Notice,
    pub attempts: i32,
    pub error: String,
}

/// Decided against: the reason is a stable word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeSuppressed {
    pub notice: Notice,
    /// `no_address`, `no_recipient`, `opted_out`, `stale`, `endpoint_disabled`, `right_lapsed`,
    /// `channel_off`, `erased`.
    pub reason: String,
}

events! { TOPIC, registry:
    NoticeDelivered = "kefu.notification.delivered.v1", key notice.delivery_id, org notice.org;
    NoticeFailed = "kefu.notification.failed.v1", key notice.delivery_id, org notice.org;
    NoticeSuppressed = "kefu.notification.suppressed.v1", key notice.delivery_id, org notice.org;
}
