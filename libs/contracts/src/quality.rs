//! Events of quality inspection (质检).

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::events;

pub const TOPIC: &str = "kefu.quality.events";

/// The service that is inspected, copied at the moment of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inspected {
    pub inspection_id: Uuid,
    pub org: String,
    pub ticket_id: Option<Uuid>,
    pub ticket_number: Option<String>,
    pub customer_id: Option<Uuid>,
    /// Agent whose work is scored.
    pub agent: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InspectionDrawn {
    pub inspected: Inspected,
    /// `risk:low_score`, `risk:breach`, `risk:complaint_level`, `quota`.
    pub reason: String,
    pub inspector: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluationPublished {
    pub evaluation_id: Uuid,
    pub inspected: Inspected,
    /// 0 to 100; absent when every item was not applicable.
    pub score: Option<f64>,
    pub fatal: bool,
    pub appeal_until: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppealLodged {
    pub appeal_id: Uuid,
    pub evaluation_id: Uuid,
    pub inspected: Inspected,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppealDecided {
    pub appeal_id: Uuid,
    pub evaluation_id: Uuid,
    pub inspected: Inspected,
    /// `accepted`, `partly`, `rejected`.
    pub outcome: String,
    pub score_before: Option<f64>,
    pub score_after: Option<f64>,
}

/// State of a rectification order (整改单).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RectificationSnapshot {
    pub rectification_id: Uuid,
    pub org: String,
    pub evaluation_id: Option<Uuid>,
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    pub title: String,
    pub owner: String,
    pub due_at: DateTime<Utc>,
    /// `open`, `done`, `verified`, `withdrawn`.
    pub state: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RectificationOpened {
    pub rectification: RectificationSnapshot,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RectificationDone {
    pub rectification: RectificationSnapshot,
    pub on_time: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RectificationVerified {
    pub rectification: RectificationSnapshot,
    /// Never the owner.
    pub verifier: String,
    /// `false`: reopened, to be mended again.
    pub passed: bool,
}

/// An appeal took away what it was opened for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RectificationWithdrawn {
    pub rectification: RectificationSnapshot,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportPublished {
    pub report_id: Uuid,
    pub org: String,
    /// `2026-03`.
    pub period: String,
    pub version: i32,
}

events! { TOPIC, registry:
    InspectionDrawn = "kefu.quality.inspection_drawn.v1", key inspected.inspection_id, org inspected.org;
    EvaluationPublished = "kefu.quality.evaluation_published.v1", key inspected.inspection_id, org inspected.org;
    AppealLodged = "kefu.quality.appeal_lodged.v1", key inspected.inspection_id, org inspected.org;
    AppealDecided = "kefu.quality.appeal_decided.v1", key inspected.inspection_id, org inspected.org;
    RectificationOpened = "kefu.quality.rectification_opened.v1", key rectification.rectification_id, org rectification.org;
    RectificationDone = "kefu.quality.rectification_done.v1", key rectification.rectification_id, org rectification.org;
    RectificationVerified = "kefu.quality.rectification_verified.v1", key rectification.rectification_id, org rectification.org;
    RectificationWithdrawn = "kefu.quality.rectification_withdrawn.v1", key rectification.rectification_id, org rectification.org;
    ReportPublished = "kefu.quality.report_published.v1", key report_id, org org;
}
