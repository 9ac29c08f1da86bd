//! Events of surveys (满意度调查).

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Sealed, events};

pub const TOPIC: &str = "kefu.survey.events";

/// What a survey asks about, copied at the moment of the trigger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SurveySubject {
    pub org: String,
    pub survey_key: String,
    pub survey_version: i32,
    pub ticket_id: Option<Uuid>,
    pub ticket_number: Option<String>,
    pub kind: Option<String>,
    pub customer_id: Option<Uuid>,
    pub tier: Option<String>,
    /// Agent whose service is judged.
    pub handler: Option<String>,
    pub first_responder: Option<String>,
    pub account_manager: Option<String>,
}

/// An invitation is to be delivered; its link works once and expires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SurveyInvited {
    pub invitation_id: Uuid,
    pub subject: SurveySubject,
    /// Link with its token: whoever has it may answer, therefore sealed.
    pub link: Sealed,
    pub locale: String,
    pub expires_at: DateTime<Utc>,
    /// Whoever asked for it has got the link and passes it on: nothing is to be sent.
    #[serde(default)]
    pub by_hand: bool,
}

/// Somebody was not asked, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SurveySkipped {
    pub invitation_id: Uuid,
    pub subject: SurveySubject,
    /// `cool_down`, `no_customer`, `internal`, `opted_out`, `duplicate`, `sampled_out`.
    pub reason: String,
}

/// A complete answer was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SurveyAnswered {
    pub response_id: Uuid,
    pub invitation_id: Uuid,
    pub subject: SurveySubject,
    /// Satisfaction, 1 to 5.
    pub csat: Option<i32>,
    /// Likelihood to recommend, 0 to 10.
    pub nps: Option<i32>,
    pub comment: Option<Sealed>,
    pub answered_at: DateTime<Utc>,
}

/// A bad answer wants to be dealt with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LowScoreRaised {
    pub response_id: Uuid,
    pub subject: SurveySubject,
    pub score: i32,
    pub comment: Option<Sealed>,
    pub locale: String,
}

events! { TOPIC, registry:
    SurveyInvited = "kefu.survey.invited.v1", key invitation_id, org subject.org;
    SurveySkipped = "kefu.survey.skipped.v1", key invitation_id, org subject.org;
    SurveyAnswered = "kefu.survey.answered.v1", key invitation_id, org subject.org;
    LowScoreRaised = "kefu.survey.low_score_raised.v1", key response_id, org subject.org;
}
