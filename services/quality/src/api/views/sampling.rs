//! Sampling plans and draws.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Result;
use crate::{
    domain::{
        risk::RiskRules,
        sampling::{Drawn, Frame},
        scorecard::Titles,
    },
    store::{
        entities::{draw, sampling_plan},
        read,
    },
};

/// A sampling plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanView {
    pub id: Uuid,
    pub org: String,
    pub title: Titles,
    pub active: bool,
    pub scorecard_id: Option<Uuid>,
    pub quota_per_agent: i32,
    pub kinds: Vec<String>,
    pub include_imported: bool,
    pub risk: Option<RiskRules>,
    pub inspectors: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub version: i64,
}

impl PlanView {
    pub fn of(plan: sampling_plan::Model) -> Result<Self> {
        Ok(Self {
            id: plan.id,
            title: read(&plan.title)?,
            active: plan.active,
            scorecard_id: plan.scorecard_id,
            quota_per_agent: plan.quota,
            kinds: read(&plan.kinds)?,
            include_imported: plan.include_imported,
            risk: plan.risk.as_ref().map(read).transpose()?,
            inspectors: read(&plan.inspectors)?,
            org: plan.org,
            created_at: plan.created_at,
            created_by: plan.created_by,
            version: plan.version,
        })
    }
}

/// The record of a draw: enough to do it again.
#[derive(Debug, Serialize, ToSchema)]
pub struct DrawView {
    pub id: Uuid,
    pub plan_id: Uuid,
    pub org: String,
    pub period: String,
    pub seed: i64,
    /// SHA-256 over the ordered ticket ids of the frame, each followed by a line feed.
    pub frame_hash: String,
    pub frame_size: usize,
    /// What the draw was made from; only for the draw itself, not in lists.
    pub frame: Option<Frame>,
    pub items: Vec<Drawn>,
    pub drawn_at: DateTime<Utc>,
    pub drawn_by: String,
}

impl DrawView {
    pub fn of(draw: draw::Model, with_frame: bool) -> Result<Self> {
        let frame: Frame = read(&draw.frame)?;
        Ok(Self {
            id: draw.id,
            plan_id: draw.plan_id,
            org: draw.org,
            period: draw.period,
            seed: draw.seed,
            frame_hash: draw.frame_hash,
            frame_size: frame.items.len(),
            frame: with_frame.then_some(frame),
            items: read(&draw.items)?,
            drawn_at: draw.drawn_at,
            drawn_by: draw.drawn_by,
        })
    }
}
