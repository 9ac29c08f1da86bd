//! Events of customer master data (客户主数据).

use chrono::{DateTime, Utc};
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
    /// Units that may see the customer, those that brought them in: `org` and, where others did so
    /// too, these as well. Empty in events of older versions: only `org`. See [`Self::units`].
    #[serde(default)]
    pub orgs: Vec<String>,
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
    /// `customer_id` is a former id of this customer: two were found to be one, and the rest of
    /// the snapshot is what is known of that one.
    #[serde(default)]
    pub merged_into: Option<Uuid>,
    /// Grows by one with every change.
    pub version: i64,
}

impl CustomerSnapshot {
    /// The units that may see the customer: who belongs to one of them, or to a unit above it.
    pub fn units(&self) -> impl Iterator<Item = &str> {
        let only = self.orgs.is_empty().then_some(self.org.as_str());
        only.into_iter().chain(self.orgs.iter().map(String::as_str))
    }
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
    /// Names of what changed: `name`, `email`, `tier`, `orgs`, …
    pub changed: Vec<String>,
}

/// A person is to be forgotten (个人信息删除): whoever holds words of his or about him removes them.
/// The stub that stays has no personal data; what is told of him later must not bring any back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerErased {
    pub customer_id: Uuid,
    /// Ids that he had before records were merged.
    pub former_ids: Vec<Uuid>,
    pub number: String,
    pub org: String,
    /// Of the stub; older snapshots count no more.
    pub version: i64,
    pub erased_at: DateTime<Utc>,
}

impl CustomerErased {
    /// Every id under which he may be known.
    pub fn ids(&self) -> impl Iterator<Item = Uuid> {
        std::iter::once(self.customer_id).chain(self.former_ids.iter().copied())
    }
}

events! { TOPIC, registry:
    CustomerRegistered = "kefu.customer.registered.v1", key customer.customer_id, org customer.org;
    CustomerChanged = "kefu.customer.changed.v1", key customer.customer_id, org customer.org;
    CustomerErased = "kefu.customer.erased.v1", key customer_id, org org;
}
