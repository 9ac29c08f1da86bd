//! Inspections, evaluations and appeals.

use chrono::{DateTime, Utc};
use kernel::Actor;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Result;
use crate::{
    domain::{
        answers::Answer,
        appeal::{Disputed, EvaluationState, Outcome},
        scoring::Score,
        visibility::is_blind,
    },
    store::{
        entities::{appeal, evaluation, inspection},
        read,
    },
};

/// An inspection.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspectionView {
    pub id: Uuid,
    pub org: String,
    pub ticket_id: Option<Uuid>,
    pub ticket_number: Option<String>,
    pub customer_id: Option<Uuid>,
    pub kind: Option<String>,
    pub tier: Option<String>,
    pub complaint_level: Option<String>,
    /// Agent whose work is judged; absent while the caller is blind to it.
    pub agent: Option<String>,
    /// Whether the agent is withheld from the caller.
    pub blind: bool,
    /// `quota`, `risk:low_score`, `risk:breach`, `risk:complaint_level`.
    pub reasons: Vec<String>,
    pub plan_id: Option<Uuid>,
    pub draw_id: Option<Uuid>,
    pub period: Option<String>,
    pub scorecard_id: Option<Uuid>,
    pub inspector: Option<String>,
    /// `open`, `assigned`, `published`.
    pub state: String,
    pub created_at: DateTime<Utc>,
    pub version: i64,
}

impl InspectionView {
    pub fn of(actor: &Actor, of: inspection::Model) -> Result<Self> {
        let blind = is_blind(actor, of.inspector.as_deref(), of.state == "published");
        Ok(Self {
            id: of.id,
            org: of.org,
            ticket_id: of.ticket_id,
            ticket_number: of.ticket_number,
            customer_id: of.customer_id,
            kind: of.kind,
            tier: of.tier,
            complaint_level: of.complaint_level,
            agent: of.agent.filter(|_| !blind),
            blind,
            reasons: read(&of.reasons)?,
            plan_id: of.plan_id,
            draw_id: of.draw_id,
            period: of.period,
            scorecard_id: of.scorecard_id,
            inspector: of.inspector,
            state: of.state,
            created_at: of.created_at,
            version: of.version,
        })
    }
}

/// An evaluation.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationView {
    pub id: Uuid,
    pub inspection_id: Uuid,
    pub org: String,
    /// Absent while the caller is blind to it.
    pub agent: Option<String>,
    pub scorecard_id: Uuid,
    pub scorecard_version: i32,
    pub scorer: String,
    pub state: EvaluationState,
    pub answers: Vec<Answer>,
    pub comment: Option<String>,
    /// 0 to 100; absent when nothing was applicable.
    pub score: Option<f64>,
    /// Whether a fatal item failed.
    pub fatal: bool,
    pub result: Score,
    pub published_at: Option<DateTime<Utc>>,
    /// Last instant at which the agent may appeal.
    pub appeal_until: Option<DateTime<Utc>>,
    pub final_at: Option<DateTime<Utc>>,
    /// `unappealed`, `decided`.
    pub final_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub version: i64,
}

impl EvaluationView {
    pub fn of(actor: &Actor, of: evaluation::Model) -> Result<Self> {
        let blind = is_blind(actor, Some(&of.scorer), of.state != "draft");
        Ok(Self {
            id: of.id,
            inspection_id: of.inspection_id,
            org: of.org,
            agent: of.agent.filter(|_| !blind),
            scorecard_id: of.scorecard_id,
            scorecard_version: of.scorecard_version,
            scorer: of.scorer,
            state: EvaluationState::parse(&of.state),
            answers: read(&of.answers)?,
            comment: of.comment,
            score: of.score,
            fatal: of.fatal,
            result: read(&of.result)?,
            published_at: of.published_at,
            appeal_until: of.appeal_until,
            final_at: of.final_at,
            final_reason: of.final_reason,
            created_at: of.created_at,
            version: of.version,
        })
    }
}

/// An appeal.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppealView {
    pub id: Uuid,
    pub evaluation_id: Uuid,
    pub inspection_id: Uuid,
    pub org: String,
    pub appellant: String,
    pub items: Vec<Disputed>,
    /// `lodged`, `decided`.
    pub state: String,
    pub lodged_at: DateTime<Utc>,
    pub outcome: Option<Outcome>,
    pub reason: Option<String>,
    pub changes: Option<Vec<Answer>>,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
    pub answers_before: Vec<Answer>,
    pub score_before: Option<f64>,
    pub score_after: Option<f64>,
    pub version: i64,
}

impl AppealView {
    pub fn of(of: appeal::Model) -> Result<Self> {
        Ok(Self {
            id: of.id,
            evaluation_id: of.evaluation_id,
            inspection_id: of.inspection_id,
            org: of.org,
            appellant: of.appellant,
            items: read(&of.items)?,
            state: of.state,
            lodged_at: of.lodged_at,
            outcome: of.outcome.map(|outcome| read(&outcome.into())).transpose()?,
            reason: of.reason,
            changes: of.changes.as_ref().map(read).transpose()?,
            decided_by: of.decided_by,
            decided_at: of.decided_at,
            answers_before: read(&of.answers_before)?,
            score_before: of.score_before,
            score_after: of.score_after,
            version: of.version,
        })
    }
}
