//! Rectifications and reports.

use chrono::{DateTime, Utc};
use kernel::Actor;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Result;
use crate::{
    domain::{rectification::RectificationState, report::Figure},
    store::{
        entities::{rectification, rectification_step, service_report},
        read,
    },
};

/// One step of a rectification.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    /// `opened`, `done`, `verified`, `reopened`, `withdrawn`.
    pub action: String,
    /// Withheld like the owner.
    pub actor: Option<String>,
    pub note: Option<String>,
    pub at: DateTime<Utc>,
}

impl StepView {
    pub fn of(step: rectification_step::Model, names: &Names) -> Self {
        Self { action: step.action, actor: names.of(step.actor), note: step.note, at: step.at }
    }
}

/// A rectification order.
#[derive(Debug, Serialize, ToSchema)]
pub struct RectificationView {
    pub id: Uuid,
    pub org: String,
    pub evaluation_id: Option<Uuid>,
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    pub title: String,
    /// `fatal`, `low_score`, `manual`.
    pub cause: String,
    /// Who sees to it. Withheld, like all others named here, from whoever inspects blind, unless the
    /// order follows from a published evaluation.
    pub owner: Option<String>,
    pub required_evidence: Option<String>,
    /// Limit set when it was opened; what "on time" means in reports.
    pub first_due_at: DateTime<Utc>,
    /// Limit that holds now.
    pub due_at: DateTime<Utc>,
    /// Open past its limit.
    pub overdue: bool,
    pub state: RectificationState,
    pub evidence: Option<String>,
    pub done_at: Option<DateTime<Utc>>,
    pub verifier: Option<String>,
    pub verified_at: Option<DateTime<Utc>>,
    pub reopen_count: i32,
    pub created_at: DateTime<Utc>,
    pub created_by: Option<String>,
    /// Everything that happened, the oldest first; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub steps: Option<Vec<StepView>>,
    pub version: i64,
}

/// Which names of an order the caller may know.
pub struct Names<'a>(Option<&'a Actor>);

impl<'a> Names<'a> {
    /// A published evaluation has told its inspector whom it is about; any other order may be about
    /// a ticket whose inspection is still blind.
    pub fn seen_by(actor: &'a Actor, order: &rectification::Model) -> Self {
        Self(order.evaluation_id.is_none().then_some(actor))
    }

    fn of(&self, who: String) -> Option<String> {
        match self.0 {
            Some(actor) => actor.may_know(Some(who)),
            None => Some(who),
        }
    }
}

impl RectificationView {
    pub fn of(of: rectification::Model, actor: &Actor, now: DateTime<Utc>) -> Self {
        let names = Names::seen_by(actor, &of);
        Self {
            id: of.id,
            org: of.org,
            evaluation_id: of.evaluation_id,
            ticket_id: of.ticket_id,
            customer_id: of.customer_id,
            title: of.title,
            cause: of.cause,
            owner: names.of(of.owner),
            required_evidence: of.required_evidence,
            first_due_at: of.first_due_at,
            due_at: of.due_at,
            overdue: of.state == "open" && now > of.due_at,
            state: RectificationState::parse(&of.state),
            evidence: of.evidence,
            done_at: of.done_at,
            verifier: of.verifier.and_then(|who| names.of(who)),
            verified_at: of.verified_at,
            reopen_count: of.reopen_count,
            created_at: of.created_at,
            created_by: names.of(of.created_by),
            steps: None,
            version: of.version,
        }
    }
}

/// A frozen monthly report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportView {
    pub id: Uuid,
    pub org: String,
    /// `2026-03`.
    pub period: String,
    /// 1, 2, 3, …: a correction is a new version.
    pub version: i32,
    pub figures: Vec<Figure>,
    pub published_at: DateTime<Utc>,
    pub published_by: String,
}

impl ReportView {
    pub fn of(of: service_report::Model) -> Result<Self> {
        Ok(Self {
            id: of.id,
            org: of.org,
            period: of.period,
            version: of.number,
            figures: read(&of.figures)?,
            published_at: of.published_at,
            published_by: of.published_by,
        })
    }
}
