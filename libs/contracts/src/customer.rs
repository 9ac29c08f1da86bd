//! Events of customer master data (客户主数据).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Sealed, events};

pub const TOPIC: &str = "kefu.customer.events";

/// What other services need of a customer; the newest `version` wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerSnapshot {
    pub customer_id: Uuid,
    /// 客户服务编号, unique per enterprise.
    pub number: String,
    pub org: String,
    /// `person` or `organisation`.
    pub kind: String,
    /// Name for salutations.
    pub name: Sealed,
    pub email: Option<Sealed>,
    /// E.164.
    pub phone: Option<Sealed>,
    /// Preferred language, `zh-CN` or `en`.
    pub locale: String,
    /// Key of the tier (客户分层), e.g. `vip`.
    pub tier: Option<String>,
    pub standard: Option<ServiceStandard>,
    /// User id of the account manager (客户经理).
    pub account_manager: Option<String>,
    /// Grows by one with every change.
    pub version: i64,
}

/// What a tier promises (服务标准).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceStandard {
    /// Key of the SLA policy that ticketing applies.
    pub sla_policy: Option<String>,
    /// Preferred channel of notices.
    pub channel: Option<String>,
    /// Days between revisits (回访).
    pub revisit_days: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerRegistered {
    pub customer: CustomerSnapshot,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerChanged {
    pub customer: CustomerSnapshot,
    /// Names of what changed: `name`, `email`, `tier`, …
    pub changed: Vec<String>,
}

events! { TOPIC, registry:
    CustomerRegistered = "kefu.customer.registered.v1", key customer.customer_id, org customer.org;
    CustomerChanged = "kefu.customer.changed.v1", key customer.customer_id, org customer.org;
}
