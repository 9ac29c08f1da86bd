//! Counts behind the figures, grouped by the database.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::{OrgPath, Problem};
use sea_orm::{FromQueryResult, Value};
use store::{Db, sql};
use uuid::Uuid;

use crate::domain::figures::Counts;

/// What the figures are split by.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum By {
    Org,
    Handler,
    Kind,
    Tier,
}

impl By {
    const fn column(self) -> &'static str {
        match self {
            By::Org => "org",
            By::Handler => "handler",
            By::Kind => "kind",
            By::Tier => "tier",
        }
    }
}

#[derive(Debug, FromQueryResult)]
struct AnswerRow {
    grp: Option<String>,
    csat: Option<i32>,
    nps: Option<i32>,
    low: bool,
    closed: bool,
    n: i64,
}

#[derive(Debug, FromQueryResult)]
struct InvitationRow {
    grp: Option<String>,
    answered: bool,
    bounced: bool,
    n: i64,
}

/// What is counted.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    pub org: &'a OrgPath,
    pub survey_id: Uuid,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub by: By,
}

/// Counts per group; the key is empty where the dimension has no value.
pub async fn counts(db: &Db, scope: &Scope<'_>) -> Result<BTreeMap<String, Counts>, Problem> {
    let view = db.snapshot().await?;
    let mut groups: BTreeMap<String, Counts> = BTreeMap::new();
    let column = scope.by.column();
    let bound = "survey_id = $1 AND (org = $2 OR (org >= $3 AND org < $4))";
    let answers = format!(
        "SELECT {column} AS grp, csat, nps, low,
                coalesce(follow_up_state IN ('resolved', 'closed'), false) AS closed, count(*) AS n
         FROM response WHERE {bound} AND state = 'complete' AND answered_at >= $5 AND answered_at < $6
         GROUP BY 1, 2, 3, 4, 5"
    );
    for row in sql::rows::<AnswerRow>(&view, &answers, values(scope)).await? {
        let n = u64::try_from(row.n)?;
        let counts = groups.entry(row.grp.unwrap_or_default()).or_default();
        counts.responses += n;
        count_score(&mut counts.csat, row.csat.map(|score| score - 1), n);
        count_score(&mut counts.nps, row.nps, n);
        counts.low += if row.low { n } else { 0 };
        counts.low_closed += if row.low && row.closed { n } else { 0 };
    }
    let invitations = format!(
        "SELECT {column} AS grp, state = 'answered' AS answered, (bounced_at IS NOT NULL) AS bounced, count(*) AS n
         FROM invitation WHERE {bound} AND invited_at >= $5 AND invited_at < $6
         GROUP BY 1, 2, 3"
    );
    for row in sql::rows::<InvitationRow>(&view, &invitations, values(scope)).await? {
        let n = u64::try_from(row.n)?;
        let counts = groups.entry(row.grp.unwrap_or_default()).or_default();
        counts.invited += n;
        counts.answered += if row.answered { n } else { 0 };
        // Who answered has got it by some way.
        counts.bounced += if row.bounced && !row.answered { n } else { 0 };
    }
    view.rollback().await?;
    Ok(groups)
}

fn values(scope: &Scope) -> Vec<Value> {
    let (from, to) = scope.org.below();
    vec![
        scope.survey_id.into(),
        scope.org.as_str().into(),
        from.into(),
        to.into(),
        scope.from.into(),
        scope.to.into(),
    ]
}

fn count_score(scores: &mut [u64], index: Option<i32>, n: u64) {
    if let Some(slot) = index.and_then(|i| usize::try_from(i).ok()).and_then(|i| scores.get_mut(i))
    {
        *slot += n;
    }
}
