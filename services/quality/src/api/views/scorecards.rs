//! Scorecards and their versions.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Result;
use crate::{
    domain::scorecard::{Form, Titles},
    store::{
        entities::{scorecard, scorecard_version},
        read,
        scorecards::Whole,
    },
};

/// A version of a scorecard without its content.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionSummary {
    pub number: i32,
    /// `draft`, `published`.
    pub state: String,
    pub published_at: Option<DateTime<Utc>>,
    pub published_by: Option<String>,
}

/// A scorecard; its ETag holds for the draft as well.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScorecardView {
    pub id: Uuid,
    pub org: String,
    pub key: String,
    pub title: Titles,
    /// Version that new evaluations are made with.
    pub latest_published: Option<i32>,
    /// Number of the draft, if there is one.
    pub draft: Option<i32>,
    pub versions: Vec<VersionSummary>,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub version: i64,
}

impl ScorecardView {
    pub fn of(whole: &Whole) -> Result<Self> {
        let (card, versions) = (&whole.card, &whole.versions);
        Ok(Self {
            id: card.id,
            org: card.org.clone(),
            key: card.key.clone(),
            title: read(&card.title)?,
            latest_published: card.latest_published,
            draft: whole.draft().map(|v| v.number),
            versions: versions.iter().map(summary).collect(),
            created_at: card.created_at,
            created_by: card.created_by.clone(),
            version: card.version,
        })
    }
}

fn summary(v: &scorecard_version::Model) -> VersionSummary {
    VersionSummary {
        number: v.number,
        state: v.state.clone(),
        published_at: v.published_at,
        published_by: v.published_by.clone(),
    }
}

/// A scorecard in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScorecardSummary {
    pub id: Uuid,
    pub org: String,
    pub key: String,
    pub title: Titles,
    pub latest_published: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub version: i64,
}

impl ScorecardSummary {
    pub fn of(card: scorecard::Model) -> Result<Self> {
        Ok(Self {
            id: card.id,
            title: read(&card.title)?,
            org: card.org,
            key: card.key,
            latest_published: card.latest_published,
            created_at: card.created_at,
            version: card.version,
        })
    }
}

/// One version with its content.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionView {
    pub scorecard_id: Uuid,
    pub number: i32,
    pub state: String,
    pub form: Form,
    pub published_at: Option<DateTime<Utc>>,
    pub published_by: Option<String>,
}

impl VersionView {
    pub fn of(v: &scorecard_version::Model) -> Result<Self> {
        Ok(Self {
            scorecard_id: v.scorecard_id,
            number: v.number,
            state: v.state.clone(),
            form: read(&v.form)?,
            published_at: v.published_at,
            published_by: v.published_by.clone(),
        })
    }
}
